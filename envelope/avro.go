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

// PrefixLength makes dst[mark:] an Avro string or bytes: it puts its length in front of it. It is for what is only
// as long as it turns out to be.
func PrefixLength(dst []byte, mark int) []byte {
	var prefix [binary.MaxVarintLen64]byte
	n := len(dst) - mark
	k := binary.PutVarint(prefix[:], int64(n))
	dst = append(dst, prefix[:k]...)
	copy(dst[mark+k:], dst[mark:mark+n])
	copy(dst[mark:], prefix[:k])
	return dst
}

// The branches of the union ["null", T], as Avro writes them in front of the value.
const (
	UnionNull  = 0
	UnionValue = 1 << 1 // zigzag of 1
)
