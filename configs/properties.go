package configs

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
)

// parseProperties reads Java's .properties form: # and ! comments, =, : or blanks between key and value,
// a backslash at the end of a line to go on, and the escapes \t \n \r \f \uNNNN. Errors name a line's number,
// never its text. https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html
func parseProperties(text string) (map[string]string, error) {
	props := map[string]string{}
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
	for i := 0; i < len(lines); i++ {
		first := i + 1
		line := strings.TrimLeft(lines[i], " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for continues(line) && i+1 < len(lines) {
			i++
			line = line[:len(line)-1] + strings.TrimLeft(lines[i], " \t\f")
		}
		key, value := cutProperty(line)
		k, err := unescape(key)
		if err == nil {
			props[k], err = unescape(value)
		}
		if err != nil {
			return nil, errors.New("line " + strconv.Itoa(first) + ": " + err.Error())
		}
	}
	return props, nil
}

// continues says whether a line ends with an odd number of backslashes.
func continues(line string) bool { return escaped(line, len(line)) }

// cutProperty cuts at the first =, : or run of blanks that is not escaped.
func cutProperty(line string) (key, value string) {
	end := 0
	for end < len(line) && (strings.IndexByte("=: \t\f", line[end]) < 0 || escaped(line, end)) {
		end++
	}
	value = strings.TrimLeft(line[end:], " \t\f")
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], " \t\f")
	}
	return line[:end], value
}

func unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			if s[i] != '\\' {
				b.WriteByte(s[i])
			}
			continue
		}
		i++
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			r, n, err := utf16Escape(s[i+1:])
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
			i += n
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), nil
}

// utf16Escape reads the NNNN of \uNNNN, and of a second one where the two are a surrogate pair; n is the
// bytes read.
func utf16Escape(s string) (r rune, n int, err error) {
	one := func(s string) (rune, error) {
		if len(s) < 4 {
			return 0, errors.New(`a \u without four hexadecimal digits`)
		}
		u, err := strconv.ParseUint(s[:4], 16, 16)
		if err != nil {
			return 0, errors.New(`a \u without four hexadecimal digits`)
		}
		return rune(u), nil
	}
	if r, err = one(s); err != nil || !utf16.IsSurrogate(r) {
		return r, 4, err
	}
	if rest, ok := strings.CutPrefix(s[4:], `\u`); ok {
		if low, err := one(rest); err == nil {
			return utf16.DecodeRune(r, low), 10, nil
		}
	}
	return utf16.DecodeRune(r, 0), 4, nil
}
