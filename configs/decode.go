package configs

import (
	"errors"
	"fmt"
	"slices"

	"rdip/internal/fault"
)

// Decode fills the fields that the definitions bind from one section, in the order of the keys' lines, and
// returns every finding: the fatal ones stop a start (Findings.Err), the rest inform. A field keeps its
// default where its key is absent or unusable. Two definitions must not take the same key; it panics.
func Decode(s *Section, defs ...*Definition) fault.Findings {
	d := &decoding{section: s, defs: defs, given: map[*Key]string{}}
	d.refuseOverlap()
	for _, name := range d.inOrder() {
		d.key(name)
	}
	d.missing()
	return d.findings
}

type decoding struct {
	section  *Section
	defs     []*Definition
	given    map[*Key]string // the name each key was given by
	findings fault.Findings
}

func (d *decoding) refuseOverlap() {
	owner := map[string]string{}
	for _, def := range d.defs {
		for _, name := range def.Names() {
			if other, twice := owner[name]; twice {
				panic(fmt.Sprintf("configs: key %s is defined by %q and by %q", name, other, def.title))
			}
			owner[name] = def.title
		}
	}
}

// inOrder is the section's keys by line, then by name.
func (d *decoding) inOrder() []string {
	names := d.section.Names()
	slices.SortStableFunc(names, func(a, b string) int {
		p, q := d.section.values[a].Place, d.section.values[b].Place
		if p.Line != q.Line {
			return p.Line - q.Line
		}
		return p.Column - q.Column
	})
	return names
}

// key decodes one key of the section.
func (d *decoding) key(name string) {
	k := d.find(name)
	if k == nil {
		d.foreign(name)
		return
	}
	if !k.Prefix {
		if first, twice := d.given[k]; twice {
			d.add(d.section.Finding(name, fmt.Sprintf("it means the same as %s, on line %d", first, d.section.values[first].Place.Line),
				"one of the two", "remove "+name))
			return
		}
		d.given[k] = name
		if name != k.Name {
			d.warn(name, Problem{Seen: "a deprecated name", Need: k.Name, Fix: "rename it to " + k.Name})
		}
	}
	v, notes, err := d.section.values[name], []Problem(nil), error(nil)
	if !k.Verbatim {
		v, notes, err = resolve(v)
	}
	v.Hidden = v.Hidden || k.Secret
	for _, n := range notes {
		d.warn(name, n)
	}
	if err == nil {
		err = hide(v, k.accept(v))
	}
	if err != nil {
		d.refuse(k, name, v, err)
		return
	}
	if k.put != nil {
		k.put(name, v)
	}
}

func (d *decoding) find(name string) *Key {
	var prefix *Key
	for _, def := range d.defs {
		k := def.find(name)
		switch {
		case k == nil:
		case !k.Prefix:
			return k
		case prefix == nil || len(k.Name) > len(prefix.Name):
			prefix = k
		}
	}
	return prefix
}

func (d *decoding) add(f fault.Finding) { d.findings = append(d.findings, withoutSalt(f)) }

func (d *decoding) warn(name string, p Problem) {
	d.add(warning(d.section.Where(name), p))
}

// refuse reports why a value cannot be used.
func (d *decoding) refuse(k *Key, name string, v Value, err error) {
	var p *Problem
	if !errors.As(err, &p) {
		p = &Problem{Need: err.Error()}
	}
	f := d.section.Finding(name, p.Seen, p.Need, p.Fix)
	if f.Seen == "" {
		f.Seen = v.shown()
	}
	works := p.Value
	if works == "" && !k.Prefix {
		works = k.Default
	}
	switch {
	case f.Fix != "":
	case works != "":
		f.Fix = "write " + quote(name+": "+works)
	default:
		f.Fix = "change the value of " + name
	}
	d.add(f)
}

// hide takes out what was seen of a hidden value, since it may quote a part of it.
func hide(v Value, err error) error {
	var p *Problem
	if !v.Hidden || !errors.As(err, &p) {
		return err
	}
	return &Problem{Seen: v.shown(), Need: p.Need, Fix: p.Fix, Value: p.Value}
}

// missing finds the required keys that are not given.
func (d *decoding) missing() {
	for _, def := range d.defs {
		for _, k := range def.keys {
			if _, ok := d.given[k]; k.Required && !ok && !k.HasDefault {
				d.add(d.section.Finding(k.Name, "the key is missing", "a "+k.Type, fmt.Sprintf("add a line %q", k.Name+": ...")))
			}
		}
	}
}
