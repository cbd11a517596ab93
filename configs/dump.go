package configs

import (
	"slices"
	"strings"
)

// Effective is every key of the definitions that has a value, with the value in force: what was given, else
// the default. Secrets, and values that came from a reference, are Redacted.
func Effective(s *Section, defs ...*Definition) map[string]string {
	out := map[string]string{}
	for _, d := range defs {
		for _, k := range d.keys {
			if k.Prefix {
				effectivePrefix(out, s, d, k)
				continue
			}
			text := k.render()
			if text == "" || d.inherit && !s.Has(k.Name) {
				continue
			}
			if k.Secret || hasReference(s, k) {
				text = Redacted
			}
			out[k.Name] = text
		}
	}
	return out
}

// effectivePrefix lists what was given below a prefix. Such keys may be anything, so one that looks like a
// secret's is redacted too.
func effectivePrefix(out map[string]string, s *Section, d *Definition, k *Key) {
	for _, name := range s.Names() {
		if d.find(name) != k {
			continue
		}
		shown := ShownName(name)
		switch text := s.Text(name); {
		case k.Secret || looksSecret(shown) || isReference(s.values[name]):
			out[shown] = Redacted
		case out[shown] != "": // two salts of one algorithm
			out[shown] += "," + text
		default:
			out[shown] = text
		}
	}
}

// looksSecret says whether a key's name is one that holds a secret by custom.
func looksSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"password", "secret", "jaas", "token", "credential", "api.key", "basic.auth.user.info"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

func hasReference(s *Section, k *Key) bool {
	if k.Verbatim {
		return false
	}
	for _, name := range append([]string{k.Name}, k.Aliases...) {
		if isReference(s.values[name]) {
			return true
		}
	}
	return false
}

func isReference(v Value) bool {
	return strings.Contains(v.Text, "${") || slices.ContainsFunc(v.Items, func(i string) bool { return strings.Contains(i, "${") })
}
