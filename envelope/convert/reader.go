package convert

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strconv"

	"rdip/schema"
)

// ErrCorrupt is what a program returns for Avro that does not fit its schema.
var ErrCorrupt = errors.New("the Avro does not fit its schema")

// style says how values are spelled.
type style struct {
	values      bool // as Connect's Values spells them in a header, and not as JSON
	numeric     bool // decimals as numbers, not in base64
	replaceNull bool // the default of a field stands for its null
}

// reader goes through one Avro value. After the first error it reads zeros.
type reader struct {
	in  []byte
	bad bool
}

func (r *reader) long() int64 {
	v, n := binary.Varint(r.in)
	if n <= 0 {
		r.bad, r.in = true, nil
		return 0
	}
	r.in = r.in[n:]
	return v
}

// take borrows n bytes. After an error it gives zeros, eight of them at most.
func (r *reader) take(n int64) []byte {
	if n < 0 || n > int64(len(r.in)) {
		r.bad, r.in = true, nil
		return zeros[:max(0, min(n, 8))]
	}
	out := r.in[:n]
	r.in = r.in[n:]
	return out
}

var zeros [8]byte

// isNull reads the index of an optional's union.
func (r *reader) isNull(s *slot) bool {
	if !s.optional {
		return false
	}
	i := r.long()
	if i != 0 && i != 1 {
		r.bad, r.in = true, nil
	}
	return i == s.null
}

func (r *reader) skip(s *slot) {
	if !r.isNull(s) {
		r.skipValue(s.typ)
	}
}

func (r *reader) skipValue(t *typ) {
	switch t.kind {
	case schema.Boolean:
		r.take(1)
	case schema.Int, schema.Long:
		r.long()
	case schema.Float:
		r.take(4)
	case schema.Double:
		r.take(8)
	case schema.Bytes, schema.String:
		r.take(r.long())
	case schema.Record:
		for i := range t.fields {
			r.skip(&t.fields[i].slot)
		}
	default:
		for n := r.count(); n > 0; n = r.count() {
			for ; n > 0 && !r.bad; n-- {
				if t.kind == schema.Map {
					r.take(r.long())
				}
				r.skip(&t.items)
			}
		}
	}
}

// count is how many items the next block of an array or map has, 0 at its end. Each item has a byte at least,
// so that more than are left are an error.
func (r *reader) count() int64 {
	n := r.long()
	if n < 0 { // the block's size in bytes follows
		n = -n
		r.long()
	}
	if n < 0 || n > int64(len(r.in)) {
		r.bad, r.in = true, nil
		return 0
	}
	return n
}

func (r *reader) append(dst []byte, s *slot, how style) []byte {
	if !r.isNull(s) {
		return r.appendValue(dst, s.typ, how)
	}
	if how.replaceNull && s.typ.def != nil {
		return appendDefault(dst, s.typ, s.typ.def, how)
	}
	return append(dst, "null"...)
}

func (r *reader) appendValue(dst []byte, t *typ, how style) []byte {
	switch t.kind {
	case schema.Boolean:
		return strconv.AppendBool(dst, r.take(1)[0] == 1)
	case schema.Int, schema.Long:
		return strconv.AppendInt(dst, r.long(), 10)
	case schema.Float:
		return appendNumber(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(r.take(4)))), 32, how)
	case schema.Double:
		return appendNumber(dst, math.Float64frombits(binary.LittleEndian.Uint64(r.take(8))), 64, how)
	case schema.String:
		if how.values {
			return appendValuesString(dst, r.take(r.long()))
		}
		return appendJSONString(dst, r.take(r.long()))
	case schema.Bytes:
		return appendBytes(dst, r.take(r.long()), t, how)
	case schema.Record:
		return r.appendRecord(dst, t, how)
	default:
		return r.appendItems(dst, t, how)
	}
}

func (r *reader) appendRecord(dst []byte, t *typ, how style) []byte {
	for i := range t.fields {
		f := &t.fields[i]
		dst = append(append(dst, separator(i, '{')), f.label...)
		dst = r.append(dst, &f.slot, how)
	}
	if len(t.fields) == 0 {
		dst = append(dst, '{')
	}
	return append(dst, '}')
}

func separator(i int, first byte) byte {
	if i == 0 {
		return first
	}
	return ','
}

// appendItems writes an array, a map with its keys as names, or a map with other keys as an array of pairs.
func (r *reader) appendItems(dst []byte, t *typ, how style) []byte {
	open, end := byte('['), byte(']')
	if t.kind == schema.Map {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	first := true
	for n := r.count(); n > 0; n = r.count() {
		for ; n > 0 && !r.bad; n-- {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			switch {
			case t.kind == schema.Map:
				dst = append(appendJSONString(dst, r.take(r.long())), ':')
				dst = r.append(dst, &t.items, how)
			case t.isPairs:
				dst = r.appendPair(dst, &t.items, how)
			default:
				dst = r.append(dst, &t.items, how)
			}
		}
	}
	return append(dst, end)
}

func (r *reader) appendPair(dst []byte, entry *slot, how style) []byte {
	if r.isNull(entry) {
		return append(dst, "null"...)
	}
	for i := range entry.typ.fields {
		dst = r.append(append(dst, separator(i, '[')), &entry.typ.fields[i].slot, how)
	}
	return append(dst, ']')
}

func appendNumber(dst []byte, v float64, bits int, how style) []byte {
	name := nonFinite(v)
	switch {
	case name == "":
		return appendFloat(dst, v, bits)
	case how.values:
		return append(dst, name...)
	default:
		return append(append(append(dst, '"'), name...), '"')
	}
}

func appendBytes(dst, v []byte, t *typ, how style) []byte {
	if t.name == schema.DecimalName && (how.numeric || how.values) {
		return appendDecimal(dst, v, t.scale)
	}
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v), '"')
}
