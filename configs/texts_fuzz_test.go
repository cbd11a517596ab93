package configs

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzProperties: what is read of Java's form, written again in its simplest spelling, is read the same; and an error
// names a line's number and nothing of its text, which may be a password.
func FuzzProperties(f *testing.F) {
	for _, s := range []string{"a=1\n", "  a : b \\\n   c\n", `k\=\:\ x=\u00e9\uD83D\uDE00`, "#c\n!d\r\n\\\n", "a=\\u12", "a=\\uD83Dx", "=", "\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		props, err := parseProperties(text)
		if err != nil {
			if _, rest, _ := strings.Cut(err.Error(), ": "); rest != `a \u without four hexadecimal digits` {
				t.Fatalf("%v", err)
			}
			return
		}
		var b strings.Builder
		for key, value := range props {
			b.WriteString(inProperties(key) + "=" + inProperties(value) + "\n")
		}
		if again, err := parseProperties(b.String()); err != nil || !maps.Equal(again, props) {
			t.Fatalf("%q was read as %q, written %q and read as %q, %v", text, props, b.String(), again, err)
		}
	})
}

// inProperties escapes a key or value so that it is read back.
func inProperties(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; c {
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		case '\f':
			b.WriteString(`\f`)
		case '=', ':', ' ', '\\', '#', '!':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// FuzzForeign: a connector's JSON as it is posted and its configuration alone have the same keys, whatever the text is
// every value is text, and no error shows a value.
func FuzzForeign(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{`{"name":"a","config":{"connector.class":"x","tasks.max":1,"database.password":"c4n4ry"}}`, `{"a":null,"b":true,"c":1.50}`, `{"config":[]}`, `{"config":null}`, `{"a":{"b":"c4n4ry"}}`, "a=c4n4ry\\u1", `{"a":"c4n4ry"`, "\xef\xbb\xbf{}"} {
		f.Add([]byte(s))
	}
	const canary = "c4n4ry"
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := ParseForeign(text)
		if err != nil {
			if strings.Contains(err.Error(), canary) && !strings.Contains(strings.ReplaceAll(string(text), `"`+canary+`"`, ""), canary) {
				t.Fatalf("%v shows a value of %q", err, text)
			}
			return
		}
		for _, one := range got {
			if _, ok := one.Keys["name"]; ok {
				t.Fatalf("%q: the name is a key", text)
			}
			if !utf8.Valid(text) {
				continue // JSON has nothing but UTF-8
			}
			posted, err := json.Marshal(map[string]any{"name": one.Name, "config": one.Keys})
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseForeign(posted)
			if err != nil || len(again) != 1 || again[0].Name != one.Name || !maps.Equal(again[0].Keys, one.Keys) {
				t.Fatalf("%q: %+v, posted %s: %+v, %v", text, one, posted, again, err)
			}
		}
	})
}

// FuzzUnits: what is taken for a time or a size is written so that it is read the same, and is never negative.
func FuzzUnits(f *testing.F) {
	for _, s := range []string{"10", "1h30m", "250ms", "0", "-1s", "9223372036854775807", "32MiB", "1 GiB", "1e3", "0.1ns", "8388607TiB", "2540400h10m10.000000000s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, unit := range []string{"", "ms", "s", "min", "h"} {
			parse := durationParser(unit)
			d, err := parse(text)
			if err != nil {
				continue
			}
			if again, err := parse(formatDuration(d, unit)); d < 0 || err != nil || again != d {
				t.Fatalf("%q in %s is %v, written %s: %v, %v", text, unit, d, formatDuration(d, unit), again, err)
			}
			if unit == "ms" && d > time.Duration(1<<63-1) {
				t.Fatal(d)
			}
		}
		n, err := parseBytes(text)
		if err != nil {
			return
		}
		if again, err := parseBytes(formatBytes(n)); n < 0 || err != nil || again != n {
			t.Fatalf("%q is %d, written %s: %d, %v", text, n, formatBytes(n), again, err)
		}
	})
}

// FuzzReferences: what an environment variable holds stands in the value and nowhere else; a value without a reference
// is itself; and what is wrong with one is said without what stands around it.
func FuzzReferences(f *testing.F) {
	const canary = "c4n4ry-${env:OTHER}"
	f.Setenv("RDIP_FUZZ_SECRET", canary)
	for _, s := range []string{"plain", "${env:RDIP_FUZZ_SECRET}", "a${env::RDIP_FUZZ_SECRET}b${env:RDIP_FUZZ_SECRET}", "${RDIP_FUZZ_SECRET}", "${env:", "${file:/nowhere:key}", "${file:relative}", "${dir:/a:b}", "${}", "$${env:RDIP_FUZZ_SECRET}", "${vault:x}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "file:/") && !strings.Contains(text, "/nowhere") {
			return // a file of this machine
		}
		v, notes, err := resolve(Value{Text: text})
		for _, said := range append([]string{fmt.Sprint(err)}, noted(notes)...) {
			if strings.Contains(said, canary) {
				t.Fatalf("%s shows a secret", said)
			}
		}
		switch {
		case !strings.Contains(text, "${"):
			if err != nil || v.Text != text || v.Hidden {
				t.Fatalf("%q became %+v, %v", text, v, err)
			}
		case err == nil && !v.Hidden:
			t.Fatalf("%q is not hidden: %+v", text, v)
		case err == nil && strings.Contains(strings.ReplaceAll(v.Text, canary, ""), "${"):
			t.Fatalf("%q: a reference is left in %q", text, v.Text)
		}
	})
}

func noted(notes []Problem) (texts []string) {
	for i := range notes {
		texts = append(texts, notes[i].Error())
	}
	return texts
}
