package decode

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown is how many characters of a text, and items of an array, are shown.
const maxShown = 60

// Text is v for people: dates as dates, decimals as decimals, long values shortened. It is one line, and
// nothing in it can move a terminal's cursor.
func (v *Value) Text() string {
	switch {
	case v.IsNull():
		return "null"
	case v.IsUnavailable():
		return "(not in the log)"
	}
	switch v.Type.Kind {
	case Boolean:
		return strconv.FormatBool(v.Int == 1)
	case Int, Long:
		return v.number()
	case Float:
		return strconv.FormatFloat(v.Float, 'g', -1, 32)
	case Double:
		return strconv.FormatFloat(v.Float, 'g', -1, 64)
	case String:
		return quoted(string(v.Raw))
	case Enum:
		return v.Type.Labels[v.Int]
	case Bytes, Fixed:
		return v.binary()
	case Array:
		return list(v.Items)
	default:
		return v.composite()
	}
}

func (v *Value) number() string {
	if show, ok := temporals[v.Type.Name]; ok {
		return show(v.Int)
	}
	return strconv.FormatInt(v.Int, 10)
}

func (v *Value) binary() string {
	switch v.Type.Name {
	case decimalName:
		return decimal(v.Raw, v.Type.Scale)
	case bitsName:
		return bits(v.Raw, v.Type.Length)
	}
	return octets(v.Raw)
}

func (v *Value) composite() string {
	switch v.Type.Name {
	case variableName:
		scale, unscaled := v.Field("scale"), v.Field("value")
		return decimal(unscaled.Raw, int(scale.Int))
	case pointName:
		return point(v)
	case geometry, geography:
		return shape(v)
	}
	parts := make([]string, 0, len(v.Items))
	for i := range v.Items[:min(len(v.Items), maxShown)] {
		name := ""
		if v.Type.Kind == Map {
			name = quoted(v.Keys[i])
		} else {
			name = v.Type.Fields[i].Name
		}
		parts = append(parts, name+"="+v.Items[i].Text())
	}
	return "{" + strings.Join(parts, ", ") + rest(len(v.Items)) + "}"
}

func list(items []Value) string {
	parts := make([]string, 0, min(len(items), maxShown))
	for i := range items[:min(len(items), maxShown)] {
		parts = append(parts, items[i].Text())
	}
	return "[" + strings.Join(parts, ", ") + rest(len(items)) + "]"
}

func rest(n int) string {
	if n <= maxShown {
		return ""
	}
	return ", … " + strconv.Itoa(n-maxShown) + " more"
}

// quoted is s as it is where that is unmistakable, else in quotes, with what a terminal would obey escaped.
func quoted(s string) string {
	shown, more := s, ""
	if utf8.RuneCountInString(s) > maxShown {
		shown, more = string([]rune(s)[:maxShown]), "… ("+strconv.Itoa(len(s))+" bytes)"
	}
	if isPlain(shown) {
		return shown + more
	}
	return strconv.Quote(shown) + more
}

// isPlain says whether s cannot be taken for anything else on a line of "name: value, name: old → new".
func isPlain(s string) bool {
	if s == "" || s == "null" || s[0] == ' ' || s[len(s)-1] == ' ' || s[0] == '"' || s[0] == '(' ||
		strings.Contains(s, ", ") || strings.Contains(s, "→") || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
