package convert

import (
	"encoding/json"
	"testing"

	"rdip/envelope/decode"
)

// FuzzSchema: a schema that Avro's own reader takes becomes a program or is refused; a program turns no bytes into
// anything but JSON, and takes no more memory than they are worth.
func FuzzSchema(f *testing.F) {
	for _, text := range []string{orderSchema, decimalSchema, `"int"`, `["null","string"]`, `{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"],"default":null}]}`,
		`{"type":"array","items":{"type":"map","values":{"type":"fixed","name":"F","size":3}}}`, `{"type":"enum","name":"E","symbols":["A"]}`, `{"type":"array","items":"null"}`,
		`{"type":"bytes","logicalType":"decimal","precision":3,"scale":2000000000,"connect.name":"org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"2000000000"}}`} {
		f.Add(text, order)
	}
	f.Fuzz(func(t *testing.T, text string, avro []byte) {
		if len(text) > 4<<10 {
			t.Skip("long inputs are only slow")
		}
		parsed, err := decode.Parse(text)
		if err != nil {
			return
		}
		if v, err := parsed.Decode(avro); err == nil {
			_ = v.Text()
			if b := decode.AppendJSON(nil, &v); !json.Valid(b) {
				t.Fatalf("%q by %s", b, text)
			}
		}
		p, err := JSON(text, JSONOptions{})
		if err != nil {
			return
		}
		if got, err := p.Append(nil, avro); err == nil && !json.Valid(got) {
			t.Fatalf("%q by %s", got, text)
		}
	})
}
