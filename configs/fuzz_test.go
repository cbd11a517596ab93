package configs_test

import (
	"os"
	"path/filepath"
	"testing"

	"rdip/configs"
)

// FuzzParse holds the reader to this: whatever the bytes, it returns, either with a section for every
// connector or with findings, and decoding what it read does not panic.
func FuzzParse(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*.yaml")
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4<<10 {
			t.Skip("long inputs are only slow")
		}
		file, found := configs.Parse("f.yaml", data)
		if file == nil && found.Err() == nil {
			t.Fatal("neither a file nor a finding")
		}
		_, _ = check("f.yaml", data)
	})
}

// FuzzPatterns holds the pattern reader to this: what it accepts, it writes so that it reads the same again.
func FuzzPatterns(f *testing.F) {
	for _, s := range []string{`public\.a{1\,3},b`, `(?!x)`, `\Qa\E`, `[a&&b]`, `a\\,b`, `\`} {
		f.Add(s, "public.aa")
	}
	f.Fuzz(func(t *testing.T, list, name string) {
		p, err := configs.ParsePatterns(list)
		if err != nil {
			return
		}
		again, err := configs.ParsePatterns(p.String())
		if err != nil || again.Match(name) != p.Match(name) {
			t.Fatalf("%q is written %q: %v", list, p, err)
		}
	})
}
