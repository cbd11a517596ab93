package configs

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// Digests is Effective with a digest in the place of each value that is not shown, so that two readings of a
// file can be compared key by key, changed secrets included, and no secret is kept for it. A reference that
// can no longer be resolved counts as changed.
func Digests(s *Section, defs ...*Definition) map[string]string {
	out := Effective(s, defs...)
	for name, text := range out {
		if text == Redacted {
			out[name] = digest(s, defs, name)
		}
	}
	for _, name := range s.Names() { // another salt is another mask
		if shown := ShownName(name); shown != name {
			sum := sha256.Sum256([]byte(name))
			out[shown] += " " + hex.EncodeToString(sum[:])
		}
	}
	return out
}

func digest(s *Section, defs []*Definition, name string) string {
	names := []string{name}
	for _, d := range defs {
		if k := d.Key(name); k != nil {
			names = append(names, k.Aliases...)
		}
	}
	h := sha256.New()
	for _, n := range names {
		v, given := s.values[n]
		if !given {
			continue
		}
		v, _, err := resolve(v)
		if err != nil {
			return "cannot be resolved"
		}
		h.Write([]byte(v.Text + "\x00" + strings.Join(v.Items, "\x00")))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Fingerprint is one text for all of them: two sections with the same fingerprint configure the same.
func Fingerprint(digests map[string]string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(digests)) {
		h.Write([]byte(name + "\x00" + digests[name] + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil))
}
