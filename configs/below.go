package configs

import (
	"slices"
	"strings"
)

// NamedPatterns are the expressions of one key below a prefix.
type NamedPatterns struct {
	Key      string // in full; it may hold a secret: ShownName
	Name     string // what follows the prefix
	Patterns Patterns
}

// PatternsBelow binds every key that begins with the name, which ends with a dot, and that no other key takes;
// each value is a list of expressions as Patterns binds one. They come in the order of the keys' lines.
func (d *Definition) PatternsBelow(p *[]NamedPatterns, name, doc string, opts ...Option) {
	k := &Key{Name: name, Type: typePatterns, Doc: doc, Prefix: true}
	k.parse = func(v Value) error {
		_, err := patternsOf(v)
		return err
	}
	k.put = func(full string, v Value) {
		compiled, _ := patternsOf(v) // parse has looked at it
		*p = append(*p, NamedPatterns{Key: full, Name: strings.TrimPrefix(full, k.Name), Patterns: compiled})
	}
	k.render = func() string {
		names := make([]string, len(*p))
		for i, n := range *p {
			names[i] = ShownName(n.Key) + "=" + n.Patterns.String()
		}
		slices.Sort(names)
		return strings.Join(names, ";")
	}
	d.add(k, opts)
}
