package types

import (
	"regexp"
	"strings"
)

// isConstant says whether an expression of pg_get_expr's is a literal: a number, true, false, NULL, or a
// quoted string, with a sign, parentheses and casts around it. Function calls, operators, names and
// subscripts are not; nor is a text that is cast to another type when the row is made ('now'::text::date),
// which means something else each time.
func isConstant(expression string) bool {
	l := literal{rest: strings.TrimSpace(expression)}
	return l.expression() && l.rest == "" && l.castsAreFixed()
}

// literal is a literal being read from the front of rest.
type literal struct {
	rest  string
	casts []string
}

// castsAreFixed: one cast of a literal was done when the table was made; several are only between strings.
func (l *literal) castsAreFixed() bool {
	for _, cast := range l.casts {
		switch strings.TrimRight(cast, "(0123456789)") {
		case "text", "character varying", "bpchar", "character":
		default:
			return len(l.casts) == 1
		}
	}
	return true
}

// expression consumes an operand and its casts.
func (l *literal) expression() bool {
	ok := false
	switch {
	case strings.HasPrefix(l.rest, "("):
		l.rest = l.rest[1:]
		if !l.expression() || !strings.HasPrefix(l.rest, ")") {
			return false
		}
		l.rest = l.rest[1:]
	case strings.HasPrefix(l.rest, "-"):
		if l.rest, ok = numberLiteral(l.rest[1:]); !ok {
			return false
		}
	default:
		if l.rest, ok = operand(l.rest); !ok {
			return false
		}
	}
	for strings.HasPrefix(l.rest, "::") {
		from := l.rest[2:]
		if l.rest, ok = typeName(from); !ok {
			return false
		}
		l.casts = append(l.casts, from[:len(from)-len(l.rest)])
	}
	return true
}

// operand consumes a literal without casts.
func operand(s string) (rest string, ok bool) {
	for _, word := range []string{"true", "false", "NULL"} {
		if after, found := strings.CutPrefix(s, word); found && (after == "" || after[0] == ':' || after[0] == ')') {
			return after, true
		}
	}
	switch {
	case strings.HasPrefix(s, "B'"), strings.HasPrefix(s, "E'"):
		return quoted(s[1:], '\'', s[0] == 'E')
	case strings.HasPrefix(s, "'"):
		return quoted(s, '\'', false)
	default:
		return numberLiteral(s)
	}
}

var numeral = regexp.MustCompile(`^(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?`)

func numberLiteral(s string) (rest string, ok bool) {
	n := len(numeral.FindString(s))
	return s[n:], n > 0
}

// quoted consumes a string in quotes, in which a quote is doubled, and in an E string escaped as well.
func quoted(s string, quote byte, escapes bool) (rest string, ok bool) {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return s[i+1:], true
		}
	}
	return "", false
}

// typeWords are the spellings of format_type that are more than one word.
var typeWords = regexp.MustCompile(`^(?:character varying|bit varying|double precision|interval(?: (?:year|month|day|hour|minute|second)(?: to (?:month|hour|minute|second))?)?|time(?:stamp)?(?:\([0-9]\))? with(?:out)? time zone|[\pL_][\pL\pN_$]*)(?:\([-0-9, ]+\))?(?:\[\])*`)

// typeName consumes a type as format_type writes it.
func typeName(s string) (rest string, ok bool) {
	for {
		if strings.HasPrefix(s, `"`) {
			if s, ok = quoted(s, '"', false); !ok {
				return s, false
			}
		} else {
			n := len(typeWords.FindString(s))
			if n == 0 {
				return s, false
			}
			s = s[n:]
		}
		if !strings.HasPrefix(s, ".") {
			break
		}
		s = s[1:]
	}
	return s[len(typeModifier.FindString(s)):], true
}

// typeModifier follows a quoted name.
var typeModifier = regexp.MustCompile(`^(?:\([-0-9, ]+\))?(?:\[\])*`)
