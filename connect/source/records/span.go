package records

import "rdip/sinks"

// Span is where a record's key and value lie in the arena; the end of a part is the beginning of the next.
// A part that is null has no bytes and is told by its flag.
type Span struct {
	Key, Value, End    int
	NullKey, NullValue bool

	beside int // what the batch held beside its arena before the record
}

// Point sets a record's key and value to their bytes.
func (s Span) Point(r *sinks.Record, arena []byte) {
	if !s.NullKey {
		r.Key = arena[s.Key:s.Value:s.Value]
	}
	if !s.NullValue {
		r.Value = arena[s.Value:s.End:s.End]
	}
}
