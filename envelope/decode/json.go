package decode

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends v as Kafka's JsonConverter writes it without schemas: records with their fields in
// order, bytes and Decimals in base64, NaN and infinities as strings, unions without a tag. With the schema
// at hand nothing is lost by it.
func AppendJSON(dst []byte, v *Value) []byte {
	if v.IsNull() {
		return append(dst, "null"...)
	}
	switch v.Type.Kind {
	case Boolean:
		return strconv.AppendBool(dst, v.Int == 1)
	case Int, Long:
		return strconv.AppendInt(dst, v.Int, 10)
	case Float:
		return appendFloat(dst, v.Float, 32)
	case Double:
		return appendFloat(dst, v.Float, 64)
	case String:
		return AppendString(dst, string(v.Raw))
	case Bytes, Fixed:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v.Raw), '"')
	case Enum:
		return AppendString(dst, v.Type.Labels[v.Int])
	case Array:
		return appendItems(dst, v)
	default:
		return appendFields(dst, v)
	}
}

func appendItems(dst []byte, v *Value) []byte {
	dst = append(dst, '[')
	for i := range v.Items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSON(dst, &v.Items[i])
	}
	return append(dst, ']')
}

func appendFields(dst []byte, v *Value) []byte {
	dst = append(dst, '{')
	for i := range v.Items {
		if i > 0 {
			dst = append(dst, ',')
		}
		name := ""
		if v.Type.Kind == Map {
			name = v.Keys[i]
		} else {
			name = v.Type.Fields[i].Name
		}
		dst = append(AppendString(dst, name), ':')
		dst = AppendJSON(dst, &v.Items[i])
	}
	return append(dst, '}')
}

// appendFloat writes the shortest number that reads back as the same float.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits)
}

// AppendString appends s as a JSON string. What a terminal or a line reader could trip over is escaped;
// bytes that are not UTF-8 become U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
