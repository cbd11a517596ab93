package schema_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rdip/schema"
)

// source is the PostgreSQL connector's source block, as the golden schemas have it.
var source = &schema.Source{Name: "io.debezium.connector.postgresql.Source", Fields: []schema.Field{
	{Name: "schema", Type: schema.Plain(schema.String)},
	{Name: "table", Type: schema.Plain(schema.String)},
	{Name: "txId", Type: schema.Plain(schema.Long), Nullable: true},
	{Name: "lsn", Type: schema.Plain(schema.Long), Nullable: true},
	{Name: "xmin", Type: schema.Plain(schema.Long), Nullable: true},
	{Name: "origin", Type: schema.Plain(schema.String), Nullable: true},
	{Name: "origin_lsn", Type: schema.Plain(schema.Long), Nullable: true},
}}

func decimal(precision, scale int, p, s string) schema.Type {
	return schema.Type{Kind: schema.Bytes, Name: schema.DecimalName, Version: 1, Scale: scale, Precision: precision,
		Params: []schema.Param{{Key: "scale", Value: s}, {Key: "connect.decimal.precision", Value: p}}}
}

var (
	integer = schema.Plain(schema.Int)
	text    = schema.Plain(schema.String)
	int16   = schema.Type{Kind: schema.Int, ConnectType: "int16"}
	mood    = schema.Named(schema.String, schema.EnumName, schema.Param{Key: "allowed", Value: "sad,ok,happy"})
	numeric = schema.Type{Kind: schema.Record, Name: schema.VariableScaleDecimalName, Version: 1, Doc: "Variable scaled decimal",
		Fields: []schema.Field{{Name: "scale", Type: integer}, {Name: "value", Type: schema.Plain(schema.Bytes)}}}
)

func arrayOf(t schema.Type) schema.Type { return schema.Type{Kind: schema.Array, Items: &t} }

func TestSchemasAreThoseOfAvroData(t *testing.T) {
	for _, c := range []struct {
		name string
		in   *schema.Table
	}{
		{"t_int", &schema.Table{Schema: "public", Name: "t_int", Key: []int{0}, Columns: []schema.Column{
			{Name: "id", Type: integer, Default: []byte("0")},
			{Name: "c_smallint", Type: int16, Nullable: true},
			{Name: "c_int", Type: integer},
			{Name: "c_bigint", Type: schema.Plain(schema.Long), Nullable: true},
			{Name: "c_smallserial", Type: int16, Default: []byte("0")},
			{Name: "c_bigserial", Type: schema.Plain(schema.Long), Default: []byte("0")}}}},
		{"t_num", &schema.Table{Schema: "public", Name: "t_num", Key: []int{0}, Columns: []schema.Column{
			{Name: "id", Type: integer},
			{Name: "n10_2", Type: decimal(10, 2, "10", "2"), Nullable: true},
			{Name: "n38_10", Type: decimal(38, 10, "38", "10"), Nullable: true},
			{Name: "n5_0", Type: decimal(5, 0, "5", "0"), Nullable: true},
			{Name: "n_nn", Type: decimal(12, 4, "12", "4")},
			{Name: "n_any", Type: numeric, Nullable: true},
			{Name: "c_real", Type: schema.Plain(schema.Float), Nullable: true},
			{Name: "c_double", Type: schema.Plain(schema.Double), Nullable: true}}}},
		{"t_arr", &schema.Table{Schema: "public", Name: "t_arr", Key: []int{0}, Columns: []schema.Column{
			{Name: "id", Type: integer},
			{Name: "a_int", Type: arrayOf(integer), Nullable: true},
			{Name: "a_big", Type: arrayOf(schema.Plain(schema.Long)), Nullable: true},
			{Name: "a_text", Type: arrayOf(text), Nullable: true},
			{Name: "a_vc", Type: arrayOf(text), Nullable: true},
			{Name: "a_nn", Type: arrayOf(text)}}}},
		{"t_defaults", &schema.Table{Schema: "public", Name: "t_defaults", Key: []int{0}, Columns: []schema.Column{
			{Name: "id", Type: integer},
			{Name: "d_int", Type: integer, Nullable: true, Default: []byte("42")},
			{Name: "d_int_nn", Type: integer, Default: []byte("7")},
			{Name: "d_big", Type: schema.Plain(schema.Long), Nullable: true, Default: []byte("-1")},
			{Name: "d_text", Type: text, Nullable: true, Default: []byte(`"abc"`)},
			{Name: "d_text_nn", Type: text, Default: []byte(`"it's"`)},
			{Name: "d_bool", Type: schema.Plain(schema.Boolean), Default: []byte("true")},
			{Name: "d_num", Type: decimal(6, 2, "6", "2"), Nullable: true, Default: []byte(`"\u0000\u0096"`)},
			{Name: "d_dbl", Type: schema.Plain(schema.Double), Default: []byte("0.5")},
			{Name: "d_date", Type: schema.Named(schema.Int, "io.debezium.time.Date"), Nullable: true, Default: []byte("18262")},
			{Name: "d_ts", Type: schema.Named(schema.Long, "io.debezium.time.MicroTimestamp"), Nullable: true, Default: []byte("1577836800000000")},
			{Name: "d_now", Type: schema.Named(schema.String, "io.debezium.time.ZonedTimestamp"), Default: []byte(`"1970-01-01T00:00:00.000000Z"`)},
			{Name: "d_enum", Type: mood, Nullable: true, Default: []byte(`"ok"`)},
			{Name: "d_null", Type: text, Nullable: true},
			{Name: "d_uuid", Type: schema.Named(schema.String, "io.debezium.data.Uuid"), Nullable: true, Default: []byte(`"00000000-0000-0000-0000-000000000000"`)},
			{Name: "d_json", Type: schema.Named(schema.String, "io.debezium.data.Json"), Nullable: true, Default: []byte(`"{\"k\": 1}"`)}}}},
		{"t_composite", &schema.Table{Schema: "public", Name: "t_composite", Key: []int{1, 0}, Columns: []schema.Column{
			{Name: "b", Type: text}, {Name: "a", Type: integer}, {Name: "v", Type: text, Nullable: true}}}},
	} {
		topic := "zoo.public." + c.in.Name
		t.Run(c.name+" value", func(t *testing.T) {
			sameJSON(t, schema.ValueSchema(topic, c.in, source), topic+"-value")
		})
		t.Run(c.name+" key", func(t *testing.T) {
			sameJSON(t, schema.KeySchema(topic, c.in), topic+"-key")
		})
	}
}

func TestATableWithoutAKeyHasNoKeySchema(t *testing.T) {
	if got := schema.KeySchema("zoo.public.t", &schema.Table{Columns: []schema.Column{{Name: "a", Type: integer}}}); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestARecordTypeIsWrittenOnceAndNamedAfterwards(t *testing.T) {
	table := &schema.Table{Columns: []schema.Column{{Name: "a", Type: numeric, Nullable: true}, {Name: "b", Type: numeric}}}
	full := schema.ValueSchema("zoo.public.t", table, source)
	var envelope struct {
		Fields []struct {
			Type json.RawMessage `json:"type"`
		} `json:"fields"`
	}
	decode(t, full, &envelope)
	var before []json.RawMessage
	decode(t, string(envelope.Fields[0].Type), &before)
	var row struct {
		Fields []struct {
			Type any `json:"type"`
		} `json:"fields"`
	}
	decode(t, string(before[1]), &row)
	if row.Fields[1].Type != schema.VariableScaleDecimalName {
		t.Errorf("second use is %v in %s", row.Fields[1].Type, full)
	}
}

func sameJSON(t *testing.T, got, subject string) {
	t.Helper()
	want, err := os.ReadFile("testdata/golden/" + subject + ".avsc")
	if err != nil {
		t.Fatal(err)
	}
	var g, w any
	decode(t, got, &g)
	decode(t, string(want), &w)
	if d := cmp.Diff(w, g); d != "" {
		t.Errorf("%s (-golden +ours):\n%s", subject, d)
	}
	if got != string(want) {
		t.Logf("the same JSON, other bytes:\n%s\n%s", got, want)
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// AvroData writes a map whose keys are no strings as an array of MapEntry records, which have no Connect name.
func TestAMapWithoutStringKeysIsAnArrayOfEntries(t *testing.T) {
	entry := schema.Type{Kind: schema.Record, Name: "io.confluent.connect.avro.MapEntry",
		Fields: []schema.Field{{Name: "key", Type: int16}, {Name: "value", Type: schema.Plain(schema.Double)}}}
	sparse := schema.Type{Kind: schema.Record, Name: "io.debezium.data.SparseDoubleVector", Version: 1, Doc: "Sparse double vector",
		Fields: []schema.Field{{Name: "dimensions", Type: int16}, {Name: "vector", Type: schema.Type{Kind: schema.Array, Items: &entry, ItemsRequired: true}}}}
	table := &schema.Table{Columns: []schema.Column{{Name: "v", Type: sparse}}, Key: []int{0}}
	const want = `{"type":"record","name":"Key","namespace":"t","fields":[{"name":"v","type":{"type":"record","name":"SparseDoubleVector",` +
		`"namespace":"io.debezium.data","fields":[{"name":"dimensions","type":{"type":"int","connect.type":"int16"}},` +
		`{"name":"vector","type":{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro",` +
		`"fields":[{"name":"key","type":{"type":"int","connect.type":"int16"}},{"name":"value","type":"double"}]}}}],` +
		`"connect.doc":"Sparse double vector","connect.version":1,"connect.name":"io.debezium.data.SparseDoubleVector"}}],"connect.name":"t.Key"}`
	if got := schema.KeySchema("t", table); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
