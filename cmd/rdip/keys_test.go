package main

import (
	"slices"
	"strings"
	"testing"
)

func TestKeysAreReadAsTheyAreTyped(t *testing.T) {
	for text, want := range map[string][][]string{
		"1":                        {{"1"}},
		"1,2, 3 ":                  {{"1"}, {"2"}, {"3"}},
		"(1,a),(2,b)":              {{"1", "a"}, {"2", "b"}},
		" ( 1 , a ) , ( 2 ,b )":    {{"1", "a"}, {"2", "b"}},
		`"a,b","(x)","say ""hi"""`: {{"a,b"}, {"(x)"}, {`say "hi"`}},
		`("",1)`:                   {{"", "1"}},
		`("a b" , c d)`:            {{"a b", "c d"}},
		"2024-05-17 10:00:00+02":   {{"2024-05-17 10:00:00+02"}},
		"'1'; DROP TABLE x --":     {{"'1'; DROP TABLE x --"}}, // a value like any other: it is never put into SQL as it is
	} {
		got, err := parseKeys(text)
		if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: %q, %v; needed is %q", text, got, err, want)
		}
	}
}

func TestKeysThatMeanNothingAreRefused(t *testing.T) {
	for _, text := range []string{"", ",", "1,", "1,,2", "(1", "(1,", "()", "(1)(2)", "1)", `"a`, `"a"b`, "(1,a),"} {
		if got, err := parseKeys(text); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func FuzzKeysThatAreQuotedComeBack(f *testing.F) {
	f.Add("a", `b"c`)
	f.Add("", "(,)")
	f.Fuzz(func(t *testing.T, a, b string) {
		quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
		got, err := parseKeys("(" + quote(a) + "," + quote(b) + ")")
		if err != nil || len(got) != 1 || !slices.Equal(got[0], []string{a, b}) {
			t.Errorf("%q, %q: %q, %v", a, b, got, err)
		}
		_, _ = parseKeys(a + "," + b)
	})
}
