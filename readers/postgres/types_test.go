package postgres

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"testing"

	"rdip/envelope"
	"rdip/integration/testenv"
	"rdip/internal/fault"
	"rdip/readers/postgres/types/avrotest"
)

// typeCase is a value of a type, and what it becomes.
type typeCase struct {
	sqlType, literal string
	typ              string // kind, then Debezium's name
	want             []byte
}

// typeCases cite the hard cases in their order.
var typeCases = []typeCase{
	{"boolean", "true", "boolean", []byte{1}},
	{"smallint", "-32768", "int int16", avrotest.Long(-32768)},
	{"integer", "2147483647", "int", avrotest.Long(2147483647)},
	{"bigint", "-9223372036854775808", "long", avrotest.Long(math.MinInt64)},
	{"oid", "4294967295", "long", avrotest.Long(4294967295)},
	{"real", "'NaN'", "float", []byte{0, 0, 0xc0, 0x7f}},
	{"real", "'-0'", "float", []byte{0, 0, 0, 0x80}},
	{"double precision", "'NaN'", "double", []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}},
	{"double precision", "'-Infinity'", "double", avrotest.Double(math.Inf(-1))},
	{"double precision", "0.1::float8 + 0.2", "double", avrotest.Double(0.30000000000000004)},
	// P25
	{"numeric(10,2)", "-12345678.90", "bytes Decimal 10.2", avrotest.Decimal("-1234567890")},
	{"numeric(38,0)", "99999999999999999999999999999999999999", "bytes Decimal 38.0", avrotest.Decimal(strings.Repeat("9", 38))},
	{"numeric(60,20)", "-" + strings.Repeat("8", 40) + "." + strings.Repeat("7", 20), "bytes Decimal 60.20", avrotest.Decimal("-" + strings.Repeat("8", 40) + strings.Repeat("7", 20))},
	{"numeric", "1.500", "record VariableScaleDecimal", append(avrotest.Long(1), avrotest.Decimal("15")...)},
	{"numeric", "-0.00", "record VariableScaleDecimal", append(avrotest.Long(0), avrotest.Decimal("0")...)},
	{"numeric", "1e200", "record VariableScaleDecimal", append(avrotest.Long(0), avrotest.Decimal("1"+strings.Repeat("0", 200))...)},
	{"numeric", "1e-300", "record VariableScaleDecimal", append(avrotest.Long(300), avrotest.Decimal("1")...)},
	{"money", "'-1234.56'", "bytes Decimal 64.2", avrotest.Decimal("-123456")},
	{"money", "'92233720368547758.07'", "bytes Decimal 64.2", avrotest.Decimal("9223372036854775807")},
	// P26
	{"date", "'infinity'", "int Date", avrotest.Long(-2147472692)},
	{"date", "'-infinity'", "int Date", avrotest.Long(-2147472691)},
	{"date", "'4714-11-24 BC'", "int Date", avrotest.Long(-2440588)},
	{"date", "'5874897-12-31'", "int Date", avrotest.Long(2145042905)},
	{"date", "'0001-12-31 BC'", "int Date", avrotest.Long(-719163)},
	{"timestamp", "'infinity'", "long MicroTimestamp", avrotest.Long(9223372036825200000)},
	{"timestamp", "'-infinity'", "long MicroTimestamp", avrotest.Long(-9223372036832400000)},
	{"timestamp(3)", "'infinity'", "long Timestamp", avrotest.Long(9223372036825200)},
	{"timestamp", "'4714-11-24 00:00:00 BC'", "long MicroTimestamp", avrotest.Long(-210866803200000000)},
	{"timestamp(3)", "'294276-12-31 23:59:59.999'", "long Timestamp", avrotest.Long(9224318015999999)},
	{"timestamp", "'294247-01-09 23:59:59.999999'", "long MicroTimestamp", avrotest.Long(9223372022399999999)},
	{"timestamptz", "'infinity'", "string ZonedTimestamp", avrotest.Text("infinity")},
	{"timestamptz", "'0044-03-15 12:00:00.5+00 BC'", "string ZonedTimestamp", avrotest.Text("-0043-03-15T12:00:00.500000Z")},
	{"timestamptz(0)", "'10000-01-01 00:00:00+00'", "string ZonedTimestamp", avrotest.Text("+10000-01-01T00:00:00Z")},
	{"timestamptz(1)", "'2024-02-29 23:30:00.25-05:45'", "string ZonedTimestamp", avrotest.Text("2024-03-01T05:15:00.3Z")},
	// P27
	{"time", "'24:00:00'", "long MicroTime", avrotest.Long(86400000000)},
	{"time(2)", "'23:59:59.99'", "int Time", avrotest.Long(86399990)},
	{"timetz", "'24:00:00+00'", "string ZonedTime", avrotest.Text("24:00:00Z")},
	{"timetz", "'24:00:00+02'", "string ZonedTime", avrotest.Text("22:00:00Z")},
	{"timetz", "'01:02:03.040+05:53:28'", "string ZonedTime", avrotest.Text("19:08:35.04Z")},
	// P28
	{"interval", "'-1 year -2 mons +3 days -04:05:06.789'", "long MicroDuration", avrotest.Long(-14*2629800000000 + 3*86400000000 - 14706789000)},
	{"interval", "'00:00:00.000001'", "long MicroDuration", avrotest.Long(1)},
	{"interval", "'4.35 seconds'", "long MicroDuration", avrotest.Long(4350000)},
	{"interval", "'0'", "long MicroDuration", avrotest.Long(0)},
	// P30
	{"bit", "B'1'", "boolean", []byte{1}},
	{"bit(5)", "B'00000'", "bytes Bits 5", avrotest.Binary()},
	{"bit(10)", "B'0100000001'", "bytes Bits 10", avrotest.Binary(1, 1)},
	{"varbit", "B'110'", "bytes Bits 2147483647", avrotest.Binary(6)},
	{"varbit(9)", "B'100000000'", "bytes Bits 9", avrotest.Binary(0, 1)},
	{"varbit(1)", "B''", "boolean", []byte{0}},
	{"bytea", `'\x00ff5c27'`, "bytes", avrotest.Binary(0, 0xff, 0x5c, 0x27)},
	{"json", `'{"a" : 1,  "a":2}'`, "string Json", avrotest.Text(`{"a" : 1,  "a":2}`)},
	{"jsonb", `'{"b":1.50,"a":null}'`, "string Json", avrotest.Text(`{"a": null, "b": 1.50}`)},
	{"xml", "'<a>&amp;</a>'", "string Xml", avrotest.Text("<a>&amp;</a>")},
	{"uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "string Uuid", avrotest.Text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")},
	{"inet", "'192.168.0.1/24'", "string", avrotest.Text("192.168.0.1/24")},
	{"cidr", "'2001:db8::/32'", "string", avrotest.Text("2001:db8::/32")},
	{"macaddr", "'08-00-2b-01-02-03'", "string", avrotest.Text("08:00:2b:01:02:03")},
	{"macaddr8", "'08:00:2b:01:02:03:04:05'", "string", avrotest.Text("08:00:2b:01:02:03:04:05")},
	{"tsvector", "'a fat cat'", "string Tsvector", avrotest.Text("'a' 'cat' 'fat'")},
	{`"char"`, "'x'", "string", avrotest.Text("x")},
	{"name", "'n'", "string", avrotest.Text("n")},
	{"char(5)", "'ab'", "string", avrotest.Text("ab   ")},
	{"int4range", "'[1,5]'", "string", avrotest.Text("[1,6)")},
	{"tstzrange", "'[2024-01-01 00:00+00,)'", "string", avrotest.Text(`["2024-01-01 00:00:00+00",)`)},
	// P23
	{"ext.citext", "'MiXed'", "string", avrotest.Text("MiXed")},
	{"ext.ltree", "'a.b'", "string Ltree", avrotest.Text("a.b")},
	{"ext.hstore", `'"k\"1"=>"v\\", b=>NULL'`, "string Json", avrotest.Text(`{"b":null,"k\"1":"v\\"}`)},
	{"mood", "'so so'", "string Enum sad,so so,happy", avrotest.Text("so so")},
	{"point", "'(1.5,-2)'", "record Point", avrotest.Point(1.5, -2)},
	// P24
	{"integer[]", "'{1,NULL,-3}'", "array int", avrotest.Array(avrotest.Long(1), nil, avrotest.Long(-3))},
	{"integer[][]", "'{{1,2},{NULL,4}}'", "array array int", avrotest.Arrays(avrotest.Array(avrotest.Long(1), avrotest.Long(2)), avrotest.Array(nil, avrotest.Long(4)))},
	{"integer[][]", "'{}'", "array array int", avrotest.Array()},
	{"text[][][]", `'{{{a,"}{,"}},{{NULL,"\""}}}'`, "array array array string", avrotest.Arrays(avrotest.Arrays(avrotest.Array(avrotest.Text("a"), avrotest.Text("}{,"))), avrotest.Arrays(avrotest.Array(nil, avrotest.Text(`"`))))},
	{"box[][]", "'{{(1,1),(0,0);(2,2),(0,0)}}'", "array array string", avrotest.Arrays(avrotest.Array(avrotest.Text("(1,1),(0,0)"), avrotest.Text("(2,2),(0,0)")))},
	{"matrix", "'{{1.5,2}}'", "array array double", avrotest.Arrays(avrotest.Array(avrotest.Double(1.5), avrotest.Double(2)))},
	{"text[]", `'{"a\"b\\c",NULL,"NULL","",héllo,"x,y","{z}"}'`, "array string", avrotest.Array(avrotest.Text(`a"b\c`), nil, avrotest.Text("NULL"), avrotest.Text(""), avrotest.Text("héllo"), avrotest.Text("x,y"), avrotest.Text("{z}"))},
	{"timestamptz(0)[]", "'{2024-01-01 00:00:00+00}'", "array string ZonedTimestamp", avrotest.Array(avrotest.Text("2024-01-01T00:00:00Z"))},
	{"numeric(6,2)[]", "'{1.5}'", "array bytes Decimal 6.2", avrotest.Array(avrotest.Decimal("150"))},
	{"time[]", "'{00:00:00.000001}'", "array long MicroTime", avrotest.Array(avrotest.Long(1))},
	{"bytea[]", `ARRAY['\x5c22'::bytea]`, "array bytes", avrotest.Array(avrotest.Binary(0x5c, 0x22))},
	{"money[]", "'{-1.25}'", "array bytes Decimal 64.2", avrotest.Array(avrotest.Decimal("-125"))},
	{"point[]", `'{"(1,2)"}'`, "array record Point", avrotest.Array(avrotest.Point(1, 2))},
	{"box[]", "'{(1,1),(0,0);(2,2),(0,0)}'", "array string", avrotest.Array(avrotest.Text("(1,1),(0,0)"), avrotest.Text("(2,2),(0,0)"))},
	{"mood[]", "'{sad,\"so so\"}'", "array string Enum sad,so so,happy", avrotest.Array(avrotest.Text("sad"), avrotest.Text("so so"))},
	{"ext.hstore[]", `ARRAY['a=>1'::ext.hstore]`, "array string Json", avrotest.Array(avrotest.Text(`{"a":"1"}`))},
	{"pair", `'(1,"x ""y""")'`, "string", avrotest.Text(`(1,"x ""y""")`)},
	{"pair[]", `ARRAY['(1,a)'::pair,NULL]`, "array string", avrotest.Array(avrotest.Text("(1,a)"), nil)},
	{"int4multirange", "'{[1,3),[5,7)}'", "string", avrotest.Text("{[1,3),[5,7)}")},
	{"pg_lsn", "'16/B374D848'", "string", avrotest.Text("16/B374D848")},
	{"tsquery", "'fat & cat'", "string", avrotest.Text("'fat' & 'cat'")},
	{"int2vector", "'1 2'", "string", avrotest.Text("1 2")},
	// P21
	{"outer_price", "12.5", "bytes Decimal 8.3", avrotest.Decimal("12500")},
	{"outer_price[]", "'{1}'", "array bytes Decimal 8.3", avrotest.Array(avrotest.Decimal("1000"))},
}

// defaultConfig is what a connector without a key has.
func defaultConfig() *Config {
	c := &Config{}
	c.Definition()
	return c
}

const typesSQL = `
CREATE SCHEMA ext;
CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE EXTENSION ltree SCHEMA ext;
CREATE TYPE mood AS ENUM ('sad', 'happy'); 
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN price AS numeric(8,3); CREATE DOMAIN matrix AS float8[][]; CREATE DOMAIN outer_price AS price CHECK (VALUE > 0);`

// P21, P23 to P30
func TestEveryTypeBecomesItsAvroForm(t *testing.T) {
	for _, version := range []int{15, 18} {
		t.Run("PostgreSQL "+strconv.Itoa(version), func(t *testing.T) {
			l, row := typesTable(t, version)
			checkTypes(t, l, row)
		})
	}
}

func checkTypes(t *testing.T, l *envelope.Layout, row envelope.Row) {
	for i, c := range typeCases {
		name := c.sqlType + " " + c.literal
		if got := avrotest.Describe(&l.Table.Columns[i].Type); got != c.typ {
			t.Errorf("%s is %s, want %s", name, got, c.typ)
		}
		before := []byte("before")
		got, err := l.Columns[i](before, row[i].Wire)
		if err != nil {
			t.Errorf("%s: %v (%s)", name, err, row[i].Wire)
			continue
		}
		if !bytes.Equal(got, append([]byte("before"), c.want...)) {
			t.Errorf("%s (%s)\n got %x\nwant %x", name, row[i].Wire, got[len("before"):], c.want)
		}
	}
}

// P24 to P26, D8
func TestAValueThatAvroCannotHoldIsRefusedAndNeverNull(t *testing.T) {
	cases := map[string]struct{ sqlType, literal string }{
		"NaN in a numeric with a scale":      {"numeric(5,2)", "'NaN'"},
		"NaN in a numeric without a scale":   {"numeric", "'NaN'"},
		"infinity in a numeric":              {"numeric", "'-Infinity'"},
		"NaN within an array":                {"numeric[]", "'{1,NaN}'"},
		"microseconds beyond a long":         {"timestamp", "'294276-12-31 23:59:59.999999'"},
		"an interval beyond a long":          {"interval", "'178000000 years'"},
		"an array of two dimensions":         {"integer[]", "'{{1,2},{3,4}}'"},
		"a three-dimensional array of texts": {"text[]", `'{{{"a"}},{{"b"}}}'`},
		"a matrix with bounds of its own":    {"integer[][]", "'[1:1][-2:-1]={{1,2}}'"},
		"a list whose bounds are not 1":      {"integer[]", "'[0:1]={7,8}'"},
		"a list where a matrix is declared":  {"integer[][]", "'{1,2}'"},
		"a cube where a matrix is declared":  {"integer[][]", "'{{{1},{2}}}'"},
	}
	server := testenv.SharedPostgres(t, 15)
	database := testenv.Database(t, server)
	for name, v := range cases {
		t.Run(name, func(t *testing.T) {
			if err := server.Exec(t.Context(), database, "DROP TABLE IF EXISTS t; CREATE TABLE t (c "+v.sqlType+"); INSERT INTO t VALUES ("+v.literal+")"); err != nil {
				t.Fatal(err)
			}
			conn := pinned(t, server, database)
			l := layoutsOf(t, defaultConfig(), conn)["public.t"]
			row := wireRows(t, conn, l.Table)[0]
			if got, err := l.Columns[0](nil, row[0].Wire); err == nil {
				t.Errorf("%s became %x", row[0].Wire, got)
			} else if !fault.IsPermanent(err) {
				t.Errorf("%v is worth trying again", err)
			}
		})
	}
}

// numeric(5,-2) and numeric(2,5) exist since PostgreSQL 15.
func TestScalesOutsideThePrecisionFitAvro(t *testing.T) {
	server := testenv.SharedPostgres(t, 15)
	database := testenv.Database(t, server)
	if err := server.Exec(t.Context(), database, "CREATE TABLE t (a numeric(5,-2), b numeric(2,5)); INSERT INTO t VALUES (1234567, 0.00012)"); err != nil {
		t.Fatal(err)
	}
	conn := pinned(t, server, database)
	l := layoutsOf(t, defaultConfig(), conn)["public.t"]
	row := wireRows(t, conn, l.Table)[0]
	for i, want := range []struct {
		typ   string
		bytes []byte
	}{{"bytes Decimal 7.0", avrotest.Decimal("1234600")}, {"bytes Decimal 5.5", avrotest.Decimal("12")}} {
		got, err := l.Columns[i](nil, row[i].Wire)
		if err != nil || !bytes.Equal(got, want.bytes) || avrotest.Describe(&l.Table.Columns[i].Type) != want.typ {
			t.Errorf("%s: %x, %v; want %s: %x", avrotest.Describe(&l.Table.Columns[i].Type), got, err, want.typ, want.bytes)
		}
	}
}
