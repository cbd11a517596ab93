package configs

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDurationsAreReadInTheUnitOfTheirKey(t *testing.T) {
	for _, c := range []struct {
		key, text string
		want      time.Duration // -1: refused
	}{
		{"heartbeat.interval.ms", "10000", 10 * time.Second},
		{"heartbeat.interval.ms", "10s", 10 * time.Second},
		{"heartbeat.interval.ms", "0", 0},
		{"latest.cache.ttl.sec", "60", time.Minute},
		{"wait", "1h30m", 90 * time.Minute},
		{"wait", "0", 0},
		{"wait", "10", -1},
		{"heartbeat.interval.ms", "-1", -1},
		{"heartbeat.interval.ms", "-1s", -1},
		{"heartbeat.interval.ms", "10 s", -1},
		{"heartbeat.interval.ms", "9223372036854775807", -1},
		{"heartbeat.interval.ms", "1e3", -1},
		{"heartbeat.interval.ms", "", -1},
	} {
		got, err := durationParser(unitOf(c.key))(c.text)
		if err != nil {
			got = -1
		}
		if got != c.want {
			t.Errorf("%s: %q is %v, want %v", c.key, c.text, got, c.want)
		}
	}
}

func TestSizesAreReadWithBinaryAndDecimalUnits(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1048576": 1 << 20, "32MiB": 32 << 20, "512MB": 512e6, "1 GiB": 1 << 30, "2kB": 2000, "2KB": 2000, "7B": 7, "3TiB": 3 << 40,
		"": -1, "-1": -1, "32M": -1, "1.5GiB": -1, "MiB": -1, "9000000TiB": -1, "1iB": -1, "10 parsecs": -1,
	} {
		got, err := parseBytes(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Min(0).Draw(t, "bytes")
		if got, err := parseBytes(formatBytes(n)); err != nil || got != n {
			t.Fatalf("%d is written %q and read %d, %v", n, formatBytes(n), got, err)
		}
		d := time.Duration(n)
		for _, unit := range []string{"", "ms", "s"} {
			if got, err := durationParser(unit)(formatDuration(d, unit)); err != nil || got != d {
				t.Fatalf("%v is written %q and read %v, %v", d, formatDuration(d, unit), got, err)
			}
		}
	})
}

func TestPatternsMatchTheWholeNameAndIgnoreCase(t *testing.T) {
	for _, c := range []struct {
		list, name string
		want       bool
	}{
		{"public.orders", "public.orders", true},
		{"public.orders", "PUBLIC.Orders", true},
		{"public.orders", "public.orders2", false},
		{"public.orders", "xpublic.orders", false},
		{"a|b", "ab", false},
		{"a|b", "b", true},
		{`public\.a, public\.b`, "public.b", true},
		{`public\.a{1\,2}`, "public.aa", true},
		{`public\.a{1\,2}`, "public.aaa", false},
		{`(?<n>x)y`, "xy", true},
		{`\Qa.b\E`, "a.b", true},
		{`\Qa.b\E`, "axb", false},
		{`\Q(?=\E`, "(?=", true},
		{`[a-c&]x`, "&x", true},
		{`a\++`, "a++", true},
		{"", "", false},
		{" , ", " ", false},
	} {
		p, err := ParsePatterns(c.list)
		if err != nil {
			t.Errorf("%q: %v", c.list, err)
			continue
		}
		if got := p.Match(c.name); got != c.want {
			t.Errorf("%q on %q: %v", c.list, c.name, got)
		}
		again, err := ParsePatterns(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%q is written %q, which reads %q, %v", c.list, p, again, err)
		}
	}
}

func TestSyntaxThatOnlyJavaHasIsRefusedByName(t *testing.T) {
	for pattern, name := range map[string]string{
		`a(?=b)`: "lookahead", `a(?!b)`: "negative lookahead", `(?<=a)b`: "lookbehind", `(?<!a)b`: "negative lookbehind", `(?>a)b`: "atomic group",
		`a*+b`: "possessive", `a++b`: "possessive", `a?+b`: "possessive", `a{2}+b`: "possessive",
		`(a)\1`: `back reference \1`, `(?<n>a)\k<n>`: "back reference", `a\Z`: `\Z`, `\Ga`: `\G`, `a\R`: `\R`, `\X`: `\X`, `\h`: `\h`, `\e`: `\e`, `\cA`: `\c`,
		`\u0041`: `\u`, `\N{DIGIT ONE}`: `\N`, `\p{javaLowerCase}`: "javaLowerCase", `\p{IsAlphabetic}`: "IsAlphabetic", `\P{InGreek}`: "InGreek",
		`[a-z&&[^b]]`: "intersection", `[a-z&&b]`: "intersection", `[a[bc]]`: "class inside a class", `(?x)a`: "flag x", `(?iu:a)`: "flag u", `[]a]`: "]",
	} {
		_, err := ParsePatterns(pattern)
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "only Java has") {
			t.Errorf("%s: %v, want it to name %s", pattern, err, name)
		}
	}
	for _, pattern := range []string{`a)(b`, `(`, `[a`, `*a`, `a{1`} {
		if _, err := ParsePatterns(pattern); err == nil {
			t.Errorf("%s is accepted", pattern)
		}
	}
}

func TestJavaPropertiesAreReadAsJavaReadsThem(t *testing.T) {
	got, err := parseProperties("# c\n! d\r\na=1\r\n  b : 2 \nc 3\nlong = one, \\\n    two\n" +
		`k\=e\:y = v\\n\tw` + "\nempty\nu=\\u00e9\\uD83D\\uDE00\nurl=http://x:1/?a=b\ndup=1\ndup=2\nlast=x\\")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "1", "b": "2 ", "c": "3", "long": "one, two", "k=e:y": `v\n` + "\tw", "empty": "", "u": "é😀",
		"url": "http://x:1/?a=b", "dup": "2", "last": "x"}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %q, want %q", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%q", got)
	}
	if _, err := parseProperties("a=1\nsecret=\\u12"); err == nil || err.Error() != `line 2: a \u without four hexadecimal digits` {
		t.Errorf("%v", err)
	}
}

func TestTheNearestNameIsAFewEditsAway(t *testing.T) {
	names := []string{"slot.name", "topic.prefix", "table.include.list", "table.exclude.list"}
	for s, want := range map[string]string{
		"slot.nmae": "slot.name", "slotname": "slot.name", "topic.perfix": "topic.prefix", "table.includelist": "table.include.list",
		"tables.exclude.list": "table.exclude.list", "zzzzz": "", "": "", "database.hostname": "",
	} {
		if got := nearest(s, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", s, got, want)
		}
	}
	if edits("ab", "ba") != 1 || edits("kitten", "sitting") != 3 || edits("", "abc") != 3 {
		t.Error("edits is wrong")
	}
}
