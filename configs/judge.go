package configs

import (
	"slices"
	"strings"

	"rdip/internal/fault"
)

// Verdict is what becomes of one key of a section that was written for another program.
type Verdict struct {
	Key, Value string
	Secret     bool // the value must not be shown
	Refers     bool // the value has references that are yet to be resolved
	Kept       bool // the key works here as it is written
	// Findings say why a key has no effect or is refused, and warn of what is kept.
	Findings fault.Findings
}

// Refused says whether the key would stop a start.
func (v *Verdict) Refused() bool { return v.Findings.Err() != nil }

// Judge decodes a section as Decode does, and says of every key what becomes of it, by name. Values with
// references are kept as they are written: what they refer to may not be on this machine. What the section lacks
// is in the second result.
func Judge(s *Section, defs ...*Definition) ([]Verdict, fault.Findings) {
	d := &decoding{section: s, defs: defs}
	findings := Decode(s.Without(d.refers), defs...)
	var verdicts []Verdict
	for _, name := range s.Names() {
		k := d.find(name)
		v := Verdict{Key: name, Value: s.Text(name), Secret: k != nil && k.Secret || looksSecret(name), Kept: k != nil, Refers: d.refers(name)}
		switch {
		case !v.Refers:
			v.Findings = at(findings, s.Where(name))
		case k == nil:
			d.findings = nil
			d.foreign(name)
			v.Findings = d.findings
		}
		v.Kept = v.Kept && !v.Refused()
		verdicts = append(verdicts, v)
	}
	return verdicts, slices.DeleteFunc(findings, func(f fault.Finding) bool {
		return slices.ContainsFunc(verdicts, func(v Verdict) bool { return f.Where == s.Where(v.Key) })
	})
}

// refers says whether a key's value has references that are resolved when it is decoded.
func (d *decoding) refers(name string) bool {
	k := d.find(name)
	return isReference(d.section.values[name]) && (k == nil || !k.Verbatim)
}

// Without is the section without the keys that drop names.
func (s *Section) Without(drop func(key string) bool) *Section {
	out := &Section{Name: s.Name, place: s.place, prefix: s.prefix, values: map[string]Value{}}
	for name, v := range s.values {
		if !drop(name) {
			out.values[name] = v
		}
	}
	return out
}

func at(findings fault.Findings, where string) fault.Findings {
	var found fault.Findings
	for _, f := range findings {
		if f.Where == where {
			found = append(found, f)
		}
	}
	return found
}

// References lists the providers of the references in a value, such as "file" of ${file:/etc/p:key}.
func References(value string) []string {
	var providers []string
	for _, m := range reference.FindAllStringSubmatch(value, -1) {
		providers = append(providers, strings.TrimSpace(m[1]))
	}
	return providers
}
