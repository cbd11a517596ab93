package kafka

import (
	"errors"
	"fmt"
	"strings"
)

// jaas is what sasl.jaas.config of a Java client says.
type jaas struct {
	module         string
	isScram        bool
	user, password string
}

// parseJAAS reads "MODULE required name=value ...;" with values bare or in double or single quotes, as
// java.io.StreamTokenizer of Kafka's JaasConfig does: a backslash escapes inside quotes. Its errors never
// quote a value.
func parseJAAS(text string) (jaas, error) {
	s := jaasScanner{rest: text}
	var j jaas
	j.module = s.bare()
	switch j.module[strings.LastIndexByte(j.module, '.')+1:] {
	case "ScramLoginModule":
		j.isScram = true
	case "PlainLoginModule":
	default:
		return j, errors.New("not PlainLoginModule or ScramLoginModule")
	}
	if flag := s.bare(); !strings.EqualFold(flag, "required") {
		return j, errors.New(`"required" is missing behind the module`)
	}
	for {
		name := s.bare()
		if name == "" {
			break
		}
		value, err := s.value()
		if err != nil {
			return j, fmt.Errorf("option %s: %w", name, err)
		}
		switch name {
		case "username":
			j.user = value
		case "password":
			j.password = value
		default:
			return j, fmt.Errorf("option %s is not supported", name)
		}
	}
	if s.skipBlank(); s.rest != ";" && strings.TrimSpace(strings.TrimPrefix(s.rest, ";")) != "" || !strings.HasPrefix(s.rest, ";") {
		return j, errors.New("it does not end with one ';'")
	}
	return j, nil
}

type jaasScanner struct{ rest string }

func (s *jaasScanner) skipBlank() { s.rest = strings.TrimLeft(s.rest, " \t\r\n") }

// bare is the word up to a blank, '=' or ';'.
func (s *jaasScanner) bare() string {
	s.skipBlank()
	n := strings.IndexAny(s.rest, " \t\r\n=;")
	if n < 0 {
		n = len(s.rest)
	}
	word := s.rest[:n]
	s.rest = s.rest[n:]
	return word
}

func (s *jaasScanner) value() (string, error) {
	if s.skipBlank(); !strings.HasPrefix(s.rest, "=") {
		return "", errors.New("'=' is missing")
	}
	s.rest = s.rest[1:]
	if s.skipBlank(); s.rest == "" {
		return "", errors.New("the value is missing")
	}
	quote := s.rest[0]
	if quote != '"' && quote != '\'' {
		return s.bare(), nil
	}
	var b strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch ch := s.rest[i]; {
		case ch == quote:
			s.rest = s.rest[i+1:]
			return b.String(), nil
		case ch == '\\' && i+1 < len(s.rest):
			i++
			b.WriteByte(s.rest[i])
		default:
			b.WriteByte(ch)
		}
	}
	return "", errors.New("the closing quote is missing")
}
