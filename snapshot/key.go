package snapshot

import (
	"encoding/binary"

	"rdip/envelope"
	"rdip/schema"
)

// A packed key is a row's key columns, in the key's order, each with its length before it: two keys are the
// same row's if their bytes are. The source writes a value alike in its log and in its tables.

// appendKey packs the key of row. A value that the log left out, unchanged TOAST, is taken from old, which may
// be nil. ok is false where the key is not known.
func appendKey(dst []byte, t *schema.Table, row, old envelope.Row) (key []byte, ok bool) {
	for _, k := range t.Key {
		if k >= len(row) {
			return dst, false
		}
		v := &row[k]
		if v.State == envelope.Absent && k < len(old) {
			v = &old[k]
		}
		switch v.State {
		case envelope.Present:
			dst = binary.AppendUvarint(dst, uint64(len(v.Wire))+1)
			dst = append(dst, v.Wire...)
		case envelope.Null:
			dst = append(dst, 0)
		default:
			return dst, false
		}
	}
	return dst, true
}

// packKey packs a key that was stored as texts.
func packKey(values []string) string {
	var dst []byte
	for _, v := range values {
		dst = binary.AppendUvarint(dst, uint64(len(v))+1)
		dst = append(dst, v...)
	}
	return string(dst)
}

// unpackKey is the inverse of packKey; ok is false for a key with a NULL in it, which no row can be asked by.
func unpackKey(key string) (values []string, ok bool) {
	rest := []byte(key)
	for len(rest) > 0 {
		n, width := binary.Uvarint(rest)
		if width <= 0 || n == 0 || n-1 > uint64(len(rest)-width) {
			return nil, false
		}
		values = append(values, string(rest[width:width+int(n)-1]))
		rest = rest[width+int(n)-1:]
	}
	return values, true
}
