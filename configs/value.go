package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// Place is where something is written. A zero Line means that it has no line, as in a Connect JSON body.
type Place struct {
	File         string
	Line, Column int // from 1
}

func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Form is how a value is written.
type Form uint8

const (
	// Scalar is one text.
	Scalar Form = iota
	// Sequence is a YAML list.
	Sequence
	// Nothing is a key without a value, or null.
	Nothing
	// Empty is a map with no keys.
	Empty
)

// Value is one key's value as it is written: text, not yet of a type.
type Value struct {
	Form  Form
	Text  string   // of a Scalar
	Items []string // of a Sequence
	Place Place    // of the key
	// Hidden says that the text came out of a reference such as ${env:NAME} or belongs to a secret key: it
	// must not be printed.
	Hidden bool
}

// shown is the value as a finding may print it.
func (v Value) shown() string {
	switch {
	case v.Form == Nothing:
		return "no value"
	case v.Form == Empty:
		return "an empty map"
	case v.Form == Scalar && v.Text == "":
		return "an empty value"
	case v.Hidden:
		return "a value that is not shown"
	case v.Form == Sequence:
		return fmt.Sprintf("the list %q", v.Items)
	default:
		return quote(v.Text)
	}
}

// quote puts text between quotes as it was written, with escapes only where it would not print.
func quote(s string) string {
	if strconv.CanBackquote(s) {
		return `"` + s + `"`
	}
	return strconv.Quote(s)
}

// list is the value as a list: a sequence's items, or a scalar split at its commas, blanks trimmed.
func (v Value) list() []string {
	if v.Form == Sequence {
		return v.Items
	}
	return splitTrim(v.Text, ",")
}

func splitTrim(s, sep string) []string {
	var out []string
	for part := range strings.SplitSeq(s, sep) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// Problem is why a value cannot be used. Need and Fix hold no secret.
type Problem struct {
	Seen string // what is wrong with the value; empty: the value itself is shown
	Need string // what would be right
	Fix  string // what to type; empty: made from the key and Value
	// Value is one that would work, for the fix; empty: the key's default, if it has one.
	Value string
}

func (p *Problem) Error() string {
	var parts []string
	for _, s := range []string{p.Seen, p.Need, p.Fix} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "; ")
}

// needs is a Problem that says what would be right.
func needs(format string, args ...any) *Problem {
	return &Problem{Need: fmt.Sprintf(format, args...)}
}
