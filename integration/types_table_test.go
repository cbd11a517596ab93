package integration

import (
	"slices"
	"strings"
)

// typeRow is a type and a value of it, which docs/TYPES.md shows as an example.
type typeRow struct {
	sql     string // the column's type
	literal string // an expression
}

// typesSQL makes what the types below need.
const typesSQL = `CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE EXTENSION isn;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE TYPE pair AS (a int, b text); CREATE DOMAIN price AS numeric(8,3); CREATE DOMAIN matrix AS float8[][];`

// documented are the types of docs/TYPES.md, in its order.
var documented = []typeRow{
	{"boolean", "true"}, {"smallint", "-7"}, {"integer", "42"}, {"bigint", "9007199254740993"}, {"oid", "4294967295"},
	{"real", "1.5"}, {"double precision", "0.1"},
	{"numeric(10,2)", "1234.50"}, {"numeric(5,-2)", "12300"}, {"numeric", "1.50"}, {"money", "'12.34'"},
	{"char(5)", "'ab'"}, {"varchar(20)", "'héllo'"}, {"text", "'héllo'"}, {`"char"`, "'x'"}, {"name", "'n'"}, {"citext", "'MiXed'"},
	{"bytea", `'\x00ff'`}, {"bit(1)", "B'1'"}, {"bit(10)", "B'0100000001'"}, {"bit varying(9)", "B'110'"}, {"bit varying", "B'110'"},
	{"date", "'2024-02-29'"}, {"time", "'12:34:56.789012'"}, {"time(3)", "'12:34:56.789'"}, {"timestamp", "'2024-02-29 12:34:56.789012'"}, {"timestamp(3)", "'2024-02-29 12:34:56.789'"},
	{"timestamptz", "'2024-02-29 12:34:56.5+02'"}, {"timestamptz(0)", "'2024-02-29 12:34:56+02'"}, {"timetz", "'12:34:56.5+02'"}, {"interval", "'1 mon 2 days 00:00:03'"},
	{"uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"}, {"json", `'{"a" : 1}'`}, {"jsonb", `'{"a":1.50}'`}, {"xml", "'<a/>'"}, {"jsonpath", "'$.a'"},
	{"inet", "'192.168.0.1/24'"}, {"cidr", "'10.0.0.0/8'"}, {"macaddr", "'08:00:2b:01:02:03'"}, {"macaddr8", "'08:00:2b:01:02:03:04:05'"},
	{"tsvector", "'fat cat'"}, {"tsquery", "'fat & cat'"}, {"ltree", "'a.b'"}, {"hstore", "'a=>1, b=>NULL'"}, {"isbn", "'978-0-393-04002-9'"},
	{"mood", "'ok'"}, {"price", "12.5"}, {"pair", `'(1,"x y")'`},
	{"matrix", "'{{1.5,2}}'"}, {"int4range", "'[1,5]'"}, {"int8range", "'[1,5)'"}, {"numrange", "'[1.5,)'"}, {"tsrange", "'[2024-01-01 00:00,)'"}, {"tstzrange", "'[2024-01-01 00:00+00,)'"}, {"daterange", "'[2024-01-01,2024-02-01)'"},
	{"int4multirange", "'{[1,3),[5,7)}'"},
	{"point", "'(1.5,-2)'"}, {"line", "'{1,2,3}'"}, {"lseg", "'[(0,0),(1,1)]'"}, {"box", "'(1,1),(0,0)'"}, {"path", "'((0,0),(1,1))'"}, {"polygon", "'((0,0),(1,1),(1,0))'"}, {"circle", "'<(0,0),1>'"},
	{"pg_lsn", "'16/B374D848'"}, {"xid", "'7'"}, {"regclass", "'pg_class'"},
	{"integer[]", "'{1,NULL,3}'"}, {"text[]", `'{a,"b c",NULL}'`}, {"numeric(6,2)[]", "'{1.5}'"}, {"numeric[]", "'{1.50}'"}, {"timestamptz[]", "'{2024-02-29 12:34:56+00}'"}, {"time[]", "'{12:34:56.789012}'"}, {"date[]", "'{2024-02-29}'"},
	{"uuid[]", "'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'"}, {"jsonb[]", `ARRAY['{"a":1}'::jsonb]`}, {"bytea[]", `ARRAY['\x00ff'::bytea]`}, {"mood[]", "'{sad,ok}'"}, {"hstore[]", "ARRAY['a=>1'::hstore]"},
	{"integer[][]", "'{{1,2},{NULL,4}}'"}, {"text[][][]", `'{{{a,"b c"}},{{NULL,d}}}'`},
	{"money[]", "'{1.25}'"}, {"interval[]", "'{1 day}'"}, {"point[]", `'{"(1,2)"}'`}, {"name[]", "'{n}'"}, {"xml[]", "ARRAY['<a/>'::xml]"}, {"bit(3)[]", "'{101}'"}, {"pair[]", "ARRAY['(1,a)'::pair]"},
}

// flattened is the rows as compatibility: debezium can hold them: its arrays have one dimension, or none.
func flattened(rows []typeRow) []typeRow {
	out := slices.Clone(rows)
	for i, r := range out {
		if strings.HasSuffix(r.sql, "[][]") || r.sql == "matrix" {
			out[i].literal = "'{}'"
		}
	}
	return out
}

// extensionsSQL makes what the types below need, on the server that has PostGIS and pgvector.
const extensionsSQL = `CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis; CREATE SCHEMA ai; CREATE EXTENSION vector SCHEMA ai;`

// extensions are the types of PostGIS and pgvector, in other schemas than public.
var extensions = []typeRow{
	{"gis.geometry", "gis.ST_GeomFromText('POINT(1 2)')"}, {"gis.geometry(Point,4326)", "gis.ST_SetSRID(gis.ST_Point(1, 2), 4326)"},
	{"gis.geography", "gis.ST_GeogFromText('POINT(1 2)')"}, {"gis.geometry[]", "ARRAY[gis.ST_Point(1, 2), NULL]"},
	{"gis.box2d", "'BOX(0 0,1 1)'"}, {"ai.vector(3)", "'[1,-2.5,0.1]'"}, {"ai.halfvec(2)", "'[0.5,2]'"}, {"ai.sparsevec(5)", "'{1:1.5,3:-2}/5'"}, {"ai.vector[]", "ARRAY['[1,2]'::ai.vector]"},
}

// extremeExtensions are more values of them, for the comparison of snapshot and stream only.
var extremeExtensions = []typeRow{
	{"gis.geometry", "gis.ST_GeomFromText('POLYGON EMPTY')"}, {"gis.geometry", "gis.ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0 0, 1 1))', 3857)"},
	{"gis.geometry(PointZM)", "gis.ST_GeomFromText('POINT ZM(1 2 3 4)')"}, {"gis.geometry", "gis.ST_Buffer(gis.ST_Point(0, 0), 1, 200)"}, {"gis.geography(Polygon)", "gis.ST_GeogFromText('POLYGON((0 0,0 1,1 1,0 0))')"},
	{"gis.geometry", "gis.ST_GeomFromText('POINT(NaN NaN)')"}, {"gis.box3d", "'BOX3D(0 0 0,1 1 1)'"},
	{"ai.vector(2000)", "(SELECT array_agg(i * 0.37)::real[]::ai.vector FROM generate_series(1, 2000) i)"}, {"ai.halfvec", "'[65504,-6e-8]'"}, {"ai.sparsevec(32767)", "'{32767:1}/32767'"}, {"ai.sparsevec(3)", "'{}/3'"}, {"ai.vector", "'[3.4028235e38,-1e-45]'"},
}

// modeSet is keys that one connector is told, and what they change. Extremes are for the comparison of snapshot and
// stream only.
type modeSet struct {
	options  []string // of the connector: keys and values
	rows     []modeRow
	extremes []typeRow
}

// modeRow is an example of a key's value.
type modeRow struct {
	mode string // the key and its value
	typeRow
}

// modeSets has each mode that is not the default.
var modeSets = []modeSet{
	{
		options: []string{"decimal.handling.mode", "string", "time.precision.mode", "isostring", "binary.handling.mode", "base64", "interval.handling.mode", "string", "hstore.handling.mode", "map", "array.handling.mode", "text"},
		rows: []modeRow{
			{"decimal.handling.mode: string", typeRow{"numeric(10,2)", "1234.5"}}, {"decimal.handling.mode: string", typeRow{"numeric", "'NaN'"}}, {"decimal.handling.mode: string", typeRow{"money", "'-1234.5'"}},
			{"time.precision.mode: isostring", typeRow{"date", "'2024-02-29'"}}, {"time.precision.mode: isostring", typeRow{"time", "'12:34:56.78'"}}, {"time.precision.mode: isostring", typeRow{"timestamp", "'2024-02-29 12:34:56.78'"}}, {"time.precision.mode: isostring", typeRow{"timestamp", "'-infinity'"}},
			{"binary.handling.mode: base64", typeRow{"bytea", `'\xfbff'`}}, {"interval.handling.mode: string", typeRow{"interval", "'1 year 2 mons -3 days 04:05:06.78'"}}, {"hstore.handling.mode: map", typeRow{"hstore", "'a=>1, b=>NULL'"}},
			{"array.handling.mode: text", typeRow{"integer[]", "'{1,NULL}'"}}, {"array.handling.mode: text", typeRow{"integer[][]", "'[0:1][-1:-1]={{1},{2}}'"}},
		},
		extremes: []typeRow{
			{"numeric", "1e400"}, {"numeric(3,2)", "'NaN'"}, {"numeric", "'Infinity'"}, {"numeric(5,-2)", "12300"}, {"numeric", "-0.000"}, {"money", "'-92233720368547758.08'"},
			{"date", "'infinity'"}, {"date", "'4714-11-24 BC'"}, {"date", "'5874897-12-31'"}, {"time", "'24:00:00'"}, {"timestamp", "'294276-12-31 23:59:59.999999'"}, {"timestamp", "'4714-11-24 00:00:00 BC'"},
			{"interval", "'178000000 years -178000000 days 1 microsecond'"}, {"interval", "'0'"}, {"bytea", "decode(repeat('5c', 9000), 'hex')"}, {"bytea", "''"}, {"hstore", `'"k\"1"=>"v\\"'`}, {"hstore", "''"},
			{"numeric[]", "'{NaN,1.50}'"}, {"text[]", `'{{{a,"}"}}}'`}, {"interval[]", "'{1 day}'"}, {"box[]", "'{(1,1),(0,0);(2,2),(0,0)}'"}, {"timetz", "'24:00:00+02'"}, {"timestamptz", "'infinity'"},
		},
	},
	{
		options: []string{"decimal.handling.mode", "double", "time.precision.mode", "connect", "binary.handling.mode", "base64-url-safe"},
		rows: []modeRow{
			{"decimal.handling.mode: double", typeRow{"numeric(10,2)", "1234.5"}}, {"decimal.handling.mode: double", typeRow{"money", "'-1234.5'"}},
			{"time.precision.mode: connect", typeRow{"date", "'2024-02-29'"}}, {"time.precision.mode: connect", typeRow{"time", "'12:34:56.789012'"}}, {"time.precision.mode: connect", typeRow{"timestamp", "'2024-02-29 12:34:56.789012'"}},
			{"binary.handling.mode: base64-url-safe", typeRow{"bytea", `'\xfbff'`}},
		},
		extremes: []typeRow{
			{"numeric", "'NaN'"}, {"numeric", "'-Infinity'"}, {"numeric", "1e308"}, {"numeric", "1e-400"}, {"numeric(40,20)", "-12345678901234567890.12345678901234567890"}, {"money", "'92233720368547758.07'"},
			{"date", "'-infinity'"}, {"time", "'24:00:00'"}, {"timestamp", "'infinity'"}, {"timestamp", "'294276-12-31 23:59:59.999999'"}, {"timestamp", "'1969-12-31 23:59:59.999999'"}, {"numeric[]", "'{NaN,1.50}'"}, {"time[]", "'{00:00:00.0009}'"},
		},
	},
	{
		options: []string{"time.precision.mode", "nanoseconds", "binary.handling.mode", "hex", "money.fraction.digits", "4"},
		rows: []modeRow{
			{"time.precision.mode: nanoseconds", typeRow{"time(3)", "'12:34:56.789'"}}, {"time.precision.mode: nanoseconds", typeRow{"timestamp(3)", "'2024-02-29 12:34:56.789'"}},
			{"binary.handling.mode: hex", typeRow{"bytea", `'\xfbff'`}}, {"money.fraction.digits: 4", typeRow{"money", "'-1234.5'"}},
		},
		extremes: []typeRow{{"date", "'infinity'"}, {"time", "'24:00:00'"}, {"timestamp", "'infinity'"}, {"timestamp", "'-infinity'"}, {"timestamp", "'1677-09-22 00:00:00'"}, {"timestamp", "'2262-04-10 23:59:59.999999'"}, {"bytea", "''"}},
	},
	{
		options: []string{"time.precision.mode", "microseconds", "money.fraction.digits", "0"},
		rows: []modeRow{
			{"time.precision.mode: microseconds", typeRow{"time(3)", "'12:34:56.789'"}}, {"time.precision.mode: microseconds", typeRow{"timestamp(3)", "'2024-02-29 12:34:56.789'"}},
			{"money.fraction.digits: 0", typeRow{"money", "'-1234.5'"}},
		},
		extremes: []typeRow{{"timestamp(0)", "'infinity'"}, {"timestamp(0)", "'4714-11-24 00:00:00 BC'"}, {"time(0)", "'24:00:00'"}},
	},
	{
		options: []string{"time.precision.mode", "adaptive_time_microseconds"},
		rows: []modeRow{
			{"time.precision.mode: adaptive_time_microseconds", typeRow{"time(3)", "'12:34:56.789'"}}, {"time.precision.mode: adaptive_time_microseconds", typeRow{"timestamp(3)", "'2024-02-29 12:34:56.789'"}},
		},
	},
	{
		options:  []string{"compatibility", "debezium", "include.unknown.datatypes", "true"},
		rows:     []modeRow{{"include.unknown.datatypes: true ²", typeRow{"pair", `'(1,"x y")'`}}},
		extremes: []typeRow{{"tsquery", "'fat & cat'"}, {"xid", "'7'"}},
	},
}

// all is the set's examples and extremes.
func (s *modeSet) all() []typeRow {
	var rows []typeRow
	for _, r := range s.rows {
		rows = append(rows, r.typeRow)
	}
	return append(rows, s.extremes...)
}

// extremes are more values, for the comparison of snapshot and stream only.
var extremes = []typeRow{
	{"smallint", "-32768"}, {"bigint", "-9223372036854775808"}, {"real", "'NaN'"}, {"real", "'-0'"}, {"double precision", "'-Infinity'"}, {"double precision", "0.1::float8 + 0.2"},
	{"numeric(38,0)", "99999999999999999999999999999999999999"}, {"numeric", "1e200"}, {"numeric", "-1e-300"}, {"numeric(2,5)", "0.00012"}, {"money", "'-92233720368547758.08'"},
	{"date", "'infinity'"}, {"date", "'-infinity'"}, {"date", "'4714-11-24 BC'"}, {"date", "'5874897-12-31'"},
	{"timestamp", "'infinity'"}, {"timestamp", "'4714-11-24 00:00:00 BC'"}, {"timestamp(3)", "'294276-12-31 23:59:59.999'"}, {"timestamp(3)", "'-infinity'"},
	{"timestamptz", "'infinity'"}, {"timestamptz", "'0044-03-15 12:00:00.5+00 BC'"}, {"timestamptz(0)", "'10000-01-01 00:00:00+00'"}, {"timestamptz(1)", "'2024-02-29 23:30:00.25-05:45'"},
	{"time", "'24:00:00'"}, {"timetz", "'24:00:00+02'"}, {"timetz", "'01:02:03.040+05:53:28'"},
	{"interval", "'-1 year -2 mons +3 days -04:05:06.789'"}, {"interval", "'00:00:00.000001'"}, {"interval(0)", "'4.5 seconds'"}, {"interval year to month", "'1-2'"},
	{"bit(5)", "B'00000'"}, {"bit varying(1)", "B''"}, {"text", `E'a\tb\nc\\d\r\x01'`}, {"text", "''"}, {"text", `'\N'`}, {"text", "repeat('long ', 30000)"}, {"bytea", `'\x'`}, {"bytea", "decode(repeat('5c', 9000), 'hex')"},
	{"jsonb", `'{"a":"\u00e9\\","b":[1e400,null]}'`}, {"json", `E'{"a":\n\t"x"}'`}, {"hstore", `'"k\"1"=>"v\\"'`}, {"xml", "'<a>&amp;é</a>'"}, {"char(3)", "' '"},
	{"integer[]", "'{}'"}, {"integer[][]", "'{}'"}, {"box[][]", "'{{(1,1),(0,0);(2,2),(0,0)}}'"}, {"text[]", `ARRAY[E'a"b\\c\n', 'NULL', '', 'x,y', '{z}', NULL]`}, {"timestamp[]", "'{infinity,NULL}'"}, {"box[]", "'{(1,1),(0,0);(2,2),(0,0)}'"}, {"float8[]", "'{NaN,-0,1e-300}'"}, {"price[]", "'{1}'"},
	{"inet", "'::ffff:1.2.3.4'"}, {"tsvector", `'''a b'':1A,2 c'`}, {"int2vector", "'1 2'"}, {"numrange", "'empty'"}, {"datemultirange", "'{}'"}, {"point", "'(NaN,Infinity)'"},
}
