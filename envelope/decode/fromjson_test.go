package decode

import (
	"context"
	"errors"
	"testing"
)

// JSON records read as the Avro ones do: types come of the schema in them, where there is one.
func TestJSONRecordsAreRead(t *testing.T) {
	d := New(func(context.Context, int32) (string, error) { return "", errors.New("no registry is asked") })
	for _, topic := range []struct{ name, json string }{
		{"an envelope without a schema", `{"before":null,"after":{"id":1,"note":"a","rate":1.5,"ok":true},"source":{"db":"shop","schema":"public","table":"orders","snapshot":"false","ts_us":1700000000000000,"lsn":5},"op":"c","ts_us":1700000000000001}`},
		{"an envelope with one", `{"schema":{"type":"struct","fields":[{"type":"struct","fields":[],"optional":true,"field":"before"},` +
			`{"type":"struct","fields":[{"type":"int32","optional":false,"name":"io.debezium.time.Date","version":1,"field":"id"},{"type":"string","optional":true,"field":"note"},{"type":"double","optional":false,"field":"rate"},{"type":"boolean","optional":false,"field":"ok"}],"optional":true,"field":"after"},` +
			`{"type":"struct","fields":[],"field":"source"},{"type":"string","field":"op"},{"type":"int64","field":"ts_us"}]},` +
			`"payload":{"before":null,"after":{"id":1,"note":"a","rate":1.5,"ok":true},"source":{"db":"shop","schema":"public","table":"orders","snapshot":"false","ts_us":1700000000000000,"lsn":5},"op":"c","ts_us":1700000000000001}}`},
	} {
		t.Run(topic.name, func(t *testing.T) {
			key, err := d.Decode(t.Context(), []byte(`{"id":1}`))
			if err != nil {
				t.Fatal(err)
			}
			value, err := d.Decode(t.Context(), []byte(topic.json))
			if err != nil {
				t.Fatal(err)
			}
			c, ok := ChangeOf(&key, &value, nil)
			if !ok || c.ID() != "public.orders" || c.Op != 'c' || len(c.After) != 4 || c.LSN != 5 || c.Commit.UnixMicro() != 1700000000000000 || len(c.Key) != 1 {
				t.Fatalf("%v %+v", ok, c)
			}
			if got := c.After[1].Value.Text(); got != "a" {
				t.Errorf("the note reads %s", got)
			}
			if topic.name == "an envelope with one" && c.After[0].Value.Text() != "1970-01-02" {
				t.Errorf("the schema's date reads %s", c.After[0].Value.Text())
			}
		})
	}
	if _, err := d.Decode(t.Context(), []byte("plain text")); !errors.Is(err, ErrFrame) {
		t.Errorf("what is neither Avro nor JSON: %v", err)
	}
}

func FuzzJSONIsReadWithoutPanic(f *testing.F) {
	f.Add([]byte(`{"schema":{"type":"struct","fields":[{"type":"bytes","field":"a"}]},"payload":{"a":"AA=="}}`))
	f.Add([]byte(`{"schema":{"type":"double"},"payload":1}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if !IsJSON(payload) {
			return
		}
		if v, err := DecodeJSON(payload); err == nil {
			_ = v.Text()
			_ = AppendJSON(nil, &v)
		}
	})
}
