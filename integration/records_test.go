package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"rdip/envelope/decode"
	"rdip/integration/harness"
	"rdip/integration/testenv/kafkaserver"
)

// line is a record as a row of an expectation: operation, key, old row, new row, headers. What a record does
// not have is left out; a null value is "tombstone". Columns are name=value, as people read them.
func line(t *testing.T, w wire) string {
	t.Helper()
	key, value := native(t, w.Key, w.KeySchema), native(t, w.Value, w.ValueSchema)
	words := []string{"tombstone"}
	change, ok := decode.ChangeOf(&key, &value, nil)
	if ok {
		words[0] = string(change.Op)
	}
	add := func(name string, columns []decode.Column) {
		if columns != nil {
			words = append(words, name+"{"+columnsText(columns)+"}")
		}
	}
	if !key.IsNull() {
		add("key", fields(&key))
	}
	add("before", change.Before)
	add("after", change.After)
	if len(w.Headers) > 0 {
		words = append(words, "headers{"+strings.Join(w.Headers, " ")+"}")
	}
	return strings.Join(words, " ")
}

// native decodes framed Avro. goavro, which is not ours, must read it too.
func native(t *testing.T, framed []byte, schemaJSON string) decode.Value {
	t.Helper()
	if framed == nil {
		return decode.Value{}
	}
	if c, err := harness.Codec(schemaJSON); err != nil {
		t.Fatalf("goavro refuses a schema: %v: %s", err, schemaJSON)
	} else if _, rest, err := c.NativeFromBinary(framed[5:]); err != nil || len(rest) > 0 {
		t.Fatalf("goavro: %v, %d bytes behind the record", err, len(rest))
	}
	fetch := func(context.Context, int32) (string, error) { return schemaJSON, nil }
	v, err := decode.New(fetch).Decode(t.Context(), framed)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func fields(record *decode.Value) []decode.Column {
	out := make([]decode.Column, len(record.Items))
	for i := range record.Items {
		out[i] = decode.Column{Name: record.Type.Fields[i].Name, Value: record.Items[i]}
	}
	return out
}

func columnsText(columns []decode.Column) string {
	words := make([]string, len(columns))
	for i := range columns {
		words[i] = columns[i].Name + "=" + columns[i].Value.Text()
	}
	return strings.Join(words, " ")
}

// lines are a topic's records, one each.
func lines(t *testing.T, records []wire) []string {
	t.Helper()
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = line(t, r)
	}
	return out
}

// rowSchema is a column's field in the schema of a topic's rows, nil where the row has none of that name.
func rowSchema(t *testing.T, valueSchema, column string) json.RawMessage {
	t.Helper()
	for _, f := range rowFields(t, valueSchema) {
		if f.Name == column {
			return f.Type
		}
	}
	return nil
}

// avroField is a field of an Avro record.
type avroField struct {
	Name    string          `json:"name"`
	Type    json.RawMessage `json:"type"`
	Default json.RawMessage `json:"default,omitempty"`
}

// rowFields are the columns of a topic's rows: the fields of the record in before's union.
func rowFields(t *testing.T, valueSchema string) []avroField {
	t.Helper()
	var envelope struct{ Fields []avroField }
	var union []json.RawMessage
	var row struct{ Fields []avroField }
	err := json.Unmarshal([]byte(valueSchema), &envelope)
	if err == nil {
		err = json.Unmarshal(envelope.Fields[0].Type, &union)
	}
	if err == nil {
		err = json.Unmarshal(union[1], &row)
	}
	if err != nil {
		t.Fatalf("%v in schema %s", err, valueSchema)
	}
	return row.Fields
}

// afterBytes is the Avro of the new row alone, of a record without an old one.
func afterBytes(t *testing.T, w wire) []byte {
	t.Helper()
	var envelope map[string]json.RawMessage
	var all []json.RawMessage
	err := json.Unmarshal([]byte(w.ValueSchema), &envelope)
	if err == nil {
		err = json.Unmarshal(envelope["fields"], &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	envelope["fields"], _ = json.Marshal(all[:2]) // before, after
	head, _ := json.Marshal(envelope)
	c, err := harness.Codec(string(head))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, err := c.NativeFromBinary(w.Value[5:])
	if err != nil || w.Value[5] != 0 {
		t.Fatalf("%v; a record with an old row: %x", err, w.Value)
	}
	return bytes.Clone(w.Value[6 : len(w.Value)-len(rest)])
}

// await waits until a topic has n records, and reads them.
func await(t *testing.T, kafka *kafkaserver.Cluster, schemas *harness.RegistrySchemas, topic string, n int) []wire {
	t.Helper()
	harness.Eventually(t, fmt.Sprintf("%s to have %d records", topic, n), func() bool {
		end, err := kafka.EndOffset(topic)
		return err == nil && end >= int64(n)
	})
	return readWire(t, kafka, schemas, topic)
}
