package types

import (
	"encoding/base64"
	"encoding/binary"

	"rdip/envelope"
)

// The alphabets of binary.handling.mode, both padded, as java.util.Base64's encoders are.
var (
	base64Standard = base64.StdEncoding
	base64URL      = base64.URLEncoding
)

const errBytea = malformed("a bytea as bytea_output hex has it")

// encodeBytea is the bytes of \x and hexadecimal digits: bytea_output is pinned to hex.
func encodeBytea(dst, wire []byte) ([]byte, error) {
	digits, ok := byteaDigits(wire)
	if !ok {
		return dst, errBytea
	}
	dst = binary.AppendVarint(dst, int64(len(digits)/2))
	if dst, ok = appendHex(dst, digits); !ok {
		return dst, errBytea
	}
	return dst, nil
}

// byteaDigits is what is behind \x, an even number of bytes.
func byteaDigits(wire []byte) ([]byte, bool) {
	if len(wire) < 2 || wire[0] != '\\' || wire[1] != 'x' || len(wire)%2 != 0 {
		return nil, false
	}
	return wire[2:], true
}

// encodeByteaHex is the digits themselves, which the server writes in lower case.
func encodeByteaHex(dst, wire []byte) ([]byte, error) {
	digits, ok := byteaDigits(wire)
	for i := 0; ok && i < len(digits); i++ {
		ok = nibbles[digits[i]] <= 0xf
	}
	if !ok {
		return dst, errBytea
	}
	return envelope.AppendString(dst, digits), nil
}

// byteaBase64Encoder is the bytes in base64. They are made behind the end of dst, and their text behind them.
func byteaBase64Encoder(alphabet *base64.Encoding) envelope.ColumnEncoder {
	return func(dst, wire []byte) ([]byte, error) {
		digits, ok := byteaDigits(wire)
		if !ok {
			return dst, errBytea
		}
		n := len(digits) / 2
		dst = binary.AppendVarint(dst, int64(alphabet.EncodedLen(n)))
		mark := len(dst)
		if dst, ok = appendHex(dst, digits); !ok {
			return dst, errBytea
		}
		dst = alphabet.AppendEncode(dst, dst[mark:mark+n])
		return dst[:mark+copy(dst[mark:], dst[mark+n:])], nil
	}
}

// textBase64Encoder is the bytes of the server's text in base64.
func textBase64Encoder(alphabet *base64.Encoding) envelope.ColumnEncoder {
	return func(dst, wire []byte) ([]byte, error) {
		dst = binary.AppendVarint(dst, int64(alphabet.EncodedLen(len(wire))))
		return alphabet.AppendEncode(dst, wire), nil
	}
}

// encodeTextHex is the bytes of the server's text as hexadecimal digits.
func encodeTextHex(dst, wire []byte) ([]byte, error) {
	dst = binary.AppendVarint(dst, int64(2*len(wire)))
	for _, c := range wire {
		dst = append(dst, lowerHex[c>>4], lowerHex[c&15])
	}
	return dst, nil
}

const lowerHex = "0123456789abcdef"

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
