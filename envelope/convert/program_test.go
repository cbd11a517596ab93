package convert

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rdip/envelope"
	"rdip/envelope/decode"
	"rdip/schema"
)

func long(v int64) []byte  { return binary.AppendVarint(nil, v) }
func text(s string) []byte { return append(long(int64(len(s))), s...) }
func double(v float64) []byte {
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))
}
func single(v float32) []byte {
	return binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))
}
func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

const decimalSchema = `{"type":"bytes","scale":2,"precision":10,"connect.version":1,"connect.parameters":{"scale":"2","connect.decimal.precision":"10"},` +
	`"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}`

// The values were written by Kafka's JsonConverter 4.3 on Java 21 rules: Jackson's escapes, Double.toString.
func TestValuesAreSpelledAsJackson(t *testing.T) {
	for _, c := range []struct {
		name, schema string
		avro         []byte
		options      JSONOptions
		want         string
	}{
		{"a boolean", `"boolean"`, []byte{1}, JSONOptions{}, `true`},
		{"the least long", `"long"`, long(math.MinInt64), JSONOptions{}, `-9223372036854775808`},
		{"a null", `["null","string"]`, []byte{0}, JSONOptions{}, `null`},
		{"quotes, backslashes, controls", `"string"`, text("\"\\\b\t\n\f\r\x01\x1f\x7f/<>&"), JSONOptions{}, `"\"\\\b\t\n\f\r\u0001\u001F` + "\x7f" + `/<>&"`},
		{"the basic plane as it is, beyond it surrogates", `"string"`, text("é日\u2028😀"), JSONOptions{}, `"é日` + "\u2028" + `\uD83D\uDE00"`},
		{"bytes in base64 with padding", `"bytes"`, text("\x00\xff\xfe\xfd"), JSONOptions{}, `"AP/+/Q=="`},
		{"a double without a fraction", `"double"`, double(3), JSONOptions{}, `3.0`},
		{"a double of ten million", `"double"`, double(1e7), JSONOptions{}, `1.0E7`},
		{"a double below ten million", `"double"`, double(9999999.5), JSONOptions{}, `9999999.5`},
		{"a double of a thousandth", `"double"`, double(0.001), JSONOptions{}, `0.001`},
		{"a double below a thousandth", `"double"`, double(0.00012), JSONOptions{}, `1.2E-4`},
		{"the least double", `"double"`, double(5e-324), JSONOptions{}, `4.9E-324`},
		{"the largest double", `"double"`, double(math.MaxFloat64), JSONOptions{}, `1.7976931348623157E308`},
		{"a negative zero", `"double"`, double(math.Copysign(0, -1)), JSONOptions{}, `-0.0`},
		{"no number", `"double"`, double(math.NaN()), JSONOptions{}, `"NaN"`},
		{"an infinite float", `"float"`, single(float32(math.Inf(-1))), JSONOptions{}, `"-Infinity"`},
		{"a float is written as one", `"float"`, single(0.1), JSONOptions{}, `0.1`},
		{"the least float", `"float"`, single(math.SmallestNonzeroFloat32), JSONOptions{}, `1.4E-45`},
		{"a decimal in base64", decimalSchema, text("\x04\xd2"), JSONOptions{}, `"BNI="`},
		{"a decimal as a number", decimalSchema, text("\xfb\x2e"), JSONOptions{Numeric: true}, `-12.34`},
		{"a default for a null, where asked", `[{"type":"int","connect.default":42},"null"]`, []byte{2}, JSONOptions{ReplaceNull: true}, `42`},
		{"a null with a default stays", `[{"type":"int","connect.default":42},"null"]`, []byte{2}, JSONOptions{}, `null`},
		{"a map of strings", `{"type":"map","values":["null","string"]}`, join(long(1), text("k"), []byte{2}, text("v"), []byte{0}), JSONOptions{}, `{"k":"v"}`},
		{"an empty array", `{"type":"array","items":["null","int"]}`, []byte{0}, JSONOptions{}, `[]`},
		{"a block with its size", `{"type":"array","items":"int"}`, join(long(-2), long(2), long(1), long(2), []byte{0}), JSONOptions{}, `[1,2]`},
		{"a map with other keys, as pairs", `{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro",` +
			`"fields":[{"name":"key","type":{"type":"int","connect.type":"int16"}},{"name":"value","type":"double"}]}}`,
			join(long(1), long(3), double(1.5), []byte{0}), JSONOptions{}, `[[3,1.5]]`},
		{"a record, and a column that Avro cannot name", `{"type":"record","name":"r","fields":[{"name":"a_u0020b","type":"int"},{"name":"c","type":["null","r2"]}]}`,
			nil, JSONOptions{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := JSON(c.schema, c.options)
			if c.want == "" {
				if err == nil {
					t.Error("a type that is not defined was taken")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Append([]byte("before "), c.avro)
			if err != nil || string(got) != "before "+c.want {
				t.Errorf("%v\n%s\nwant\n%s", err, got, c.want)
			}
		})
	}
}

// The schema is Connect's, its parts in JsonConverter's order; names are the columns' own.
func TestTheSchemaIsConnects(t *testing.T) {
	p, err := JSON(`{"type":"record","name":"Value","namespace":"a","fields":[{"name":"a_u0020b","type":{"type":"int","connect.type":"int16"}},`+
		`{"name":"d","type":[{"type":"bytes","scale":1,"precision":3,"connect.doc":"x","connect.version":1,"connect.parameters":{"scale":"1","b":"<"},"connect.default":"\u0005","connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"},"null"],"default":"\u0005"},`+
		`{"name":"m","type":["null",{"type":"map","values":["null","string"]}],"default":null}],"connect.version":2,"connect.name":"a.Value"}`, JSONOptions{Schemas: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Append(nil, join(long(7), []byte{2}, []byte{0}))
	want := `{"schema":{"type":"struct","fields":[{"type":"int16","optional":false,"field":"a b"},` +
		`{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"doc":"x","parameters":{"scale":"1","b":"<"},"default":"BQ==","field":"d"},` +
		`{"type":"map","keys":{"type":"string","optional":false},"values":{"type":"string","optional":true},"optional":true,"field":"m"}],"optional":false,"name":"a.Value","version":2},` +
		`"payload":{"a b":7,"d":null,"m":null}}`
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

// BigDecimal.toString, of which math/big is the oracle for the digits.
func TestDecimalsAreSpelledAsBigDecimal(t *testing.T) {
	for _, c := range []struct {
		unscaled string
		scale    int
		want     string
	}{
		{"0", 0, "0"}, {"0", 2, "0.00"}, {"5", 2, "0.05"}, {"-5", 2, "-0.05"}, {"123", 2, "1.23"}, {"-1234", 0, "-1234"},
		{"1", 6, "0.000001"}, {"1", 7, "1E-7"}, {"12", 9, "1.2E-8"}, {"0", 8, "0E-8"}, {"123", -2, "1.23E+4"}, {"1", -3, "1E+3"}, {"-10", 1, "-1.0"},
		{"-170141183460469231731687303715884105728", 0, "-170141183460469231731687303715884105728"},
	} {
		n, _ := new(big.Int).SetString(c.unscaled, 10)
		if got := string(appendDecimal([]byte("x"), twos(n), c.scale)); got != "x"+c.want {
			t.Errorf("%s with scale %d: %s, want %s", c.unscaled, c.scale, got[1:], c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "magnitude"))
		if rapid.Bool().Draw(t, "negative") {
			n.Neg(n)
		}
		if got := string(appendDecimal(nil, twos(n), 0)); got != n.String() {
			t.Fatalf("%s, want %s", got, n)
		}
	})
}

// twos is a number as Avro's decimal has it.
func twos(n *big.Int) []byte {
	size := uint(n.BitLen()/8 + 1)
	if n.Sign() >= 0 {
		return n.FillBytes(make([]byte, size))
	}
	return new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), 8*size)).FillBytes(make([]byte, size))
}

// drawn is a type and a value of it: as Avro, and as JSON decodes the text that it should become.
type drawn struct {
	column schema.Column
	avro   []byte
}

func drawColumn(t *rapid.T, name string) drawn {
	nullable := rapid.Bool().Draw(t, "nullable")
	typ, avro := drawValue(t, rapid.IntRange(0, 9).Draw(t, "kind"))
	c := schema.Column{Name: name, Type: typ, Nullable: nullable}
	switch {
	case !nullable:
	case rapid.Bool().Draw(t, "null"):
		avro = []byte{0}
	default:
		avro = append([]byte{2}, avro...)
	}
	return drawn{c, avro}
}

func drawValue(t *rapid.T, kind int) (schema.Type, []byte) {
	switch kind {
	case 0:
		return schema.Plain(schema.Boolean), []byte{byte(rapid.IntRange(0, 1).Draw(t, "bool"))}
	case 1:
		return schema.Type{Kind: schema.Int, ConnectType: "int16"}, long(int64(rapid.Int16().Draw(t, "int16")))
	case 2:
		return schema.Named(schema.Long, "io.debezium.time.MicroTimestamp"), long(rapid.Int64().Draw(t, "long"))
	case 3:
		return schema.Plain(schema.Float), single(rapid.Float32().Draw(t, "float"))
	case 4:
		return schema.Plain(schema.Double), double(rapid.Float64().Draw(t, "double"))
	case 5:
		return schema.Plain(schema.Bytes), text(string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
	case 6:
		typ, item := drawValue(t, rapid.IntRange(0, 5).Draw(t, "item"))
		return schema.Type{Kind: schema.Array, Items: &typ}, join(long(2), []byte{0}, []byte{2}, item, []byte{0})
	case 7:
		typ, item := drawValue(t, rapid.IntRange(0, 5).Draw(t, "value"))
		return schema.Type{Kind: schema.Map, Items: &typ}, join(long(1), text(rapid.String().Draw(t, "key")), []byte{2}, item, []byte{0})
	default:
		return schema.Plain(schema.String), text(rapid.String().Draw(t, "string"))
	}
}

// What encoding/json reads out of our text is what it reads out of the text that the Avro decoder's values make,
// for rows of random columns.
func TestJSONHoldsWhatTheAvroDecoderReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := &schema.Table{Database: "d", Schema: "s", Name: "t"}
		var row []byte
		for i := range rapid.IntRange(1, 6).Draw(t, "columns") {
			d := drawColumn(t, string(rune('a'+i)))
			table.Columns = append(table.Columns, d.column)
			row = append(row, d.avro...)
		}
		table.Key = make([]int, len(table.Columns))
		for i := range table.Key {
			table.Key[i] = i
		}
		avroSchema := schema.KeySchema("x", table)
		p, err := JSON(avroSchema, JSONOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Append(nil, row)
		if err != nil {
			t.Fatalf("%v\n%s", err, avroSchema)
		}
		parsed, err := decode.Parse(avroSchema)
		if err != nil {
			t.Fatal(err)
		}
		value, err := parsed.Decode(row)
		if err != nil {
			t.Fatal(err)
		}
		if want := decode.AppendJSON(nil, &value); normalized(t, got) != normalized(t, want) {
			t.Fatalf("%s\nwant\n%s", got, want)
		}
	})
}

// normalized is a JSON text read by encoding/json and written again.
func normalized(t *rapid.T, text []byte) string {
	var v any
	d := json.NewDecoder(strings.NewReader(string(text)))
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

const orderSchema = `{"type":"record","name":"Envelope","namespace":"shop.public.orders","fields":[{"name":"before","type":["null",{"type":"record","name":"Value","fields":[` +
	`{"name":"id","type":"long"},{"name":"note","type":["null","string"],"default":null},{"name":"price","type":["null",` + decimalSchema + `],"default":null},{"name":"rate","type":"double"}],` +
	`"connect.name":"shop.public.orders.Value"}],"default":null},{"name":"after","type":["null","Value"],"default":null},` +
	`{"name":"source","type":{"type":"record","name":"Source","namespace":"s","fields":[{"name":"ts_ms","type":"long"},{"name":"snapshot","type":[{"type":"string","connect.default":"false"},"null"],"default":"false"}]}},` +
	`{"name":"op","type":"string"}],"connect.version":2,"connect.name":"shop.public.orders.Envelope"}`

var order = join([]byte{0, 2}, long(7), []byte{2}, text("a \"note\"\n"), []byte{2}, text("\x04\xd2\x04\xd2\x04\xd2\x04\xd2\x04\xd2"), double(1e-9), long(1700), []byte{0}, text("false"), text("c"))

func TestNothingIsAllocatedARecord(t *testing.T) {
	s, err := ParseSchema(orderSchema)
	if err != nil {
		t.Fatal(err)
	}
	picker, err := s.Pick(Path{"", "after"}, Path{"after", "note"}, Path{"source", "snapshot"}, Path{"", "op"})
	if err != nil {
		t.Fatal(err)
	}
	withSchema, err := JSON(orderSchema, JSONOptions{Schemas: true, Numeric: true})
	if err != nil {
		t.Fatal(err)
	}
	buffer, parts := make([]byte, 0, 1<<16), make([]Part, 4)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := withSchema.Append(buffer, order); err != nil {
			t.Fatal(err)
		}
		if err := picker.Read(order, parts); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a record", allocs)
	}
	if string(parts[1].Text()) != "a \"note\"\n" || string(parts[2].Text()) != "false" || string(parts[3].Text()) != "c" {
		t.Errorf("parts %q, %q, %q", parts[1].Text(), parts[2].Text(), parts[3].Text())
	}
}

// The row of an envelope stands alone, with the fields that were asked for behind its own.
func TestRowsOfAnEnvelopeStandAlone(t *testing.T) {
	s, err := ParseSchema(orderSchema)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Pick(Path{"", "after"}, Path{"source", "snapshot"}, Path{"", "before"})
	if err != nil {
		t.Fatal(err)
	}
	parts := make([]Part, 3)
	if err := p.Read(order, parts); err != nil {
		t.Fatal(err)
	}
	row, err := s.RowSchema([]Added{{"__snapshot", p.Column(1).Plain()}, {"__deleted", `"string"`}})
	if err != nil {
		t.Fatal(err)
	}
	program, err := JSON(row, JSONOptions{})
	if err != nil {
		t.Fatalf("%v\n%s", err, row)
	}
	got, err := program.Append(nil, append(AppendOptional(append([]byte(nil), parts[0].Avro...), parts[1]), 0))
	want := `{"id":7,"note":"a \"note\"\n","price":"BNIE0gTSBNIE0g==","rate":1.0E-9,"__snapshot":"false","__deleted":null}`
	if err != nil || string(got) != want || !parts[2].IsNull {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	if _, err := s.RowSchema([]Added{{"note", `"string"`}}); err == nil {
		t.Error("a field in a column's place was taken")
	}
	if _, err := s.RowSchema([]Added{{"__op", `"string"`}, {"__op", `"long"`}}); err == nil {
		t.Error("two fields of one name were taken")
	}
}

func TestInferredObjectsAreDebeziumsStructs(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		o                InferOptions
	}{
		{"numbers by their size", `{"a":1,"b":3000000000,"c":1.5,"d":1e2}`, `{"a":1,"b":3000000000,"c":1.5,"d":100.0}`, InferOptions{}},
		{"nulls and empty arrays are left out", `{"a":null,"b":[],"c":true}`, `{"c":true}`, InferOptions{}},
		{"nulls and empty arrays are kept, where asked", `{"a":null,"b":[]}`, `{"a":null,"b":[]}`, InferOptions{KeepNulls: true, KeepEmptyArrays: true}},
		{"objects in an array share their fields", `{"l":[{"x":1},{"y":"z"},null]}`, `{"l":[{"x":1,"y":null},{"x":null,"y":"z"},null]}`, InferOptions{}},
		{"names that Avro cannot hold", `{"a b":{"ü":"x"}}`, `{"a b":{"ü":"x"}}`, InferOptions{}},
		{"items of two types have no schema", `{"l":[1,"a"]}`, "", InferOptions{}},
		{"a list is no object", `[1]`, "", InferOptions{}},
		{"what is not JSON", `{"a":`, "", InferOptions{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			avroSchema, avro, ok := Infer("payload", []byte(c.text), c.o)
			if ok != (c.want != "") {
				t.Fatalf("a schema was made: %v", ok)
			}
			if !ok {
				return
			}
			s, err := ParseSchema(avroSchema)
			if err != nil {
				t.Fatalf("%v\n%s", err, avroSchema)
			}
			if _, err := decode.Parse(avroSchema); err != nil {
				t.Errorf("Avro's own reader: %v\n%s", err, avroSchema)
			}
			p, _ := JSON(avroSchema, JSONOptions{})
			got, err := p.Append(nil, s.Column().AppendAs(nil, Part{Avro: avro}))
			if err != nil || string(got) != c.want {
				t.Errorf("%v\n%s\nwant\n%s", err, got, c.want)
			}
		})
	}
}

func TestSingleValuesAreText(t *testing.T) {
	for _, c := range []struct {
		schema string
		avro   []byte
		want   string
	}{
		{`"string"`, text("a \"b\""), `a "b"`}, {`["null","string"]`, append([]byte{2}, text("x")...), "x"}, {`["null","string"]`, []byte{0}, ""},
		{`"long"`, long(-5), "-5"}, {`"bytes"`, text("\x00\xff"), "\x00\xff"}, {decimalSchema, text("\x04\xd2"), "12.34"}, {`"double"`, double(math.Inf(1)), "Infinity"},
	} {
		p, err := Text(c.schema)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Append(nil, c.avro); err != nil || string(got) != c.want {
			t.Errorf("%s: %v, %q, want %q", c.schema, err, got, c.want)
		}
	}
	if _, err := Text(orderSchema); err == nil {
		t.Error("a record was taken for text")
	}
}

// Avro that does not fit is an error, never a panic, and what decodes is what the Avro decoder reads.
func FuzzAvroAgainstTheDecoder(f *testing.F) {
	f.Add(order)
	f.Add([]byte{})
	f.Add(append(envelope.AppendLong(nil, -1), order...))
	p, err := JSON(orderSchema, JSONOptions{})
	if err != nil {
		f.Fatal(err)
	}
	parsed, err := decode.Parse(orderSchema)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, avro []byte) {
		got, err := p.Append(nil, avro)
		value, decodeErr := parsed.Decode(avro)
		if decodeErr == nil && err != nil {
			t.Fatalf("the Avro decoder reads it: %v", err)
		}
		if err == nil && !json.Valid(got) {
			t.Fatalf("%s", got)
		}
		_ = value
	})
}
