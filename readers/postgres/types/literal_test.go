package types

import (
	"regexp"
	"strings"
	"testing"
)

func TestOnlyALiteralWithItsCastsIsAConstant(t *testing.T) {
	constants := []string{
		"42", "-1", "(-1)", "'-1'::integer", "1.50", "1e10", ".5", "true", "false", "NULL", "NULL::character varying", "'abc'::text",
		"'it''s'::character varying", "('x'::text)::character varying(10)", "(0)::numeric", "'2020-01-01 00:00:00'::timestamp without time zone",
		"'2020-01-01 00:00:00+00'::timestamp(3) with time zone", `'ok'::"we ird".mood`, `'ok'::public.mood`, `B'101'::"bit"`, "'{}'::text[]",
		"'{1}'::numeric(6,2)[]", `E'a\'b'::text`, "'1 day'::interval day to second", "'x'::" + `"a""b"`, "(('a'::bpchar))",
	}
	for _, expression := range constants {
		if !isConstant(expression) {
			t.Errorf("%s is a constant", expression)
		}
	}
	others := []string{
		"", "now()", "nextval('s'::regclass)", "CURRENT_TIMESTAMP", "CURRENT_USER", "('now'::text)::date", "(1 + 2)", "'a'::text || 'b'::text",
		"ARRAY[1, 2]", "gen_random_uuid()", "'x'::text; SELECT 1", "1)", "(1", "'open", "trueish", "NULLIF(1, 2)", "'a'::", "- 1", "lower('X'::text)",
		"('1'::text)::integer", `'x'::"open`, "(SELECT 1)", "'a' COLLATE \"C\"",
	}
	for _, expression := range others {
		if isConstant(expression) {
			t.Errorf("%s is no constant", expression)
		}
	}
}

// call finds what a server would run: a name before a parenthesis, which is no type's modifier. Statements end, and
// comments begin, with what stands in no literal.
var call = regexp.MustCompile(`[\pL\pN_$"]\s*\([^-0-9, )]|;|--|/\*|\|\||[-+*/<>=~!@#%^&|?]\s*[\pL_(]`)

// FuzzDefaultExpression: what is taken for a constant, and so is given to the server to evaluate, holds no call,
// operator, statement or comment outside its quotes; and quotes are closed.
func FuzzDefaultExpression(f *testing.F) {
	for _, s := range []string{"'a'::text", "('now'::text)::date", "nextval('s'::regclass)", "-1", "(0)::numeric(5,2)", `'x'::"my type"[]`, `E'\\x'::bytea`, "B'101'::\"bit\"", "1; DROP TABLE t",
		"'a' || 'b'", "now()", "NULL::character varying", "'1 day'::interval day to second", `'{}'::public."t(a"`, "1--1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		if !isConstant(expression) {
			return
		}
		bare, closed := withoutLiterals(strings.TrimSpace(expression))
		if !closed {
			t.Fatalf("%q: a quote stays open", expression)
		}
		if found := call.FindString(bare); found != "" {
			t.Fatalf("%q has %q outside its literals: %q", expression, found, bare)
		}
	})
}

// withoutLiterals puts an x for each literal and each quoted name, by PostgreSQL's rules (scan.l).
func withoutLiterals(s string) (bare string, closed bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\'' && s[i] != '"' {
			b.WriteByte(s[i])
			continue
		}
		quote, escapes := s[i], s[i] == '\'' && i > 0 && s[i-1] == 'E'
		for i++; ; i++ {
			if i >= len(s) {
				return b.String(), false
			}
			if escapes && s[i] == '\\' {
				i++
			} else if s[i] == quote && i+1 < len(s) && s[i+1] == quote {
				i++
			} else if s[i] == quote {
				break
			}
		}
		b.WriteByte('x')
	}
	return b.String(), true
}
