package types

import (
	"bytes"
	"encoding/binary"

	"rdip/envelope"
)

// vectorEncoder is pgvector's [1,2,3] as an Avro array of its numbers.
func vectorEncoder(item envelope.ColumnEncoder) envelope.ColumnEncoder {
	return func(dst, wire []byte) ([]byte, error) {
		if len(wire) < 3 || wire[0] != '[' || wire[len(wire)-1] != ']' {
			return dst, malformed("a vector")
		}
		rest := wire[1 : len(wire)-1]
		dst = binary.AppendVarint(dst, int64(bytes.Count(rest, []byte{','})+1))
		var err error
		for more := true; more; {
			var number []byte
			number, rest, more = bytes.Cut(rest, []byte{','})
			if dst, err = item(dst, number); err != nil {
				return dst, malformed("a vector")
			}
		}
		return append(dst, 0), nil
	}
}
