package convert

import (
	"math"
	"strconv"
	"unicode/utf8"

	"rdip/envelope"
)

const upperHex = "0123456789ABCDEF"

// appendJSONString writes a string as Jackson's UTF-8 generator does: the short escapes, other controls as
// \u00XX, and what lies beyond the basic plane as two surrogates. Nothing else is escaped.
func appendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0xf0 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		size := 1
		if c >= 0xf0 {
			dst, size = appendAstral(dst, s[i:])
		} else {
			dst = envelope.AppendJSONEscape(dst, c)
		}
		i += size
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

// appendAstral writes a rune of four bytes as two surrogates; bytes that are none become U+FFFD.
func appendAstral(dst, s []byte) ([]byte, int) {
	r, size := utf8.DecodeRune(s)
	if r == utf8.RuneError {
		return utf8.AppendRune(dst, utf8.RuneError), size
	}
	r -= 0x10000
	dst = appendUnit(dst, 0xd800+uint16(r>>10))
	return appendUnit(dst, 0xdc00+uint16(r&0x3ff)), size
}

func appendUnit(dst []byte, u uint16) []byte {
	return append(dst, '\\', 'u', upperHex[u>>12], upperHex[u>>8&15], upperHex[u>>4&15], upperHex[u&15])
}

// appendValuesString quotes as Connect's Values does in a header: backslashes and quotes, and nothing else.
func appendValuesString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// nonFinite is Java's name of a float that is no number, "" for one that is.
func nonFinite(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	default:
		return ""
	}
}

// appendFloat writes a finite number as Java's Double.toString and Float.toString do since Java 19: plain
// from 0.001 up to ten million, else with an exponent; always a digit behind the point; the fewest digits
// that read back the same, but of two the nearest (4.9E-324).
func appendFloat(dst []byte, v float64, bits int) []byte {
	var buffer [32]byte
	text := strconv.AppendFloat(buffer[:0], v, 'e', -1, bits)
	if !hasPoint(text) {
		text = strconv.AppendFloat(buffer[:0], v, 'e', 1, bits)
	}
	if a := math.Abs(v); a == 0 || a >= 1e-3 && a < 1e7 {
		return appendPlain(dst, v, bits)
	}
	e := len(text) - 1
	for text[e] != 'e' {
		e--
	}
	dst = append(append(dst, text[:e]...), 'E')
	exponent, _ := strconv.Atoi(string(text[e+1:])) // strconv wrote it
	return strconv.AppendInt(dst, int64(exponent), 10)
}

func appendPlain(dst []byte, v float64, bits int) []byte {
	at := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', -1, bits)
	if hasPoint(dst[at:]) {
		return dst
	}
	return append(dst, '.', '0')
}

func hasPoint(text []byte) bool {
	for _, c := range text {
		if c == '.' {
			return true
		}
	}
	return false
}
