package columns

import (
	"strings"
	"testing"

	"rdip/configs"
)

// FuzzKeyColumns: what is read of message.key.columns has a column for each that is written, and a table's own name in
// it finds the column.
func FuzzKeyColumns(f *testing.F) {
	for _, s := range []string{"public.orders:region,id;public.notes:id", ".*:a", "a:b;", ";", "a", "a:", "(:b", "a:b:c", `a\.b:c`, " a : b , c ; "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := parseKeyColumns(text)
		if err != nil {
			return
		}
		parts := 0
		if strings.TrimSpace(text) != "" {
			parts = strings.Count(strings.TrimRight(text, "; "), ";") + 1
		}
		if len(rules) != parts {
			t.Fatalf("%q: %d rules", text, len(rules))
		}
		for _, r := range rules {
			_, columns, _ := strings.Cut(r.text, ":")
			if len(r.columns) != strings.Count(columns, ",")+1 {
				t.Fatalf("%q: %d columns", r.text, len(r.columns))
			}
		}
	})
}

// FuzzMaskKeys: the keys of masks and cuts hold their options in their names. A rule has what its name says, and
// neither it nor an error shows a salt.
func FuzzMaskKeys(f *testing.F) {
	for _, s := range []string{"with.10.chars", "with.99999.chars", "hash.v2.SHA-256.with.salt.c4n4ry", "hash.MD5.with.salt.c4n4ry.x", "hash.v2.SHA-256", "hash.none.with.salt.c4n4ry", "to.3.chars", "to.x.chars", "hash.v2.SHA-512/256.with.salt.c4n4ry"} {
		f.Add(s)
	}
	const canary = "c4n4ry"
	f.Fuzz(func(t *testing.T, name string) {
		before, salt, salted := strings.Cut(name, ".with.salt.")
		for _, under := range []string{"column.mask.", "column.truncate."} {
			c := Config{}
			m := configs.NamedPatterns{Key: under + name, Name: name}
			read := c.maskRule
			if under == "column.truncate." {
				read = cutRule
			}
			r, err := read(m)
			if err == nil && under == "column.mask." && salted && !r.salt.Equal(configs.NewSecret(salt)) && r.kind == digested && !strings.Contains(salt, ".with.salt.") {
				t.Fatalf("%q has another salt", name)
			}
			if err == nil && r.kind == digested && r.digest == nil {
				t.Fatalf("%q has no digest", name)
			}
			said := r.key
			if under == "column.truncate." {
				said = configs.ShownName(r.key) // findings show it so
			}
			if err != nil {
				said += err.Error()
			}
			if salted && strings.Contains(salt, canary) && !strings.Contains(before, canary) && strings.Contains(said, canary) {
				t.Fatalf("%q is shown as %s", name, said)
			}
		}
	})
}
