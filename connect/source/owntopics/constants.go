package owntopics

import (
	"regexp"
	"strings"
)

// constant stands where a constant was.
const constant = "'***'"

// dollarQuote begins a dollar-quoted constant (scan.l: dolqdelim).
var dollarQuote = regexp.MustCompile(`^\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$`)

// modified ends where a type's modifiers stand, which are numbers and no values: numeric(10,2), geometry(Point,4326).
var modified = regexp.MustCompile(`(?i)(?:^|[^\w"$])(?:char|character|varchar|varying|bpchar|bit|varbit|numeric|decimal|dec|float|time|timetz|timestamp|timestamptz|` +
	`interval|second|vector|halfvec|sparsevec|geometry|geography)\s*\([\w\s,]*$`)

// mostModified is how far back, in bytes, a type's name is looked for.
const mostModified = 64

// withoutConstants is a statement with every constant replaced and every comment left out; names and types stay.
// What cannot be told apart ends the text: a constant without an end, and a backslash before a quote, which depends on the
// session's standard_conforming_strings. It follows the lexer of PostgreSQL (scan.l).
func withoutConstants(sql string) string {
	var b strings.Builder
	for at := 0; at < len(sql); {
		rest := sql[at:]
		n, instead := 1, rest[:1]
		switch quote := dollarQuote.FindString(rest); {
		case rest[0] == '\'':
			n, instead = quoted(rest), constant
		case quote != "" && !inName(sql[:at]):
			n, instead = dollarQuoted(rest, quote), constant
		case isDigit(rest[0]) && !inName(sql[:at]):
			if n, instead = len(numeral.FindString(rest)), constant; modified.MatchString(b.String()[max(0, b.Len()-mostModified):]) {
				instead = rest[:n]
			}
		case rest[0] == '"':
			n = named(rest)
			instead = rest[:max(n, 0)]
		case strings.HasPrefix(rest, "--"):
			n, instead = untilEnd(rest, "\n"), " "
		case strings.HasPrefix(rest, "/*"):
			n, instead = commented(rest), " "
		}
		if n < 0 {
			return b.String() + constant
		}
		b.WriteString(instead)
		at += n
	}
	return b.String()
}

// inName says whether a dollar sign or a digit behind the text is part of a name.
func inName(before string) bool {
	if before == "" {
		return false
	}
	c := before[len(before)-1]
	return c == '_' || c == '$' || c >= 0x80 || isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// numeral begins with a digit: it takes what may follow in one number, with the sign of an exponent.
var numeral = regexp.MustCompile(`^(?:0[xX][\w.$\x80-\xff]*|(?:[eE][+-][0-9]|[\w.$\x80-\xff])+)`)

// quoted is the length of the constant that a text begins with, -1 where its end is not certain. Two quotes are one of it.
func quoted(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == '\'':
			return -1
		case text[i] == '\'' && i+1 < len(text) && text[i+1] == '\'':
			i++
		case text[i] == '\'':
			return i + 1
		}
	}
	return -1
}

func dollarQuoted(text, quote string) int {
	end := strings.Index(text[len(quote):], quote)
	if end < 0 {
		return -1
	}
	return end + 2*len(quote)
}

// named is the length of the quoted name that a text begins with.
func named(text string) int {
	end := strings.IndexByte(text[1:], '"')
	if end < 0 {
		return -1
	}
	return end + 2
}

func untilEnd(text, end string) int {
	if i := strings.Index(text, end); i >= 0 {
		return i + len(end)
	}
	return len(text)
}

// commented is the length of the comment that a text begins with; they nest.
func commented(text string) int {
	depth := 0
	for i := 0; i+1 < len(text); i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(text)
}
