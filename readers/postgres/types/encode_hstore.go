package types

import (
	"bytes"

	"rdip/envelope"
)

const errHstore = malformed("an hstore")

// encodeHstore is an hstore as the text of a JSON object, in the server's order, values that are NULL as
// null. Strings are escaped as Jackson does it.
func encodeHstore(dst, wire []byte) ([]byte, error) {
	mark := len(dst)
	dst = append(dst, '{')
	rest := wire
	for len(rest) > 0 {
		if len(rest) != len(wire) {
			dst = append(dst, ',')
		}
		var ok bool
		if dst, rest, ok = appendPair(dst, rest); !ok {
			return dst[:mark], errHstore
		}
	}
	return envelope.PrefixLength(append(dst, '}'), mark), nil
}

// encodeHstoreMap is an hstore as an Avro map of one block, values nullable, in the server's order.
func encodeHstoreMap(dst, wire []byte) ([]byte, error) {
	if len(wire) == 0 {
		return append(dst, 0), nil
	}
	mark, count := len(dst), int64(0)
	for rest := wire; len(rest) > 0; count++ {
		var ok bool
		if dst, rest, ok = appendEntry(dst, rest); !ok {
			return dst[:mark], errHstore
		}
	}
	end := len(dst)
	dst = envelope.AppendLong(dst, count)
	prefix := len(dst) - end
	var room [10]byte
	copy(room[:], dst[end:])
	copy(dst[mark+prefix:], dst[mark:end])
	copy(dst[mark:], room[:prefix])
	return append(dst, 0), nil
}

// appendEntry moves "key"=>"value" and the comma and blank behind it from the front of b to dst, as an entry of a
// map.
func appendEntry(dst, b []byte) (out, rest []byte, ok bool) {
	if dst, b, ok = appendUnquoted(dst, b); !ok || len(b) < 3 || b[0] != '=' || b[1] != '>' {
		return dst, b, false
	}
	b = b[2:]
	if b[0] == '"' {
		dst, b, ok = appendUnquoted(append(dst, envelope.UnionValue), b)
	} else if ok = bytes.HasPrefix(b, []byte("NULL")); ok {
		dst, b = append(dst, envelope.UnionNull), b[4:]
	}
	return afterPair(dst, b, ok)
}

// appendUnquoted moves a quoted string to an Avro string.
func appendUnquoted(dst, b []byte) (out, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return dst, b, false
	}
	mark := len(dst)
	for i := 1; i < len(b); i++ {
		switch {
		case b[i] == '"':
			return envelope.PrefixLength(dst, mark), b[i+1:], true
		case b[i] == '\\' && i+1 < len(b):
			i++
		}
		dst = append(dst, b[i])
	}
	return dst, nil, false
}

// afterPair steps over the comma and blank behind a pair, of which there are none behind the last.
func afterPair(dst, b []byte, ok bool) (out, rest []byte, fits bool) {
	if !ok || len(b) == 0 {
		return dst, b, ok
	}
	if len(b) < 3 || b[0] != ',' || b[1] != ' ' {
		return dst, b, false
	}
	return dst, b[2:], true
}

// appendPair moves "key"=>"value" and the comma and blank behind it from the front of b to dst.
func appendPair(dst, b []byte) (out, rest []byte, ok bool) {
	if dst, b, ok = appendQuoted(dst, b); !ok || len(b) < 3 || b[0] != '=' || b[1] != '>' {
		return dst, b, false
	}
	dst, b = append(dst, ':'), b[2:]
	if b[0] == '"' {
		dst, b, ok = appendQuoted(dst, b)
	} else if ok = len(b) >= 4 && string(b[:4]) == "NULL"; ok {
		dst, b = append(dst, "null"...), b[4:]
	}
	return afterPair(dst, b, ok)
}

// appendQuoted moves a quoted string, in which a backslash precedes quotes and backslashes, to a JSON string.
func appendQuoted(dst, b []byte) (out, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return dst, b, false
	}
	dst = append(dst, '"')
	for i := 1; i < len(b); i++ {
		switch {
		case b[i] == '"':
			return append(dst, '"'), b[i+1:], true
		case b[i] == '\\' && i+1 < len(b):
			i++
		}
		dst = appendJSONByte(dst, b[i])
	}
	return dst, nil, false
}

// appendJSONString is a whole string in quotes.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		dst = appendJSONByte(dst, s[i])
	}
	return append(dst, '"')
}

// appendJSONByte appends a byte of a JSON string, escaped where it must be.
func appendJSONByte(dst []byte, c byte) []byte {
	if c < 0x20 || c == '"' || c == '\\' {
		return envelope.AppendJSONEscape(dst, c)
	}
	return append(dst, c)
}
