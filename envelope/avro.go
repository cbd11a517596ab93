package envelope

import "encoding/binary"

// AppendLong appends v as an Avro int or long: zigzag, then base-128 (Avro specification, "Binary Encoding").
func AppendLong(dst []byte, v int64) []byte {
	return binary.AppendVarint(dst, v)
}

// AppendString appends v as an Avro string or bytes: its length, then itself.
func AppendString[T string | []byte](dst []byte, v T) []byte {
	return append(AppendLong(dst, int64(len(v))), v...)
}
