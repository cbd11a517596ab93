package postgres

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
			return dst[:mark], malformed("an hstore")
		}
	}
	return prefixLength(append(dst, '}'), mark), nil
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
	if !ok || len(b) == 0 {
		return dst, b, ok
	}
	if len(b) < 3 || b[0] != ',' || b[1] != ' ' {
		return dst, b, false
	}
	return dst, b[2:], true
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

const upperHex = "0123456789ABCDEF"

// appendJSONByte appends a byte of a JSON string, escaped where it must be.
func appendJSONByte(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	if c < 0x20 {
		return append(dst, '\\', 'u', '0', '0', upperHex[c>>4], upperHex[c&15])
	}
	return append(dst, c)
}
