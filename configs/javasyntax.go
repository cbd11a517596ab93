package configs

import "strings"

const rewrite = "write it without, for example as several expressions separated by commas"

// javaGroups are the groups of java.util.regex that RE2 has no equivalent for.
var javaGroups = []struct{ open, name, instead string }{
	{"(?=", "a lookahead (?=...)", rewrite},
	{"(?!", "a negative lookahead (?!...)", "name what to leave out in the matching exclude list"},
	{"(?<=", "a lookbehind (?<=...)", rewrite},
	{"(?<!", "a negative lookbehind (?<!...)", "name what to leave out in the matching exclude list"},
	{"(?>", "an atomic group (?>...)", "write (?:...)"},
}

// javaEscapes are the escapes of java.util.regex that RE2 lacks or reads otherwise, by their letter.
var javaEscapes = map[byte]struct{ name, instead string }{
	'k': {`a back reference \k<name>`, rewrite},
	'Z': {`the end anchor \Z`, "leave it out: an expression always matches the whole name"},
	'G': {`the anchor \G`, "leave it out: an expression always matches the whole name"},
	'R': {`the line break \R`, rewrite},
	'X': {`the grapheme cluster \X`, "write ."},
	'h': {`the horizontal blank \h`, "write [ \\t]"},
	'H': {`\H`, "write [^ \\t]"},
	'V': {`\V`, "write [^\\n\\v\\f\\r]"},
	'e': {`the escape character \e`, `write \x1b`},
	'c': {`a control character \c`, `write it as \xNN`},
	'u': {`a character \uNNNN`, `write it as \x{NNNN}`},
	'N': {`a character by name \N{...}`, `write it as \x{NNNN}`},
}

// javaOnly names the first construct of java.util.regex in the expression that RE2 refuses, or takes and
// reads otherwise, and what to write instead; both are empty when there is none.
// https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/regex/Pattern.html
func javaOnly(s string) (construct, instead string) {
	inClass := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			if s[i] == 'Q' { // everything up to \E is literal, in Java as in RE2
				end := strings.Index(s[i:], `\E`)
				if end < 0 {
					return "", ""
				}
				i += end + 1
				continue
			}
			if construct, instead = javaEscape(s[i:]); construct != "" {
				return construct, instead
			}
		case inClass:
			switch {
			case c == ']':
				inClass = false
			case c == '[' && !strings.HasPrefix(s[i:], "[:"):
				return "a class inside a class", "write one class: [a-dm-p] for [a-d[m-p]]"
			case strings.HasPrefix(s[i:], "&&"):
				return "an intersection of classes &&", "write the characters that are left as one class"
			}
		case c == '[':
			inClass = true
			if strings.HasPrefix(s[i+1:], "^") {
				i++
			}
			if strings.HasPrefix(s[i+1:], "]") { // RE2 takes a first ] as a character; Java needs it escaped
				return "an unescaped ] first in a class", `write \]`
			}
		case c == '(':
			for _, g := range javaGroups {
				if strings.HasPrefix(s[i:], g.open) {
					return g.name, g.instead
				}
			}
			if f := javaFlag(s[i:]); f != "" {
				return f, "leave it out"
			}
		case c == '+' && i > 0 && strings.IndexByte("*+?}", s[i-1]) >= 0 && !escaped(s, i-1):
			return "a possessive quantifier " + s[i-1:i+1], "leave out the last +"
		}
	}
	return "", ""
}

func javaEscape(s string) (construct, instead string) {
	if s[0] >= '1' && s[0] <= '9' {
		return `a back reference \` + s[:1], rewrite
	}
	if e, ok := javaEscapes[s[0]]; ok {
		return e.name, e.instead
	}
	if (s[0] == 'p' || s[0] == 'P') && (strings.HasPrefix(s[1:], "{java") || strings.HasPrefix(s[1:], "{Is") || strings.HasPrefix(s[1:], "{In")) {
		end := strings.IndexByte(s, '}')
		return `the character property \` + s[:end+1], `write a Unicode class such as \pL or \p{Greek}`
	}
	return "", ""
}

// javaFlag names a flag of Java's in a group such as (?x) that RE2 does not know.
func javaFlag(s string) string {
	rest, ok := strings.CutPrefix(s, "(?")
	if !ok {
		return ""
	}
	for i := 0; i < len(rest) && rest[i] != ')' && rest[i] != ':'; i++ {
		switch rest[i] {
		case 'x', 'd', 'u':
			return "the flag " + rest[i:i+1]
		case 'P', '<':
			return ""
		}
	}
	return ""
}

// escaped says whether an odd number of backslashes precedes s[i].
func escaped(s string, i int) bool {
	n := 0
	for i > n && s[i-n-1] == '\\' {
		n++
	}
	return n%2 == 1
}
