package configs

import (
	"fmt"
	"regexp"
	"strings"
)

// connectorName is what may name a connector: it becomes part of file names, metrics and REST paths.
var connectorName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

const connectorsKey = "connectors"

// split sorts the entries into the worker's section and the connectors'.
func (r *reader) split() *File {
	f := &File{Name: r.file, Worker: &Section{place: Place{File: r.file}, values: map[string]Value{}}}
	_, f.attempted = r.maps[connectorsKey]
	for _, e := range r.entries {
		rest, ok := strings.CutPrefix(e.key, connectorsKey+".")
		switch {
		case ok:
			r.connector(f, rest, e.value)
		case e.key != connectorsKey:
			f.Worker.values[e.key] = e.value
		case e.value.Form != Empty:
			r.refuse(e.value.Place, e.key, e.value.shown(), "a map with a name for each connector",
				"write connectors: {shop: {connector.class: postgres, ...}}")
		}
	}
	return f
}

// connector puts one key of a connector into its section; rest is the connector's name and the key. An empty
// map has no key, and still makes a section, so that what it lacks is found.
func (r *reader) connector(f *File, rest string, v Value) {
	name, key, _ := strings.Cut(rest, ".")
	if key == "" && v.Form != Empty {
		r.refuse(v.Place, connectorsKey+"."+rest, v.shown(), "the connector's keys",
			fmt.Sprintf("write connectors: {%s: {connector.class: postgres, ...}}", name))
		return
	}
	s := f.Connector(name)
	if s == nil {
		if !connectorName.MatchString(name) {
			r.refuse(v.Place, connectorsKey+"."+rest, fmt.Sprintf("the connector's name %q", name),
				"at most 100 letters, digits, _ and -", "rename the connector")
		}
		at, ok := r.maps[connectorsKey+"."+name]
		if !ok {
			at = v.Place
		}
		s = &Section{Name: name, place: at, prefix: connectorsKey + "." + name + ".", values: map[string]Value{}}
		f.Connectors = append(f.Connectors, s)
	}
	if key != "" {
		s.values[key] = v
	}
}
