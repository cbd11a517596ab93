package postgres

import "testing"

func TestNamesAndTextAreQuoted(t *testing.T) { // P31
	for name, c := range map[string]struct{ got, want string }{
		"a plain name":                    {quoteIdentifier("orders"), `"orders"`},
		"a name with quotes":              {quoteIdentifier(`a"b`), `"a""b"`},
		"a name that is a number":         {quoteIdentifier("1"), `"1"`},
		"a table":                         {quoteTable("Über", `x.y`), `"Über"."x.y"`},
		"several names":                   {quoteIdentifiers([]string{"a", `"`}), `"a", """"`},
		"text":                            {quoteLiteral("it's"), `'it''s'`},
		"text with a backslash":           {quoteLiteral(`\'`), `E'\\'''`},
		"an option with a backslash":      {quoteOption(`a\'b`), `'a\''b'`},
		"an option with quoted names":     {quoteOption(quoteIdentifier(`p'"`)), `'"p''"""'`},
		"a relation of the log":           {quotedTable(&relation{Schema: "s", Name: "T"}), `"s"."T"`},
		"a name with a Unicode character": {quoteIdentifier("表"), `"表"`},
	} {
		t.Run(name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got %s, want %s", c.got, c.want)
			}
		})
	}
}
