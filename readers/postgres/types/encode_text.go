package types

import (
	"encoding/binary"

	"rdip/envelope"
)

// encodeText is the server's text as it is: client_encoding is pinned to UTF8. A char(n) is padded.
func encodeText(dst, wire []byte) ([]byte, error) { return envelope.AppendString(dst, wire), nil }

// encodeBit is a single bit as a boolean. An empty varbit(1) is false.
func encodeBit(dst, wire []byte) ([]byte, error) {
	switch string(wire) {
	case "1":
		return append(dst, 1), nil
	case "0", "":
		return append(dst, 0), nil
	}
	return dst, malformed("a bit")
}

// encodeBits is io.debezium.data.Bits: the bits as a number, its least byte first, without zero bytes behind
// its highest bit. The parameter length, or nothing for a varbit, says how many there were.
func encodeBits(dst, wire []byte) ([]byte, error) {
	for _, c := range wire {
		if c != '0' && c != '1' {
			return dst, malformed("a bit string")
		}
	}
	used := wire
	for len(used) > 0 && used[0] == '0' {
		used = used[1:]
	}
	dst = binary.AppendVarint(dst, int64(len(used)+7)/8)
	for end := len(used); end > 0; end -= 8 {
		var b byte
		for _, c := range used[max(end-8, 0):end] {
			b = b<<1 | (c - '0')
		}
		dst = append(dst, b)
	}
	return dst, nil
}
