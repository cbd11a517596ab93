package types

import (
	"encoding/binary"
	"math"
	"strconv"

	"rdip/envelope"
)

// encodeBool is t or f as one byte.
func encodeBool(dst, wire []byte) ([]byte, error) {
	if len(wire) == 1 && wire[0] == 't' {
		return append(dst, 1), nil
	}
	if len(wire) == 1 && wire[0] == 'f' {
		return append(dst, 0), nil
	}
	return dst, malformed("a boolean")
}

// integerEncoder is a whole number that must fit into so many bits. An oid, which is unsigned, is one of 64.
func integerEncoder(bits int) envelope.ColumnEncoder {
	most := int64(1)<<(bits-1) - 1
	return func(dst, wire []byte) ([]byte, error) {
		n, ok := parseInt(wire)
		if !ok || n > most || n < -most-1 {
			return dst, malformed("a whole number of the column's size")
		}
		return binary.AppendVarint(dst, n), nil
	}
}

// parseInt reads an optional minus and digits.
func parseInt(b []byte) (int64, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	u, ok := parseUint(b)
	switch {
	case !ok:
		return 0, false
	case negative:
		return -int64(u), u <= 1<<63
	default:
		return int64(u), u <= math.MaxInt64
	}
}

// parseUint reads 1 to 19 digits.
func parseUint(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// encodeFloat4 is the exact float32: extra_float_digits is pinned so that the text is the shortest that
// gives it back. NaN has the bits of Java's.
func encodeFloat4(dst, wire []byte) ([]byte, error) {
	f, err := parseFloat(wire, 32)
	if err != nil {
		return dst, err
	}
	bits := math.Float32bits(float32(f))
	if f != f {
		bits = 0x7fc00000
	}
	return binary.LittleEndian.AppendUint32(dst, bits), nil
}

// encodeFloat8 is the exact float64. NaN has the bits of Java's.
func encodeFloat8(dst, wire []byte) ([]byte, error) {
	f, err := parseFloat(wire, 64)
	if err != nil {
		return dst, err
	}
	return appendDouble(dst, f), nil
}

func appendDouble(dst []byte, f float64) []byte {
	bits := math.Float64bits(f)
	if f != f {
		bits = 0x7ff8000000000000
	}
	return binary.LittleEndian.AppendUint64(dst, bits)
}

// parseFloat takes what float4out and float8out write: digits, NaN, Infinity, -Infinity.
func parseFloat(wire []byte, bits int) (float64, error) {
	for _, c := range wire {
		if c == 'x' || c == 'X' || c == '_' || c == 'p' {
			return 0, malformed("a floating-point number")
		}
	}
	f, err := strconv.ParseFloat(string(wire), bits)
	if err != nil {
		return 0, malformed("a floating-point number")
	}
	return f, nil
}
