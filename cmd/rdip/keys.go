package main

import (
	"errors"
	"fmt"
	"strings"
)

// parseKeys reads keys as they are typed: 1,2,3 for a key of one column, (1,a),(2,b) for one of several. A value
// between double quotes may hold anything, a double quote as two; other values lose the blanks around them.
func parseKeys(text string) ([][]string, error) {
	p := keyParser{rest: text}
	var keys [][]string
	for {
		p.blanks()
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
		p.blanks()
		if p.rest == "" {
			return keys, nil
		}
		if !p.take(',') {
			return nil, fmt.Errorf("a comma is needed before %q", p.rest)
		}
	}
}

// keyParser is what is left to read.
type keyParser struct{ rest string }

func (p *keyParser) blanks() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *keyParser) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// key is one value, or several between brackets.
func (p *keyParser) key() ([]string, error) {
	if !p.take('(') {
		v, err := p.value()
		return []string{v}, err
	}
	var key []string
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		key = append(key, v)
		switch {
		case p.take(')'):
			return key, nil
		case !p.take(','):
			return nil, errors.New("a bracket is not closed")
		}
	}
}

func (p *keyParser) value() (string, error) {
	p.blanks()
	if p.take('"') {
		return p.quoted()
	}
	end := strings.IndexAny(p.rest, `,()"`)
	if end < 0 {
		end = len(p.rest)
	}
	v := strings.TrimRight(p.rest[:end], " \t\r\n")
	p.rest = p.rest[end:]
	if v == "" {
		return "", errors.New(`a value is empty: write "" for an empty text`)
	}
	return v, nil
}

func (p *keyParser) quoted() (string, error) {
	var v strings.Builder
	for {
		before, after, ok := strings.Cut(p.rest, `"`)
		if !ok {
			return "", errors.New("a quote is not closed")
		}
		v.WriteString(before)
		p.rest = after
		if !p.take('"') {
			p.blanks()
			return v.String(), nil
		}
		v.WriteByte('"')
	}
}
