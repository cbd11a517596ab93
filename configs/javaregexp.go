package configs

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// Replacer is a regular expression with a replacement, as Kafka's RegexRouter and Debezium's topic routers apply
// them: the expression must match a name whole, letter case counts, and $1 or ${name} in the replacement stand
// for its groups. It may be used concurrently.
type Replacer struct {
	re       *regexp.Regexp
	template string // in Go's syntax
}

// NewReplacer compiles both; the error is a *Problem.
func NewReplacer(expression, replacement string) (*Replacer, error) {
	if construct, instead := javaOnly(expression); construct != "" {
		return nil, &Problem{Seen: fmt.Sprintf("the expression %s uses %s, which only Java has", quote(expression), construct),
			Need: "a regular expression in RE2's syntax", Fix: instead}
	}
	_, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		reason := err.Error()
		var bad *syntax.Error
		if errors.As(err, &bad) {
			reason = string(bad.Code)
		}
		return nil, &Problem{Seen: fmt.Sprintf("the expression %s cannot be read: %s", quote(expression), reason),
			Need: "a regular expression in RE2's syntax"}
	}
	r := &Replacer{re: regexp.MustCompile(`^(?:` + expression + `)$`)}
	if r.template, err = goTemplate(replacement, r.re); err != nil {
		return nil, err
	}
	return r, nil
}

// Replace is the replacement for a name that the expression matches.
func (r *Replacer) Replace(name string) (string, bool) {
	m := r.re.FindStringSubmatchIndex(name)
	if m == nil {
		return name, false
	}
	return string(r.re.ExpandString(nil, r.template, name, m)), true
}

// goTemplate turns a replacement of Java's Matcher.appendReplacement into one of Go's: a backslash takes the
// next character as it is; $ and digits are the longest number of a group that there is.
func goTemplate(replacement string, re *regexp.Regexp) (string, error) {
	var b strings.Builder
	for i := 0; i < len(replacement); i++ {
		switch c := replacement[i]; c {
		case '\\':
			if i++; i == len(replacement) {
				return "", badReplacement(replacement, "it ends with a backslash")
			}
			literal(&b, replacement[i])
		case '$':
			name, length := groupName(replacement[i+1:], re.NumSubexp())
			if length == 0 || !isGroup(name, re) {
				return "", badReplacement(replacement, "$ names no group of the expression")
			}
			b.WriteString("${" + name + "}")
			i += length
		default:
			literal(&b, c)
		}
	}
	return b.String(), nil
}

func literal(b *strings.Builder, c byte) {
	if c == '$' {
		b.WriteByte('$')
	}
	b.WriteByte(c)
}

// groupName is the name or number behind a $ and how many bytes it takes; 0 where there is none.
func groupName(rest string, groups int) (string, int) {
	if strings.HasPrefix(rest, "{") {
		end := strings.IndexByte(rest, '}')
		return rest[1:max(end, 1)], max(end+1, 0)
	}
	number, length := 0, 0
	for length < len(rest) && rest[length] >= '0' && rest[length] <= '9' {
		next := number*10 + int(rest[length]-'0')
		if length > 0 && next > groups {
			break
		}
		number, length = next, length+1
	}
	return strconv.Itoa(number), length
}

func isGroup(name string, re *regexp.Regexp) bool {
	if n, err := strconv.Atoi(name); err == nil {
		return n <= re.NumSubexp()
	}
	return re.SubexpIndex(name) > 0
}

func badReplacement(replacement, why string) error {
	return &Problem{Seen: fmt.Sprintf("the replacement %s: %s", quote(replacement), why),
		Need: `groups as $1 or ${name}; a $ of its own is written \$`}
}
