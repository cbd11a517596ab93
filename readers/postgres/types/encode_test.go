package types

import (
	"bytes"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"rdip/configs"
	"rdip/envelope"
	"rdip/readers/postgres/types/avrotest"
	"rdip/schema"
)

// defaultConfig is what a connector without a key about types has.
func defaultConfig() *Config {
	c := &Config{}
	c.Define(configs.NewDefinition("types"))
	return c
}

// Server text that no session with the pinned settings sends is refused, never read as something else.
func TestTextThatIsNotOfTheTypeIsRefused(t *testing.T) {
	cases := map[string]struct {
		encode envelope.ColumnEncoder
		texts  []string
	}{
		"bool":        {encodeBool, []string{"", "true", "1"}},
		"int2":        {integerEncoder(16), []string{"", "-", "32768", "-32769", "1.0", "+1", " 1"}},
		"int8":        {integerEncoder(64), []string{"9223372036854775808", "-9223372036854775809", "99999999999999999999"}},
		"float8":      {encodeFloat8, []string{"", "0x1p-2", "1_0", "1,5"}},
		"numeric":     {decimalEncoder(2), []string{"", "-", ".", "1e5", "1.234", "--1", "NaN"}},
		"money":       {moneyEncoder(2, 2), []string{"", "$", "$7", "1,00 €", "$1.234", "1.0.0", "$92233720368547758.09"}},
		"bytea":       {encodeBytea, []string{"", `\`, `\x0`, `\x0g`, `abc`, `\000`}},
		"bits":        {encodeBits, []string{"012", "x"}},
		"bit":         {encodeBit, []string{"2", "10"}},
		"date":        {encodeDate, []string{"", "02/29/2024", "2023-02-29", "2024-13-01", "0000-01-01", "2024-01-01 AD", "2024-1-1", "20240101"}},
		"time":        {timeEncoder(1), []string{"", "1:00:00", "24:00:00.000001", "23:60:00", "23:59:60", "12:00", "12:00:00."}},
		"timetz":      {encodeZonedTime, []string{"12:00:00", "12:00:00Z", "12:00:00+24", "12:00:00+1"}},
		"timestamp":   {timestampEncoder(1), []string{"", "2024-01-01", "2024-01-01T00:00:00", "Thu 29 Feb 12:00:00 2024", "2024-01-01 00:00:00+00"}},
		"timestamptz": {zonedTimestampEncoder(6), []string{"", "2024-01-01 00:00:00", "2024-01-01 00:00:00 UTC"}},
		"interval":    {intervalEncoder(false), []string{"", "P1Y", "1-2", "@ 1 year", "1 fortnight", "1 year 2", "1:2:3", "00:60:00"}},
		"array":       {arrayEncoder(encodeText, ',', 1, false), []string{"", "{", "}", "{a,}", "{,a}", `{"a}`, `{"a"b}`, "[0:1]{a,b}", "[0=:1]={a}", "{a}}", "x{a}"}},
		"point":       {encodePoint, []string{"", "(1)", "(,)", "1,2", "(1,2,3)"}},
		"geometry":    {encodeGeometry, []string{"", "01", "010100000000000000zz", "POINT(1 2)"}},
		"hstore":      {encodeHstore, []string{"a=>1", `"a"`, `"a"=>`, `"a"=>b`, `"a"=>"b",`, `"a"=>"b" , "c"=>"d"`, `"a`}},
		"vector":      {vectorEncoder(encodeFloat4), []string{"", "[]", "[1,]", "1,2", "[a]"}},
		"sparsevec":   {encodeSparseVector, []string{"", "{}", "{}/", "{1}/2", "{1:}/2", "{a:1}/2", "{1:1}/x", "{,}/2"}},
	}
	for name, more := range modesTexts {
		cases[name] = more
	}
	for name, c := range cases {
		for _, text := range c.texts {
			if got, err := c.encode(nil, []byte(text)); err == nil {
				t.Errorf("%s %q became %x", name, text, got)
			}
		}
	}
}

// An error never shows the value: it is row data.
func TestAnErrorDoesNotShowTheValue(t *testing.T) {
	for name, encode := range map[string]envelope.ColumnEncoder{"int4": integerEncoder(32), "date": encodeDate, "point": encodePoint} {
		if _, err := encode(nil, []byte("sesame")); err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var wrong malformed
	if _, err := encodeBool(nil, []byte("x")); !errors.As(err, &wrong) {
		t.Errorf("%v is not a malformed text", err)
	}
}

// money_out under lc_monetary C, and what older sessions may have.
func TestMoneyIsReadWithItsSignsAndSeparators(t *testing.T) {
	for text, unscaled := range map[string]string{
		"$1,234.56": "123456", "-$0.01": "-1", "($5.00)": "-500", "-$92,233,720,368,547,758.08": "-9223372036854775808",
	} {
		if got, err := moneyEncoder(2, 2)(nil, []byte(text)); err != nil || !bytes.Equal(got, avrotest.Decimal(unscaled)) {
			t.Errorf("%s: %x, %v", text, got, err)
		}
	}
}

// PostGIS and pgvector are not in every build of PostgreSQL; their text forms are.
func TestExtensionTypesAreFoundByNameAndExtension(t *testing.T) {
	m := newModes(defaultConfig(), false)
	ewkb := "0101000020E6100000000000000000F03F0000000000000040" // SRID=4326;POINT(1 2)
	wkb := []byte{1, 1, 0, 0, 0x20, 0xe6, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0x40}
	cases := []struct {
		extension, name, text, typ string
		want                       []byte
	}{
		{"postgis", "geometry", ewkb, "record Geometry", append(append(avrotest.Binary(wkb...), 2), avrotest.Long(4326)...)},
		{"postgis", "geography", "010700000000000000", "record Geography", append(avrotest.Binary(1, 7, 0, 0, 0, 0, 0, 0, 0), 0)},
		{"vector", "vector", "[1,-2.5]", "array double DoubleVector", slices.Concat(avrotest.Long(2), avrotest.Double(1), avrotest.Double(-2.5), avrotest.Long(0))},
		{"vector", "halfvec", "[0.5]", "array float FloatVector", slices.Concat(avrotest.Long(1), []byte{0, 0, 0, 0x3f}, avrotest.Long(0))},
		{"vector", "sparsevec", "{1:1.5,3:-2}/5", "record SparseDoubleVector", slices.Concat(avrotest.Long(5), avrotest.Long(2), avrotest.Long(1), avrotest.Double(1.5), avrotest.Long(3), avrotest.Double(-2), avrotest.Long(0))},
		{"vector", "sparsevec", "{}/3", "record SparseDoubleVector", slices.Concat(avrotest.Long(3), avrotest.Long(0))},
		{"isn", "isbn", "1-937985-01-4", "string", avrotest.Text("1-937985-01-4")},
		{"someone else's", "vector", "north", "string", avrotest.Text("north")},
	}
	for _, c := range cases {
		f := m.extensionForm(&Type{Name: c.name, Extension: c.extension})
		got, err := f.Encode(nil, []byte(c.text))
		if err != nil || !bytes.Equal(got, c.want) || avrotest.Describe(&f.Type) != c.typ {
			t.Errorf("%s of %s: %s %x, %v; want %s %x", c.name, c.extension, avrotest.Describe(&f.Type), got, err, c.typ, c.want)
		}
	}
}

// MicroDuration.durationMicros computes in doubles and cuts what is behind the point.
func TestIntervalsAreExactUnlessDebeziumsDoublesAreAskedFor(t *testing.T) {
	cases := []struct {
		text             string
		exact, asDoubles int64
	}{
		{"1 mon", 2629800000000, 2629800000000},
		{"-3 days +04:05:06.789", -3*86400000000 + 14706789000, -3*86400000000 + 14706789000},
		{"00:00:01.000001", 1000001, 1000000}, // (1 + 1/1e6) * 1e6 is 1000000.9999999999
		{"-00:00:00.000001", -1, -1},
	}
	for _, c := range cases {
		exact, err := intervalEncoder(false)(nil, []byte(c.text))
		if err != nil || !bytes.Equal(exact, avrotest.Long(c.exact)) {
			t.Errorf("%s: %x, %v", c.text, exact, err)
		}
		doubles, err := intervalEncoder(true)(nil, []byte(c.text))
		if err != nil || !bytes.Equal(doubles, avrotest.Long(c.asDoubles)) {
			t.Errorf("%s in doubles: %x, %v, want %x", c.text, doubles, err, avrotest.Long(c.asDoubles))
		}
	}
}

// From socket bytes to the record nothing is allocated a row; dst has room.
func TestEncodersAllocateNothing(t *testing.T) {
	cases := []struct {
		name   string
		encode envelope.ColumnEncoder
		text   string
	}{
		{"bool", encodeBool, "t"},
		{"int8", integerEncoder(64), "-9223372036854775808"},
		{"float4", encodeFloat4, "-3.4028235e+38"},
		{"float8", encodeFloat8, "-1.7976931348623157e+308"},
		{"numeric of 64 bits", decimalEncoder(2), "-12345678.90"},
		{"numeric of 128 bits", decimalEncoder(10), "1234567890123456789012345678.0123456789"},
		{"numeric of 600 digits", decimalEncoder(0), strings.Repeat("987654321", 66)},
		{"numeric without a scale", encodeVariableDecimal, "-1000.500"},
		{"money", moneyEncoder(2, 2), "-$1,234.56"},
		{"text", encodeText, strings.Repeat("x", 1000)},
		{"bytea", encodeBytea, `\x` + strings.Repeat("a5", 500)},
		{"bits", encodeBits, strings.Repeat("10", 40)},
		{"date", encodeDate, "4714-11-24 BC"},
		{"time", timeEncoder(1), "23:59:59.999999"},
		{"timetz", encodeZonedTime, "23:59:59.999999-11:30"},
		{"timestamp", timestampEncoder(1), "2024-02-29 12:34:56.123456"},
		{"timestamptz", zonedTimestampEncoder(6), "2024-02-29 12:34:56.123456+00"},
		{"interval", intervalEncoder(false), "-1 years -2 mons +3 days -04:05:06.789"},
		{"int4[]", arrayEncoder(integerEncoder(32), ',', 1, false), "{1,NULL,3}"},
		{"text[] with escapes", arrayEncoder(encodeText, ',', 1, false), `{"a\"b\\c",plain,"two words"}`},
		{"point", encodePoint, "(1.5,-2.25)"},
		{"hstore", encodeHstore, `"a"=>"1", "b"=>NULL`},
		{"vector", vectorEncoder(encodeFloat8), "[1,2.5,-3]"},
		{"geometry", encodeGeometry, "0101000020E6100000000000000000F03F0000000000000040"},
		{"int4[][]", arrayEncoder(integerEncoder(32), ',', 2, false), "{{1,NULL},{3,4}}"},
		{"numeric as a double", encodeNumericDouble, "-1234567890123456.789"},
		{"money as text", moneyTextEncoder(2), "-$1,234.56"},
		{"money as a double", moneyDoubleEncoder(2), "-$1,234.56"},
		{"money, rounded", moneyEncoder(0, 2), "-$1,234.56"},
		{"bytea in base64", byteaBase64Encoder(base64Standard), `\x` + strings.Repeat("a5", 500)},
		{"bytea in hex", encodeByteaHex, `\x` + strings.Repeat("a5", 500)},
		{"a text in base64", textBase64Encoder(base64URL), "(1,2)"},
		{"a text in hex", encodeTextHex, "(1,2)"},
		{"date in ISO 8601", encodeISODate, "4714-11-24 BC"},
		{"time in ISO 8601", encodeISOTime, "23:59:59.999999"},
		{"timestamp in ISO 8601", encodeISOTimestamp, "2024-02-29 12:34:56.123456"},
		{"time in nanoseconds", encodeNanoTime, "23:59:59.999999"},
		{"timestamp in nanoseconds", encodeNanoTimestamp, "2024-02-29 12:34:56.123456"},
		{"interval in ISO 8601", encodeISOInterval, "-1 years -2 mons +3 days -04:05:06.789"},
		{"hstore as a map", encodeHstoreMap, `"a"=>"1", "b\"x"=>NULL`},
	}
	for _, c := range cases {
		dst, wire := make([]byte, 0, 1<<13), []byte(c.text)
		var err error
		allocations := testing.AllocsPerRun(100, func() { _, err = c.encode(dst, wire) })
		if err != nil || allocations != 0 {
			t.Errorf("%s: %v allocations, %v", c.name, allocations, err)
		}
	}
}

// P4
func TestTheMarkerOfAnAbsentValueIsOfTheColumnsOwnType(t *testing.T) {
	m := newModes(defaultConfig(), false)
	number := func(item func(b byte) []byte) []byte {
		var items [][]byte
		for _, b := range []byte(Unavailable) {
			items = append(items, item(b))
		}
		return avrotest.Array(items...)
	}
	item := func(f Form) Form {
		return Form{Type: schema.Type{Kind: schema.Array, Items: &f.Type}, Encode: arrayEncoder(f.Encode, ',', 1, false), zero: "{}"}
	}
	cases := map[string]struct {
		form Form
		want []byte
	}{
		"text":      {m.builtinForm(25, -1), avrotest.Text(Unavailable)},
		"jsonb":     {m.builtinForm(3802, -1), avrotest.Text(Unavailable)},
		"bytea":     {m.builtinForm(17, -1), avrotest.Text(Unavailable)},
		"numeric":   {m.builtinForm(1700, -1), append(avrotest.Long(0), avrotest.Text(Unavailable)...)},
		"hstore":    {m.extensionForm(&Type{Extension: "hstore", Name: "hstore"}), avrotest.Text(`{"` + Unavailable + `":"` + Unavailable + `"}`)},
		"geometry":  {geometryForm("Geometry"), append(avrotest.Text(Unavailable), 0)},
		"text[]":    {item(m.builtinForm(25, -1)), avrotest.Array(avrotest.Text(Unavailable))},
		"bytea[]":   {item(m.builtinForm(17, -1)), avrotest.Array(avrotest.Text(Unavailable))},
		"int4[]":    {item(m.builtinForm(23, -1)), number(func(b byte) []byte { return avrotest.Long(int64(b)) })},
		"float8[]":  {item(m.builtinForm(701, -1)), number(func(b byte) []byte { return avrotest.Double(float64(b)) })},
		"uuid[]":    {item(m.builtinForm(2950, -1)), avrotest.Array(avrotest.Text("b68a35a7-17ad-35b3-af2a-ae46edb4545a"))},
		"boolean[]": {item(m.builtinForm(16, -1)), avrotest.Array(nil)},
	}
	for name, c := range cases {
		if got := c.form.absentValue(m.marker); !bytes.Equal(got, c.want) {
			t.Errorf("%s: %x, want %x", name, got, c.want)
		}
	}
}

func TestTheZeroOfATypeIsDebeziumsFallback(t *testing.T) {
	m := newModes(defaultConfig(), false)
	cases := map[string]struct {
		form Form
		want []byte
	}{
		"int8":        {m.builtinForm(20, -1), []byte{0}},
		"float8":      {m.builtinForm(701, -1), avrotest.Double(0)},
		"text":        {m.builtinForm(25, -1), avrotest.Text("")},
		"uuid":        {m.builtinForm(2950, -1), avrotest.Text("")},
		"bytea":       {m.builtinForm(17, -1), avrotest.Text("")},
		"bit(8)":      {m.builtinForm(1560, 8), avrotest.Text("")},
		"numeric":     {m.builtinForm(1700, -1), append(avrotest.Long(0), avrotest.Decimal("0")...)},
		"timestamptz": {m.builtinForm(1184, 3), avrotest.Text("1970-01-01T00:00:00Z")},
		"timetz":      {m.builtinForm(1266, -1), avrotest.Text("00:00:00Z")},
		"interval":    {m.builtinForm(1186, -1), avrotest.Long(0)},
		"point":       {m.builtinForm(600, -1), avrotest.Point(0, 0)},
		"hstore":      {m.extensionForm(&Type{Extension: "hstore", Name: "hstore"}), avrotest.Text("{}")},
		"vector":      {m.extensionForm(&Type{Extension: "vector", Name: "vector"}), []byte{0}},
		"geometry":    {geometryForm("Geometry"), append(avrotest.Binary(1, 7, 0, 0, 0, 0, 0, 0, 0), 0)},
		"enum":        {enumForm(&Type{Labels: []string{"a"}}), avrotest.Text("")},
	}
	for name, c := range cases {
		if got := c.form.Zero(); !bytes.Equal(got, c.want) {
			t.Errorf("%s: %x, want %x", name, got, c.want)
		}
	}
}

// P25: the lengths at which a sign needs a byte of its own, in 64 bits, 128 bits and beyond.
func TestDecimalsAreAsShortAsTheirSignAllows(t *testing.T) {
	for power := range uint(300) {
		edge := new(big.Int).Lsh(big.NewInt(1), power)
		for _, step := range []int64{-1, 0, 1} {
			n := new(big.Int).Add(edge, big.NewInt(step))
			for _, n := range []*big.Int{n, new(big.Int).Neg(n)} {
				got, err := decimalEncoder(0)(nil, []byte(n.String()))
				if err != nil || !bytes.Equal(got, avrotest.Binary(avrotest.JavaBytes(n)...)) {
					t.Fatalf("%s: %x, %v, want %x", n, got, err, avrotest.JavaBytes(n))
				}
			}
		}
	}
}

// The largest numeric has 131,072 digits before the point and 16,383 behind it.
func TestTheLargestNumericIsHeld(t *testing.T) {
	digits := strings.Repeat("9", 131072) + strings.Repeat("7", 16383)
	want, _ := new(big.Int).SetString("-"+digits, 10)
	got, err := encodeVariableDecimal(nil, []byte("-"+digits[:131072]+"."+digits[131072:]))
	if err != nil || !bytes.Equal(got, append(avrotest.Long(16383), avrotest.Binary(avrotest.JavaBytes(want)...)...)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
