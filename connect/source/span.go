package source

import "rdip/sinks"

// span is where a record's key and value lie in the arena; the end of a part is the beginning of the next.
// A part that is null has no bytes and is told by its flag.
type span struct {
	key, value, end    int
	nullKey, nullValue bool
}

// point sets a record's key and value to their bytes.
func (s span) point(r *sinks.Record, arena []byte) {
	if !s.nullKey {
		r.Key = arena[s.key:s.value:s.value]
	}
	if !s.nullValue {
		r.Value = arena[s.value:s.end:s.end]
	}
}
