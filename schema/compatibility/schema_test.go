package compatibility

import (
	"strings"
	"testing"
)

func TestASchemaIsTakenOrRefusedAsJavaDoes(t *testing.T) {
	in := func(fieldType, def string) string {
		return `{"type":"record","name":"R","fields":[{"name":"x","type":` + fieldType + `,"default":` + def + `}]}`
	}
	for name, c := range map[string]struct{ text, refused string }{
		"nothing":                                  {``, "empty"},
		"not JSON":                                 {`int`, "not JSON"},
		"text after the schema":                    {`"int" x`, "more after the end"},
		"a type within a type":                     {`{"type":{"type":"string"}}`, `"type" must be`},
		"an unknown type":                          {`"money"`, "money"},
		"a record without fields":                  {`{"type":"record","name":"R"}`, "fields"},
		"a record without a name":                  {`{"type":"record","fields":[]}`, "name"},
		"a name with a space":                      {`{"type":"record","name":"R","fields":[{"name":"a b","type":"int"}]}`, "a b"},
		"a name that begins with a digit":          {`{"type":"record","name":"1R","fields":[]}`, "1R"},
		"a name with letters of another script":    {`{"type":"record","name":"Größe","fields":[]}`, ""},
		"a namespace part that begins with one":    {`{"type":"record","name":"R","namespace":"a.1b","fields":[]}`, ""},
		"an alias that begins with a digit":        {`{"type":"record","name":"R","aliases":["1x"],"fields":[]}`, "1x"},
		"a type named after a primitive":           {`{"type":"record","name":"int","fields":[]}`, "primitive"},
		"the same in a namespace":                  {`{"type":"record","name":"n.int","fields":[]}`, ""},
		"a field twice":                            {`{"type":"record","name":"R","fields":[{"name":"x","type":"int"},{"name":"x","type":"int"}]}`, "duplicate"},
		"a default of another type":                {in(`"int"`, `"s"`), "default"},
		"an int default with a fraction":           {in(`"int"`, `1.0`), "not an integer"},
		"an int default out of range":              {in(`"int"`, `2147483648`), "default"},
		"a default of a union's second branch":     {in(`["null","int"]`, `5`), ""},
		"a default of no branch":                   {in(`["null","int"]`, `"a"`), "default"},
		"a text default of two braces":             {in(`"string"`, `"{}"`), ""},
		"a decimal default":                        {in(`{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}`, `"\u0001"`), ""},
		"a decimal whose scale exceeds it":         {`{"type":"bytes","logicalType":"decimal","precision":4,"scale":9}`, ""},
		"a logical type of no use":                 {`{"type":"string","logicalType":"date"}`, ""},
		"an enum symbol twice":                     {`{"type":"enum","name":"E","symbols":["A","A"]}`, "duplicate"},
		"an enum default that is no symbol":        {`{"type":"enum","name":"E","symbols":["A"],"default":"B"}`, "B"},
		"an enum symbol that begins with a digit":  {`{"type":"enum","name":"E","symbols":["1"]}`, `"1"`},
		"a union of one type twice":                {`["int","int"]`, "duplicate"},
		"a union in a union":                       {`["int",["null"]]`, "union"},
		"a fixed of negative size":                 {`{"type":"fixed","name":"F","size":-1}`, "size"},
		"an enum written into its field":           {`{"type":"record","name":"R","fields":[{"name":"x","type":"enum","symbols":["A"]}]}`, "enum"},
		"a reference to a type that comes later":   {`{"type":"record","name":"R","fields":[{"name":"x","type":"S"},{"name":"y","type":{"type":"record","name":"S","fields":[]}}]}`, "S"},
		"properties named like a schema's own":     {`{"type":"string","connect.parameters":{"type":"zz","fields":3}}`, ""},
		"a default that looks like a logical type": {in(`{"type":"map","values":"string"}`, `{"logicalType":"x"}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(c.text)
			switch {
			case c.refused == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.refused != "" && err == nil:
				t.Error("taken")
			case c.refused != "" && !strings.Contains(err.Error(), c.refused):
				t.Errorf("the error does not say %q: %v", c.refused, err)
			}
		})
	}
}

func TestSamenessIgnoresHowASchemaIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		a, b          string
		exact, normal bool
	}{
		"white space and order of keys": {`{"type":"enum","name":"E","symbols":["A"]}`, "{ \"symbols\" : [\"A\"],\n\"name\":\"E\",\"type\":\"enum\" }", true, true},
		"a primitive as an object":      {`["null",{"type":"int"}]`, `["null","int"]`, true, true},
		"a name with its namespace":     {`{"type":"enum","name":"E","namespace":"n","symbols":["A"]}`, `{"type":"enum","name":"n.E","symbols":["A"]}`, false, true},
		"a reference in full": {
			`{"type":"record","name":"R","namespace":"n","fields":[{"name":"x","type":["null","R"]}]}`,
			`{"type":"record","name":"R","namespace":"n","fields":[{"name":"x","type":["null","n.R"]}]}`, false, true},
		"a property":         {`{"type":"int","connect.type":"int16"}`, `"int"`, false, false},
		"a default":          {`{"type":"record","name":"R","fields":[{"name":"x","type":"int","default":0}]}`, `{"type":"record","name":"R","fields":[{"name":"x","type":"int"}]}`, false, false},
		"a logical type":     {`{"type":"int","logicalType":"date"}`, `"int"`, false, false},
		"the order in union": {`["null","int"]`, `["int","null"]`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := mustParse(t, c.a), mustParse(t, c.b)
			if got := a.Exact() == b.Exact(); got != c.exact {
				t.Errorf("Exact alike: %v", got)
			}
			if got := a.Normal() == b.Normal(); got != c.normal {
				t.Errorf("Normal alike: %v", got)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, p := range loadPairs(f) {
		f.Add(p.A)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		Explain(FullTransitive.Judge(s, s))
		again, err := Parse(text)
		if err != nil || again.Exact() != s.Exact() || again.Normal() != s.Normal() {
			t.Errorf("parsed differently again: %v", err)
		}
	})
}
