package postgres

import (
	"encoding/binary"

	"rdip/envelope"
)

// encodeText is the server's text as it is: client_encoding is pinned to UTF8. A char(n) is padded.
func encodeText(dst, wire []byte) ([]byte, error) { return envelope.AppendString(dst, wire), nil }

// encodeBytea is the bytes of \x and hexadecimal digits: bytea_output is pinned to hex.
func encodeBytea(dst, wire []byte) ([]byte, error) {
	if len(wire) < 2 || wire[0] != '\\' || wire[1] != 'x' || len(wire)%2 != 0 {
		return dst, malformed("a bytea as bytea_output hex has it")
	}
	dst = binary.AppendVarint(dst, int64(len(wire)/2-1))
	dst, ok := appendHex(dst, wire[2:])
	if !ok {
		return dst, malformed("a bytea as bytea_output hex has it")
	}
	return dst, nil
}

// appendHex appends the bytes of an even number of hexadecimal digits.
func appendHex(dst, digits []byte) ([]byte, bool) {
	var bad byte
	for i := 0; i+1 < len(digits); i += 2 {
		hi, lo := nibbles[digits[i]], nibbles[digits[i+1]]
		bad |= hi | lo
		dst = append(dst, hi<<4|lo)
	}
	return dst, bad <= 0xf
}

// nibbles is the value of a hexadecimal digit, 0xff for any other byte.
var nibbles = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range byte(10) {
		t['0'+i] = i
	}
	for i := range byte(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

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
