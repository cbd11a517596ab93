package schema

import (
	"strconv"
	"strings"
)

// AvroName is name as Avro can hold it ([A-Za-z_][A-Za-z0-9_]*), reversibly: each UTF-16 unit that Avro
// refuses becomes _uXXXX (as Debezium's avro_unicode mode spells it), and so does an underscore that would
// otherwise read as the start of such an escape. A name that Avro can hold, and that holds no such
// sequence, stays as it is.
func AvroName(name string) string { return escape(name, avroRune) }

// AvroNamespace is a dotted name with each part as AvroName would have it.
func AvroNamespace(dotted string) string {
	parts := strings.Split(dotted, ".")
	for i, p := range parts {
		parts[i] = AvroName(p)
	}
	return strings.Join(parts, ".")
}

// TopicName is name as Kafka can hold it in a topic ([a-zA-Z0-9._-]), escaped as AvroName does. Its parts
// are joined by the caller: a dot in name is escaped too, so that two tables never share a topic.
func TopicName(name string) string { return escape(name, topicRune) }

// Unescape is what AvroName or TopicName was made from.
func Unescape(name string) string {
	if !strings.Contains(name, "_u") {
		return name
	}
	var units []uint16
	var b strings.Builder
	flush := func() {
		b.WriteString(decodeUTF16(units))
		units = units[:0]
	}
	for i := 0; i < len(name); {
		if isEscape(name[i:]) {
			n, _ := strconv.ParseUint(name[i+2:i+6], 16, 16)
			units = append(units, uint16(n))
			i += 6
			continue
		}
		flush()
		b.WriteByte(name[i])
		i++
	}
	flush()
	return b.String()
}

func avroRune(r rune, at int) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || at > 0 && r >= '0' && r <= '9'
}

func topicRune(r rune, _ int) bool {
	return r == '_' || r == '-' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func escape(name string, legal func(r rune, at int) bool) string {
	if isLegal(name, legal) {
		return name
	}
	var b strings.Builder
	for i, r := range name {
		if legal(r, i) && !isEscape(name[i:]) {
			b.WriteRune(r)
			continue
		}
		for _, u := range encodeUTF16(r) {
			b.WriteString("_u")
			h := strconv.FormatUint(uint64(u), 16)
			b.WriteString("0000"[len(h):])
			b.WriteString(h)
		}
	}
	return b.String()
}

func isLegal(name string, legal func(r rune, at int) bool) bool {
	for i, r := range name {
		if !legal(r, i) || isEscape(name[i:]) {
			return false
		}
	}
	return name != ""
}

// isEscape says whether s begins with _u and four lower-case hexadecimal digits.
func isEscape(s string) bool {
	if len(s) < 6 || s[0] != '_' || s[1] != 'u' {
		return false
	}
	for _, c := range []byte(s[2:6]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
