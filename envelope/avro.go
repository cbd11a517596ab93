package envelope

import "encoding/binary"

// AppendLong appends v as an Avro int or long: zigzag, then base-128 (Avro specification, "Binary Encoding").
func AppendLong(dst []byte, v int64) []byte {
	return binary.AppendVarint(dst, v)
}

// AppendBytes appends v as Avro bytes or string: its length, then itself.
func AppendBytes(dst, v []byte) []byte {
	return append(AppendLong(dst, int64(len(v))), v...)
}

// AppendString is AppendBytes for a string.
func AppendString(dst []byte, v string) []byte {
	return append(AppendLong(dst, int64(len(v))), v...)
}
