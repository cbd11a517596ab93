package configs

import (
	"maps"
	"slices"
	"strings"

	"rdip/internal/fault"
)

// Section is a part of a configuration whose keys are decoded together: the worker's, or one connector's.
type Section struct {
	// Name is the connector's, and empty for the worker's section.
	Name   string
	place  Place  // where it begins
	prefix string // what precedes its keys in the file: "connectors.shop."
	values map[string]Value
}

// FromMap makes a section of keys that have no line, such as a Connect REST request's. The origin, such as
// "PUT /connectors/shop/config", stands in findings where a file's name would.
func FromMap(origin, connector string, keys map[string]string) *Section {
	s := &Section{Name: connector, place: Place{File: origin}, values: map[string]Value{}}
	for k, v := range keys {
		s.values[k] = Value{Text: v, Place: s.place}
	}
	return s
}

// Below is the part of the section whose keys begin with prefix, without it in their names; findings name them
// in full.
func (s *Section) Below(prefix string) *Section {
	out := &Section{Name: s.Name, place: s.place, prefix: s.prefix + prefix, values: map[string]Value{}}
	for name, v := range s.values {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			out.values[rest] = v
		}
	}
	return out
}

// Has says whether the key is written in the section, by this very name.
func (s *Section) Has(key string) bool { _, ok := s.values[key]; return ok }

// Names is the keys written in the section, sorted.
func (s *Section) Names() []string { return slices.Sorted(maps.Keys(s.values)) }

// Text is a key's text as it is written, before references are resolved. It is safe to print only where the
// key is not a secret's.
func (s *Section) Text(key string) string {
	v := s.values[key]
	if v.Form == Sequence {
		return strings.Join(v.Items, ",")
	}
	return v.Text
}

// Where is a key's place and full name, as findings print them. A key that is not written has the place at
// which its section begins.
func (s *Section) Where(key string) string {
	at := s.place
	if v, ok := s.values[key]; ok {
		at = v.Place
	}
	return strings.TrimSpace(at.String() + " " + s.prefix + ShownName(key))
}

// Finding is a fatal finding of kind Configuration about a key, for checks that need several keys at once.
// Seen must not hold a secret.
func (s *Section) Finding(key, seen, need, fix string) fault.Finding {
	return fault.Finding{Kind: fault.Configuration, Where: s.Where(key), Seen: seen, Need: need, Fix: fix}
}

// File is a configuration file, parsed and not yet decoded.
type File struct {
	Name       string
	Worker     *Section
	Connectors []*Section // in the order of the file
	// attempted says that connectors are written, though perhaps none that can be read.
	attempted bool
}

// Connector is the section of that name, or nil.
func (f *File) Connector(name string) *Section {
	for _, s := range f.Connectors {
		if s.Name == name {
			return s
		}
	}
	return nil
}
