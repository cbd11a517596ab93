package configs

import (
	"fmt"
	"strings"
)

// Definition is an ordered set of keys, each bound to a field of the struct of the package that owns it. A
// field has its default as soon as its key is defined. Definitions are made at start by code, so a mistake in
// one (a key twice, no documentation, a default that does not parse) panics.
type Definition struct {
	title   string
	under   string
	inherit bool
	group   string
	keys    []*Key
	byName  map[string]*Key // aliases included
}

// NewDefinition begins a set of keys; the title heads its documentation.
func NewDefinition(title string) *Definition {
	return &Definition{title: title, byName: map[string]*Key{}}
}

// NewOverrides begins a set of keys that are written below a prefix such as "producer.override." and
// replace values decoded before: the fields keep what they hold until a key is given.
func NewOverrides(title, prefix string) *Definition {
	d := NewDefinition(title)
	d.under, d.inherit = prefix, true
	return d
}

// Group heads the keys defined after it in the documentation.
func (d *Definition) Group(name string) { d.group = name }

// Title heads the definition's documentation.
func (d *Definition) Title() string { return d.title }

// Keys is the keys in the order of their definition; the caller must not change them.
func (d *Definition) Keys() []*Key { return d.keys }

// Key is the key of that name or alias, or nil. A key that is covered by a prefix is not found.
func (d *Definition) Key(name string) *Key { return d.byName[name] }

// Names is the names of all keys, for completion: aliases left out, prefixes with their last dot.
func (d *Definition) Names() []string {
	names := make([]string, len(d.keys))
	for i, k := range d.keys {
		names[i] = k.Name
	}
	return names
}

// find is the key that takes name: its own, its alias, or the longest prefix of it.
func (d *Definition) find(name string) *Key {
	if k := d.byName[name]; k != nil {
		if k.Prefix {
			return nil
		}
		return k
	}
	var best *Key
	for _, k := range d.keys {
		if k.Prefix && len(name) > len(k.Name) && strings.HasPrefix(name, k.Name) && (best == nil || len(k.Name) > len(best.Name)) {
			best = k
		}
	}
	return best
}

// add completes a key with its options, registers it and fills its field with the default.
func (d *Definition) add(k *Key, opts []Option) {
	k.Name, k.Group = d.under+k.Name, d.group
	for _, o := range opts {
		o(k)
	}
	for i, a := range k.Aliases {
		k.Aliases[i] = d.under + a
	}
	if k.Doc == "" {
		panic(fmt.Sprintf("configs: key %s has no documentation", k.Name))
	}
	for _, name := range append([]string{k.Name}, k.Aliases...) {
		if d.byName[name] != nil {
			panic(fmt.Sprintf("configs: key %s is defined twice", name))
		}
		d.byName[name] = k
	}
	d.keys = append(d.keys, k)
	if d.inherit {
		k.HasDefault, k.Default, k.Required = false, "", false
		return
	}
	if !k.HasDefault {
		return
	}
	if err := k.accept(Value{Text: k.Default}); err != nil {
		panic(fmt.Sprintf("configs: key %s: default %q: %v", k.Name, k.Default, err))
	}
}

// accept parses a value into the bound field and runs the checks on it.
func (k *Key) accept(v Value) error {
	switch {
	case v.Form == Nothing || v.Form == Empty:
		return &Problem{Seen: v.shown(), Need: "a value", Fix: "give it a " + k.Type + " or remove the line"}
	case k.Required && v.Form == Scalar && strings.TrimSpace(v.Text) == "":
		return &Problem{Seen: "an empty value", Need: "a " + k.Type}
	}
	if err := k.parse(v); err != nil {
		return err
	}
	return k.check(v)
}

func (k *Key) check(v Value) error {
	texts := []string{v.Text}
	switch {
	case v.Form == Sequence:
		texts = v.Items
	case k.isList():
		texts = v.list()
	}
	for _, f := range k.checks {
		for _, t := range texts {
			switch err := f(t); {
			case err != nil && v.Hidden:
				return needs("a value that passes the key's checks (the reason is not shown: it could hold the value)")
			case err != nil:
				return err
			}
		}
	}
	return nil
}

func (k *Key) isList() bool { return k.Type == typeList || k.Type == typePatterns }
