package configs

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The names of types in documentation.
const (
	typeString   = "string"
	typeSecret   = "secret"
	typeBool     = "boolean"
	typeInt      = "integer"
	typeDuration = "duration"
	typeBytes    = "size"
	typeList     = "list"
	typePatterns = "list of regular expressions"
	typeEnum     = "choice"
	typeAddress  = "host:port"
	typeMap      = "settings"
)

// text adapts a parser of one text to a parser of values.
func text(f func(string) error) func(Value) error {
	return func(v Value) error {
		if v.Form == Sequence {
			return &Problem{Seen: "a list", Need: "one value"}
		}
		return f(v.Text)
	}
}

// String binds a text, taken as it is written.
func (d *Definition) String(p *string, name, doc string, opts ...Option) {
	d.add(&Key{Name: name, Type: typeString, Doc: doc,
		parse:  text(func(s string) error { *p = s; return nil }),
		render: func() string { return *p }}, opts)
}

// Secret binds a text that never prints.
func (d *Definition) Secret(p *Secret, name, doc string, opts ...Option) {
	d.add(&Key{Name: name, Type: typeSecret, Doc: doc, Secret: true,
		parse: text(func(s string) error { *p = NewSecret(s); return nil }),
		render: func() string {
			if p.IsEmpty() {
				return ""
			}
			return Redacted
		}}, opts)
}

// Bool binds true or false.
func (d *Definition) Bool(p *bool, name, doc string, opts ...Option) {
	d.add(&Key{Name: name, Type: typeBool, Doc: doc,
		parse: text(func(s string) error {
			switch strings.ToLower(s) {
			case "true":
				*p = true
			case "false":
				*p = false
			default:
				return needs("true or false")
			}
			return nil
		}),
		render: func() string { return strconv.FormatBool(*p) }}, opts)
}

// Int binds a whole number.
func (d *Definition) Int(p *int, name, doc string, opts ...Option) {
	k := &Key{Name: name, Type: typeInt, Doc: doc, render: func() string { return strconv.Itoa(*p) }}
	k.parse = text(bounded(k, parseInt, func(n int64) { *p = int(n) }))
	d.add(k, opts)
}

// Duration binds a time. A bare number is in the unit that the key's name ends with (".ms", ".seconds"),
// as Debezium and Kafka write it; other numbers need a unit.
func (d *Definition) Duration(p *time.Duration, name, doc string, opts ...Option) {
	k := &Key{Name: name, Type: typeDuration, Doc: doc, Unit: unitOf(name)}
	k.parse = text(bounded(k, durationParser(k.Unit), func(n time.Duration) { *p = n }))
	k.render = func() string { return formatDuration(*p, k.Unit) }
	d.add(k, opts)
}

// Bytes binds a size in bytes: a bare number, or one with kB, MB, GB (powers of 1000), KiB, MiB, GiB.
func (d *Definition) Bytes(p *int64, name, doc string, opts ...Option) {
	k := &Key{Name: name, Type: typeBytes, Doc: doc, Unit: "bytes", render: func() string { return formatBytes(*p) }}
	k.parse = text(bounded(k, parseBytes, func(n int64) { *p = n }))
	d.add(k, opts)
}

// List binds texts that are separated by commas, or a YAML list.
func (d *Definition) List(p *[]string, name, doc string, opts ...Option) {
	d.add(&Key{Name: name, Type: typeList, Doc: doc,
		parse:  func(v Value) error { *p = v.list(); return nil },
		render: func() string { return strings.Join(*p, ",") }}, opts)
}

// Patterns binds regular expressions in Debezium's form: separated by commas (one inside an expression is
// written \,) or as a YAML list, each anchored at both ends, letter case ignored.
func (d *Definition) Patterns(p *Patterns, name, doc string, opts ...Option) {
	d.add(&Key{Name: name, Type: typePatterns, Doc: doc,
		parse: func(v Value) error {
			compiled, err := patternsOf(v)
			if err == nil {
				*p = compiled
			}
			return err
		},
		render: func() string { return p.String() }}, opts)
}

// Address binds host:port, kept as the text that net.Dial and net.Listen take.
func (d *Definition) Address(p *string, name, doc string, opts ...Option) {
	d.add(&Key{Name: name, Type: typeAddress, Doc: doc,
		parse: text(func(s string) error {
			if err := CheckAddress(s); err != nil {
				return err
			}
			*p = s
			return nil
		}),
		render: func() string { return *p }}, opts)
}

// CheckAddress is a Check for host:port; port 0 is allowed, no port is not.
func CheckAddress(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return needs("host:port, an IPv6 address in brackets: localhost:9092, [::1]:9092")
	}
	return nil
}

// Prefix binds every key that begins with the name, which ends with a dot, and that no other key takes; the
// map's keys are without it. Values are texts as they are written, a list's items separated by commas.
func (d *Definition) Prefix(p *map[string]string, name, doc string, opts ...Option) {
	k := &Key{Name: name, Type: typeMap, Doc: doc, Prefix: true}
	k.parse = func(Value) error { return nil }
	k.put = func(full string, v Value) {
		if *p == nil {
			*p = map[string]string{}
		}
		text := v.Text
		if v.Form == Sequence {
			text = strings.Join(v.Items, ",")
		}
		(*p)[strings.TrimPrefix(full, k.Name)] = text
	}
	k.render = func() string {
		var parts []string
		for _, n := range slices.Sorted(maps.Keys(*p)) {
			parts = append(parts, n+"="+(*p)[n])
		}
		return strings.Join(parts, ",")
	}
	d.add(k, opts)
}

// Enum binds one of the choices' values; letter case is ignored, as Debezium does.
func Enum[T ~string](d *Definition, p *T, name, doc string, choices []Choice, opts ...Option) {
	d.add(&Key{Name: name, Type: typeEnum, Doc: doc, Choices: choices,
		parse: text(func(s string) error {
			c, err := choose(choices, s)
			if err == nil {
				*p = T(c)
			}
			return err
		}),
		render: func() string { return string(*p) }}, opts)
}

func choose(choices []Choice, s string) (string, error) {
	var names []string
	for _, c := range choices {
		same := func(name string) bool { return strings.EqualFold(name, s) }
		switch {
		case !same(c.Value) && !slices.ContainsFunc(c.Aliases, same):
		case c.Refused != "":
			return "", &Problem{Seen: fmt.Sprintf("%q is not supported: %s", c.Value, c.Refused), Need: workingChoices(choices), Fix: c.Instead}
		default:
			return c.Value, nil
		}
		if c.Refused == "" {
			names = append(names, c.Value)
		}
	}
	return "", &Problem{Need: workingChoices(choices), Value: nearest(s, names)}
}

func workingChoices(choices []Choice) string {
	var names []string
	for _, c := range choices {
		if c.Refused == "" {
			names = append(names, c.Value)
		}
	}
	if len(names) == 1 {
		return names[0]
	}
	return "one of " + strings.Join(names, ", ")
}

// bounded parses a number and holds it to the key's bounds.
func bounded[N int64 | time.Duration](k *Key, parse func(string) (N, error), set func(N)) func(string) error {
	return func(s string) error {
		n, err := parse(s)
		if err != nil {
			return err
		}
		least, lErr := parse(k.Least)
		most, mErr := parse(k.Most)
		if (k.Least != "" && lErr != nil) || (k.Most != "" && mErr != nil) {
			panic(fmt.Sprintf("configs: key %s: bounds %q and %q do not parse", k.Name, k.Least, k.Most))
		}
		switch {
		case k.Least != "" && n < least:
			return &Problem{Need: bounds(k), Value: k.Least}
		case k.Most != "" && n > most:
			return &Problem{Need: bounds(k), Value: k.Most}
		}
		set(n)
		return nil
	}
}

// bounds is the key's range in words.
func bounds(k *Key) string {
	switch {
	case k.Most == "":
		return "at least " + k.Least
	case k.Least == "":
		return "at most " + k.Most
	default:
		return k.Least + " to " + k.Most
	}
}
