package envelope_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/linkedin/goavro/v2"

	"rdip/envelope"
	"rdip/schema"
)

type avro = map[string]any

// xidAndPlace names transactions as PostgreSQL's reader does.
func xidAndPlace(dst []byte, tx *envelope.Transaction, place uint64) []byte {
	return fmt.Appendf(dst, "%d:%d", tx.ID, place)
}

// origin is that of layout's tables.
var origin = &envelope.Origin{Database: "shop", Schema: layout(0).SourceSchema, TransactionID: xidAndPlace,
	Source: func(string, string) envelope.SourceEncoder { return layout(0).Source }}

// read decodes what was appended with an Avro library that is not ours.
func read(t *testing.T, schemaText string, out []byte) avro {
	t.Helper()
	codec, err := goavro.NewCodec(schemaText)
	if err != nil {
		t.Fatal(err)
	}
	native, rest, err := codec.NativeFromBinary(out)
	if err != nil || len(rest) > 0 {
		t.Fatalf("%v, %d bytes over, of %x", err, len(rest), out)
	}
	return native.(avro)
}

func TestATransactionsRecordsReadBackAsTheyWere(t *testing.T) {
	id := envelope.TransactionID(xidAndPlace)
	tx := &envelope.Transaction{ID: 1910, Micros: 1_795_357_640_487_123}
	got := read(t, schema.TransactionValueSchema, envelope.AppendTransactionBegin(nil, id, tx, 85619568))
	want := avro{"status": "BEGIN", "id": "1910:85619568", "event_count": nil, "data_collections": nil, "ts_ms": int64(1_795_357_640_487)}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	counts := []envelope.TransactionCount{{Table: "public.a", Events: 3}, {Table: "public.b", Events: 400}}
	end := envelope.AppendTransactionEnd(nil, id, tx, 7, len(counts), func(i int) envelope.TransactionCount { return counts[i] })
	collection := func(name string, n int64) any {
		return avro{"event.collection": avro{"data_collection": name, "event_count": n}}
	}
	want = avro{"status": "END", "id": "1910:7", "event_count": avro{"long": int64(403)}, "ts_ms": int64(1_795_357_640_487),
		"data_collections": avro{"array": []any{collection("public.a", 3), collection("public.b", 400)}}}
	if d := cmp.Diff(want, read(t, schema.TransactionValueSchema, end)); d != "" {
		t.Error(d)
	}
}

func TestTheTransactionBlockIsThereWhereAnEventHasANumber(t *testing.T) {
	for _, c := range []struct {
		name string
		id   envelope.TransactionID
		tx   envelope.Transaction
		want any
	}{
		{"asked for", xidAndPlace, envelope.Transaction{ID: 4, Order: 3, TableOrder: 2}, avro{"event.block": avro{"id": "4:77", "total_order": int64(3), "data_collection_order": int64(2)}}},
		{"a row of a snapshot", xidAndPlace, envelope.Transaction{ID: 4}, nil},
		{"not asked for", nil, envelope.Transaction{ID: 4, Order: 3, TableOrder: 2}, nil},
		{"an id longer than a byte's length", func(dst []byte, _ *envelope.Transaction, _ uint64) []byte {
			return append(dst, strings.Repeat("x", 64)...)
		}, envelope.Transaction{Order: 1, TableOrder: 1}, avro{"event.block": avro{"id": strings.Repeat("x", 64), "total_order": int64(1), "data_collection_order": int64(1)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := envelope.NewEncoder(layout(0), "shop.public.orders", envelope.Options{TransactionID: c.id})
			out, err := x.AppendValue(nil, &c.tx, &envelope.Event{Op: envelope.Create, After: aRow, Place: 77}, nanos)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, read(t, x.ValueSchema(), out[5:])["transaction"]); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAMessageReadsBackAsItWas(t *testing.T) {
	m := &envelope.Message{Transactional: true, Place: 9, Prefix: []byte("audit"), Content: []byte{0, 255, 'x'}}
	tx := &envelope.Transaction{ID: 4, Order: 1, TableOrder: 1}
	for _, c := range []struct {
		name string
		kind schema.Kind
		text func(dst, content []byte) []byte
		want any
	}{
		{"as bytes", schema.Bytes, nil, avro{"bytes": []byte{0, 255, 'x'}}},
		{"as text", schema.String, envelope.Base64, avro{"string": "AP94"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := envelope.AppendMessage(nil, origin, origin.Source("", ""), tx, m, c.text, nanos)
			got := read(t, schema.MessageValueSchema(origin.Schema, c.kind), out)
			delete(got, "source")
			want := avro{"op": "m", "ts_ms": avro{"long": nanos / 1e6}, "message": avro{"prefix": avro{"string": "audit"}, "content": c.want},
				"transaction": avro{"event.block": avro{"id": "4:9", "total_order": int64(1), "data_collection_order": int64(1)}}}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestASchemaChangeReadsBackAsItWas(t *testing.T) {
	length, comment := int32(20), "who bought"
	change := &envelope.SchemaChange{Schema: "public", Table: "orders", DDL: "ALTER TABLE orders ...", Tables: []envelope.TableChange{
		{Type: "DROP", ID: `"public"."old"`},
		{Type: "ALTER", ID: `"public"."orders"`, Table: &envelope.TableShape{Key: []string{"id"}, Comment: &comment, Columns: []envelope.ColumnShape{
			{Name: "id", JDBC: 4, Native: 23, Type: "int4", Expression: "integer", Position: 1, Identity: true},
			{Name: "mood", JDBC: 12, Native: 16400, Type: "mood", Length: &length, Position: 2, Nullable: true, Labels: []string{"sad", "ok"}}}}}}}
	out := envelope.AppendSchemaChange(nil, origin, someTx, &envelope.Message{Place: 9, Change: change}, nanos)
	got := read(t, schema.SchemaChangeValueSchema(origin.Schema), out)
	delete(got, "source")
	str := func(s string) any { return avro{"string": s} }
	column := func(name string, jdbc, native int32, typ string, position int32, more avro) any {
		c := avro{"name": name, "jdbcType": jdbc, "nativeType": avro{"int": native}, "typeName": typ, "typeExpression": nil, "charsetName": nil,
			"length": nil, "scale": nil, "position": position, "optional": avro{"boolean": false}, "autoIncremented": avro{"boolean": false},
			"generated": avro{"boolean": false}, "comment": nil, "defaultValueExpression": nil, "enumValues": nil}
		for k, v := range more {
			c[k] = v
		}
		return c
	}
	want := avro{"ts_ms": nanos / 1e6, "databaseName": str("shop"), "schemaName": str("public"), "ddl": str("ALTER TABLE orders ..."), "tableChanges": []any{
		avro{"type": "DROP", "id": `"public"."old"`, "table": nil},
		avro{"type": "ALTER", "id": `"public"."orders"`, "table": avro{"io.debezium.connector.schema.Table": avro{
			"defaultCharsetName": nil, "primaryKeyColumnNames": avro{"array": []any{"id"}}, "comment": str("who bought"), "columns": []any{
				column("id", 4, 23, "int4", 1, avro{"typeExpression": str("integer"), "autoIncremented": avro{"boolean": true}}),
				column("mood", 12, 16400, "mood", 2, avro{"length": avro{"int": length}, "optional": avro{"boolean": true}, "enumValues": avro{"array": []any{"sad", "ok"}}})}}}}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
