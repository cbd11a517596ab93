package convert

import (
	"encoding/json"
	"testing"

	"rdip/envelope/decode"
)

// Whatever a payload is: what has a schema has one that Avro's own reader takes, and the value fits it.
func FuzzInferredSchemasHoldTheirValues(f *testing.F) {
	for _, text := range []string{`{"a":[{"b":1},{"b":null,"c":"x"}]}`, `{"a":[[1],[2,3]],"b":{"":0}}`, `{"a.b":{"c":[]},"a":{"b":{"c":{}}}}`, `{"é😀":{"_u0041":1e999}}`, `{"a":-0,"b":"\ud83d","c":[null]}`} {
		f.Add(text, true, false)
	}
	f.Fuzz(func(t *testing.T, text string, nulls, arrays bool) {
		avroSchema, avro, ok := Infer("payload", []byte(text), InferOptions{KeepNulls: nulls, KeepEmptyArrays: arrays})
		if !ok {
			return
		}
		if _, err := decode.Parse(avroSchema); err != nil {
			t.Fatalf("Avro's own reader: %v\n%s", err, avroSchema)
		}
		s, err := ParseSchema(avroSchema)
		if err != nil {
			t.Fatalf("%v\n%s", err, avroSchema)
		}
		p, _ := JSON(avroSchema, JSONOptions{})
		got, err := p.Append(nil, s.Column().AppendAs(nil, Part{Avro: avro}))
		if err != nil || !json.Valid(got) {
			t.Fatalf("%v\n%s\nof %s", err, got, text)
		}
	})
}
