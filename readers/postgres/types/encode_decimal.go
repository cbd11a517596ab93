package types

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"

	"rdip/envelope"
)

// decimal is the text of a numeric: a sign, digits before the point and digits behind it.
type decimal struct {
	negative    bool
	whole, frac []byte
}

// parseDecimal reads what numeric_out writes, which never has an exponent.
func parseDecimal(wire []byte) (decimal, error) {
	var d decimal
	rest := wire
	if len(rest) > 0 && rest[0] == '-' {
		d.negative, rest = true, rest[1:]
	}
	d.whole = rest
	if dot := bytes.IndexByte(rest, '.'); dot >= 0 {
		d.whole, d.frac = rest[:dot], rest[dot+1:]
	}
	if len(d.whole)+len(d.frac) > 0 && allDigits(d.whole) && allDigits(d.frac) {
		return d, nil
	}
	switch string(wire) {
	case "NaN", "Infinity", "-Infinity":
		return d, errNotFinite
	}
	return d, malformed("a numeric")
}

// errNotFinite: neither Decimal nor VariableScaleDecimal has a form for it (P25).
var errNotFinite = unholdable("a numeric that is NaN or infinite, which an Avro decimal (decimal.handling.mode: precise) cannot hold",
	"decimal.handling.mode: string, or decimal.handling.mode: double, or change the row")

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// decimalEncoder is Connect's Decimal: the big-endian two's complement of value * 10^scale, no longer than
// it must be. Digits behind the scale must be zeros: nothing is rounded.
func decimalEncoder(scale int) envelope.ColumnEncoder {
	return func(dst, wire []byte) ([]byte, error) {
		d, err := parseDecimal(wire)
		if err != nil {
			return dst, err
		}
		if len(d.frac) > scale {
			if len(bytes.TrimRight(d.frac[scale:], "0")) > 0 {
				return dst, malformed("a numeric of the column's scale")
			}
			d.frac = d.frac[:scale]
		}
		return d.appendUnscaled(dst, scale), nil
	}
}

// encodeVariableDecimal is Debezium's VariableScaleDecimal, for a numeric without a scale of its own. As
// Debezium does, zeros at the end are dropped, so that 1.5 and 1.50, which are equal, have the same bytes
// as a key too.
func encodeVariableDecimal(dst, wire []byte) ([]byte, error) {
	d, err := parseDecimal(wire)
	if err != nil {
		return dst, err
	}
	d.frac = bytes.TrimRight(d.frac, "0")
	return d.appendUnscaled(binary.AppendVarint(dst, int64(len(d.frac))), len(d.frac)), nil
}

// encodeNumericDouble is the nearest double. Digits beyond 32 cost an allocation. A finite number that is too
// large for a double is refused, never written as an infinity.
func encodeNumericDouble(dst, wire []byte) ([]byte, error) {
	if _, err := parseDecimal(wire); err != nil && !errors.Is(err, errNotFinite) {
		return dst, err
	}
	f, err := strconv.ParseFloat(string(wire), 64)
	if err != nil {
		return dst, errDoubleRange
	}
	return appendDouble(dst, f), nil
}

var errDoubleRange = unholdable("a numeric of more than 308 digits, which a double (decimal.handling.mode: double) cannot hold",
	"decimal.handling.mode: string, or change the row")

// digit is the i-th digit of the value times 10^scale, zeros behind its own.
func (d *decimal) digit(i int) uint64 {
	if i < len(d.whole) {
		return uint64(d.whole[i] - '0')
	}
	if i -= len(d.whole); i < len(d.frac) {
		return uint64(d.frac[i] - '0')
	}
	return 0
}

// Digits that surely fit into 63 and 127 bits.
const (
	digits64  = 18
	digits128 = 38
)

// appendUnscaled appends the value times 10^scale, where scale is at least len(d.frac).
func (d *decimal) appendUnscaled(dst []byte, scale int) []byte {
	n := len(d.whole) + scale
	if n > digits128 {
		return d.appendWide(dst, n)
	}
	var hi, lo uint64
	for i := range n {
		if i < digits64 {
			lo = lo*10 + d.digit(i)
			continue
		}
		carry, low := bits.Mul64(lo, 10)
		var c uint64
		lo, c = bits.Add64(low, d.digit(i), 0)
		hi = hi*10 + carry + c
	}
	if d.negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	return appendTwos(dst, hi, lo)
}

// appendTwos appends a 128-bit two's complement as Avro bytes, cut to what its sign and value need.
func appendTwos(dst []byte, hi, lo uint64) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], hi)
	binary.BigEndian.PutUint64(b[8:], lo)
	i := 0
	for i < 15 && (b[i] == 0 && b[i+1] < 0x80 || b[i] == 0xff && b[i+1] >= 0x80) {
		i++
	}
	return envelope.AppendString(dst, b[i:])
}

// chunkDigits is how many digits are taken in at once beyond 128 bits, and chunkPower their power of ten.
const (
	chunkDigits = 18
	chunkPower  = 1_000_000_000_000_000_000
)

// appendWide is appendUnscaled for any number of digits. The magnitude grows as little-endian words behind
// the end of dst, and the result then takes its place. Time is quadratic, as PostgreSQL's own output is:
// the largest numeric, of 147,455 digits, takes some 100 ms.
func (d *decimal) appendWide(dst []byte, n int) []byte {
	mark := len(dst)
	for range n/19 + 2 { // a word holds more than 19 digits; the last one stays 0 for the sign
		dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	used := 0
	for i := 0; i < n; {
		power, chunk := uint64(1), uint64(0)
		for ; i < n && power < chunkPower; i++ {
			power, chunk = power*10, chunk*10+d.digit(i)
		}
		used = multiplyAdd(dst[mark:], used, power, chunk)
	}
	if d.negative {
		negate(dst[mark:])
	}
	return moveTwos(dst, mark)
}

// multiplyAdd makes words * factor + term of little-endian words, of which so many are used; it returns how
// many are then.
func multiplyAdd(words []byte, used int, factor, term uint64) int {
	for w := range used {
		word := words[w*8 : w*8+8]
		hi, lo := bits.Mul64(binary.LittleEndian.Uint64(word), factor)
		lo, carry := bits.Add64(lo, term, 0)
		binary.LittleEndian.PutUint64(word, lo)
		term = hi + carry
	}
	if term == 0 {
		return used
	}
	binary.LittleEndian.PutUint64(words[used*8:], term)
	return used + 1
}

// negate is the two's complement of little-endian bytes.
func negate(b []byte) {
	carry := true
	for i := range b {
		b[i] = ^b[i]
		if carry {
			b[i]++
			carry = b[i] == 0
		}
	}
}

// moveTwos replaces the little-endian two's complement dst[mark:] by its shortest form as Avro bytes.
func moveTwos(dst []byte, mark int) []byte {
	end := len(dst)
	top := end - 1
	for top > mark && (dst[top] == 0 && dst[top-1] < 0x80 || dst[top] == 0xff && dst[top-1] >= 0x80) {
		top--
	}
	dst = binary.AppendVarint(dst, int64(top-mark+1))
	for i := top; i >= mark; i-- {
		dst = append(dst, dst[i])
	}
	return dst[:mark+copy(dst[mark:], dst[end:])]
}
