package convert

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rdip/envelope/decode"
)

// A row may hold any text. What has no schema within reason stays text; nothing takes the process down, nothing is lost.
func TestHostileJSONStaysText(t *testing.T) {
	wide := func(fields int, item string) string {
		var b strings.Builder
		for i := range fields {
			fmt.Fprintf(&b, `%s"field_number_%d":%s`, separatorText(i), i, item)
		}
		return "{" + b.String() + "}"
	}
	for _, c := range []struct{ name, text string }{
		{"nested as deep as memory reaches", `{"a":` + strings.Repeat("[", 4_000_000)},
		{"nested deep, and closed again", `{"a":` + strings.Repeat("[", 5000) + "1" + strings.Repeat("]", 5000) + "}"},
		{"objects within objects", strings.Repeat(`{"a":`, 1100) + "1" + strings.Repeat("}", 1100)},
		{"a second value behind the first", `{"a":1}{"b":2}`},
		{"words behind the value", `{"a":1} and more`},
		{"a field without a name", `{"":1}`},
		{"a record whose name ends with nothing", `{"a.":{"b":1}}`},
		{"a record with nothing in its name", `{"a..b":{"c":1}}`},
		{"a long name of many records", `{"` + strings.Repeat("n", 1<<20) + `":` + wide(1000, `{"x":1}`) + "}"},
		{"more values than memory is for", `{"a":[` + strings.Repeat("1,", 5_000_000) + "1]}"},
		{"more fields than a registry takes", wide(100_000, "1")},
	} {
		t.Run(c.name, func(t *testing.T) {
			began := time.Now()
			if text, _, ok := Infer("payload", []byte(c.text), InferOptions{KeepNulls: true}); ok {
				t.Errorf("a schema of %d bytes was made", len(text))
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func separatorText(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// As Jackson has it, of a name that is there twice the last value counts.
func TestOfAFieldThatIsThereTwiceTheLastValueCounts(t *testing.T) {
	many := `{"x":1,`
	for i := range 40 {
		many += fmt.Sprintf(`"f%d":%d,`, i, i)
	}
	for text, want := range map[string]string{
		`{"a":1,"b":true,"a":"z"}`: `{"a":"z","b":true}`,
		many + `"x":"last"}`:       strings.TrimSuffix(strings.Replace(many, `"x":1`, `"x":"last"`, 1), ",") + "}",
		`{"l":[` + many + `"y":{"z":1}},` + many + `"y":{"q":2}}]}`: "",
	} {
		if got := inferredText(t, text); want != "" && got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}

// An array whose items are all objects allows no null, unless the same array of another object has one.
func TestANullAmongTheItemsOfAnArrayStaysNull(t *testing.T) {
	for _, text := range []string{
		`{"l":[{"a":[{"x":1,"y":null},{"x":null,"y":2}]},{"a":[{"x":1,"y":3},null]}]}`,
		`{"l":[{"a":[{"x":1,"y":3},null]},{"a":[{"x":1,"y":null},{"x":null,"y":2}]}]}`,
		`{"l":[[{"x":1,"y":null},{"x":null,"y":2}],[null,{"x":1,"y":3}]]}`,
	} {
		if got := inferredText(t, text); got != text {
			t.Errorf("%s\nwant\n%s", got, text)
		}
	}
}

// inferredText is a payload read back by the schema that was inferred of it.
func inferredText(t *testing.T, text string) string {
	t.Helper()
	avroSchema, avro, ok := Infer("payload", []byte(text), InferOptions{})
	if !ok {
		t.Fatalf("no schema of %s", text)
	}
	if _, err := decode.Parse(avroSchema); err != nil {
		t.Fatal(err)
	}
	s, err := ParseSchema(avroSchema)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := JSON(avroSchema, JSONOptions{})
	got, err := p.Append(nil, s.Column().AppendAs(nil, Part{Avro: avro}))
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}
