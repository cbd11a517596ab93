package configs

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Patterns is a list of regular expressions as Debezium applies them: each must match the whole name, and
// letter case is ignored. The zero value holds none. It may be used concurrently.
type Patterns struct {
	sources  []string
	compiled []*regexp.Regexp
}

// ParsePatterns reads Debezium's form: expressions separated by commas, a comma inside one written as \,.
func ParsePatterns(text string) (Patterns, error) { return patternsOf(Value{Text: text}) }

// Match says whether one of the expressions matches the whole of name.
func (p Patterns) Match(name string) bool { return p.Index(name) >= 0 }

// Index is the place of the first expression that matches the whole of name, or -1.
func (p Patterns) Index(name string) int {
	for i, re := range p.compiled {
		if re.MatchString(name) {
			return i
		}
	}
	return -1
}

// IsEmpty says whether there are no expressions.
func (p Patterns) IsEmpty() bool { return len(p.compiled) == 0 }

// Sources is the expressions as they were written, for a message that names the one that matches nothing.
func (p Patterns) Sources() []string { return p.sources }

// String is the list as it would be written.
func (p Patterns) String() string {
	escaped := make([]string, len(p.sources))
	for i, s := range p.sources {
		escaped[i] = strings.ReplaceAll(s, ",", `\,`)
	}
	return strings.Join(escaped, ",")
}

func patternsOf(v Value) (Patterns, error) {
	sources := v.Items
	if v.Form != Sequence {
		sources = splitPatterns(v.Text)
	}
	var p Patterns
	for _, s := range sources {
		re, err := compilePattern(s)
		if err != nil {
			return Patterns{}, err
		}
		p.sources = append(p.sources, s)
		p.compiled = append(p.compiled, re)
	}
	return p, nil
}

// splitPatterns cuts at commas that no backslash precedes; \, gives a comma, any other escape stays.
func splitPatterns(text string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if s := strings.TrimSpace(b.String()); s != "" {
			out = append(out, s)
		}
		b.Reset()
	}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			if i++; text[i] != ',' {
				b.WriteByte('\\')
			}
			b.WriteByte(text[i])
		case text[i] == ',':
			flush()
		default:
			b.WriteByte(text[i])
		}
	}
	flush()
	return out
}

var cutQuantifier = regexp.MustCompile(`\{\d*$`)

func compilePattern(source string) (*regexp.Regexp, error) {
	if cutQuantifier.MatchString(source) {
		return nil, &Problem{Seen: fmt.Sprintf("the expression %s ends inside a quantifier", quote(source)),
			Need: "a comma inside an expression to be escaped", Fix: `write {1,3} as {1\,3}`}
	}
	if construct, instead := javaOnly(source); construct != "" {
		return nil, &Problem{Seen: fmt.Sprintf("the expression %s uses %s, which only Java has", quote(source), construct),
			Need: "a regular expression in RE2's syntax", Fix: instead}
	}
	re, err := regexp.Compile(`(?i)^(?:` + source + `)$`)
	if err == nil {
		// A lone ")" could close the group added here; the expression must stand by itself.
		_, err = syntax.Parse(source, syntax.Perl)
	}
	if err != nil {
		reason := err.Error()
		var bad *syntax.Error
		if errors.As(err, &bad) {
			reason = string(bad.Code)
		}
		return nil, &Problem{Seen: fmt.Sprintf("the expression %s cannot be read: %s", quote(source), reason),
			Need: "a regular expression in RE2's syntax"}
	}
	return re, nil
}
