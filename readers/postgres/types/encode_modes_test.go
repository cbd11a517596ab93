package types

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/readers/postgres/types/avrotest"
	"rdip/schema"
)

// modesTexts are texts that the encoders of the modes refuse.
var modesTexts = map[string]struct {
	encode envelope.ColumnEncoder
	texts  []string
}{
	"numeric as a double":  {encodeNumericDouble, []string{"", "x", "1e", "0x1p-2", "inf", "nan", "1_0"}},
	"money as text":        {moneyTextEncoder(2), []string{"", "$1", "1,00 €"}},
	"money as a double":    {moneyDoubleEncoder(2), []string{"", "$1", "1,00 €"}},
	"bytea in base64":      {byteaBase64Encoder(base64Standard), []string{"", `\x0`, `\x0g`, `\000`}},
	"bytea in hex":         {encodeByteaHex, []string{"", `\x0`, `\x0g`, `\000`}},
	"date in ISO 8601":     {encodeISODate, []string{"", "2024-13-01", "02/29/2024"}},
	"time in ISO 8601":     {encodeISOTime, []string{"", "25:00:00"}},
	"timestamp, ISO 8601":  {encodeISOTimestamp, []string{"", "2024-01-01"}},
	"time in nanoseconds":  {encodeNanoTime, []string{"", "25:00:00"}},
	"timestamp in nanos":   {encodeNanoTimestamp, []string{"", "2024-01-01", "1677-09-21 23:59:59.999999", "2262-04-11 00:00:00"}},
	"interval in ISO 8601": {encodeISOInterval, []string{"", "P1Y", "1-2", "00:60:00"}},
	"hstore as a map":      {encodeHstoreMap, []string{"a=>1", `"a"`, `"a"=>`, `"a"=>b`, `"a"=>"b",`, `"a"=>"b" , "c"=>"d"`, `"a`}},
	"an array of arrays":   {arrayEncoder(encodeText, ',', 2, false), []string{"", "{{}}", "{{a}", "{{a}}}", "{{a},}", "{,{a}}", `{{"a}}`, "{a}", "{{{a}}}", "{{a}{b}}", "[0:0][1:1]={{a}}"}},
}

// Each mode's values, as Debezium's converters have them; where Debezium loses something, docs/TYPES.md says so.
func TestEachModeHasItsOwnFormOfAValue(t *testing.T) {
	cases := []struct {
		name   string
		encode envelope.ColumnEncoder
		text   string
		want   []byte
	}{
		// P25
		{"numeric as a double", encodeNumericDouble, "1234567890.123456789", avrotest.Double(1234567890.123456789)},
		{"numeric as a double", encodeNumericDouble, "-0.00", avrotest.Double(math.Copysign(0, -1))},
		{"numeric as a double", encodeNumericDouble, "NaN", []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}},
		{"numeric as a double", encodeNumericDouble, "-Infinity", avrotest.Double(math.Inf(-1))},
		{"money as text", moneyTextEncoder(2), "-$92,233,720,368,547,758.08", avrotest.Text("-92233720368547758.08")},
		{"money as text", moneyTextEncoder(2), "$0.05", avrotest.Text("0.05")},
		{"money as a double", moneyDoubleEncoder(2), "-$1,234.50", avrotest.Double(-1234.5)},
		{"money of no digits", moneyEncoder(0, 2), "$1.50", avrotest.Decimal("2")},
		{"money of no digits", moneyEncoder(0, 2), "-$1.49", avrotest.Decimal("-1")},
		{"money of one digit", moneyEncoder(1, 2), "$9.95", avrotest.Decimal("100")},
		{"money of four digits", moneyEncoder(4, 2), "-$1.25", avrotest.Decimal("-12500")},
		{"money without digits at the source", moneyEncoder(2, 0), "-$12.34", avrotest.Decimal("-123400")},
		{"money of three digits at the source", moneyEncoder(2, 3), "$12.35", avrotest.Decimal("124")},
		{"money of ten digits at the source", moneyEncoder(0, 10), "$92,233,720,368,547,758.07", avrotest.Decimal("922337204")},
		{"money without digits as text", moneyTextEncoder(0), "-$12.34", avrotest.Text("-1234")},
		{"money of three digits as text", moneyTextEncoder(3), "$0.05", avrotest.Text("0.005")},
		{"money of three digits as a double", moneyDoubleEncoder(3), "-$12.34", avrotest.Double(-1.234)},
		{"money of 18 digits", moneyEncoder(18, 2), "-$92,233,720,368,547,758.08", avrotest.Decimal("-92233720368547758080000000000000000")},
		// P26, P27
		{"date in ISO 8601", encodeISODate, "0044-03-15 BC", avrotest.Text("-0043-03-15Z")},
		{"date in ISO 8601", encodeISODate, "5874897-12-31", avrotest.Text("+5874897-12-31Z")},
		{"date in ISO 8601", encodeISODate, "-infinity", avrotest.Text("-infinity")},
		{"time in ISO 8601", encodeISOTime, "12:34:56.120000", avrotest.Text("12:34:56.12Z")},
		{"time in ISO 8601", encodeISOTime, "24:00:00", avrotest.Text("24:00:00Z")},
		{"timestamp in ISO 8601", encodeISOTimestamp, "2024-02-29 12:34:56.5", avrotest.Text("2024-02-29T12:34:56.5Z")},
		{"timestamp in ISO 8601", encodeISOTimestamp, "294276-12-31 23:59:59.999999", avrotest.Text("+294276-12-31T23:59:59.999999Z")},
		{"timestamp in ISO 8601", encodeISOTimestamp, "infinity", avrotest.Text("infinity")},
		{"time in nanoseconds", encodeNanoTime, "24:00:00", avrotest.Long(86400000000000)},
		{"timestamp in nanoseconds", encodeNanoTimestamp, "1969-12-31 23:59:59.999999", avrotest.Long(-1000)},
		{"timestamp in nanoseconds", encodeNanoTimestamp, "1677-09-22 00:00:00", avrotest.Long(-9223286400000000000)},
		{"timestamp in nanoseconds", encodeNanoTimestamp, "2262-04-10 23:59:59.999999", avrotest.Long(9223286399999999000)},
		{"timestamp in nanoseconds", encodeNanoTimestamp, "infinity", avrotest.Long(math.MaxInt64)},
		{"timestamp in nanoseconds", encodeNanoTimestamp, "-infinity", avrotest.Long(math.MinInt64)},
		// P28
		{"interval in ISO 8601", encodeISOInterval, "1 year 2 mons 3 days 04:05:06.78", avrotest.Text("P1Y2M3DT4H5M6.78S")},
		{"interval in ISO 8601", encodeISOInterval, "-1 years -2 mons +3 days -04:05:06.789", avrotest.Text("P-1Y-2M3DT-4H-5M-6.789S")},
		{"interval in ISO 8601", encodeISOInterval, "-00:00:00.000001", avrotest.Text("P0Y0M0DT0H0M-0.000001S")},
		{"interval in ISO 8601", encodeISOInterval, "00:00:00", avrotest.Text("P0Y0M0DT0H0M0S")},
		{"interval in ISO 8601", encodeISOInterval, "178956970 years 7 mons 2147483647 days 2562047788:00:54.775807", avrotest.Text("P178956970Y7M2147483647DT2562047788H0M54.775807S")},
		{"interval in ISO 8601", encodeISOInterval, "-2562047788:00:54.775808", avrotest.Text("P0Y0M0DT-2562047788H0M-54.775808S")},
		{"interval in ISO 8601", encodeISOInterval, "-infinity", avrotest.Text("-infinity")},
		// P23
		{"hstore as a map", encodeHstoreMap, `"a"=>"1", "k\"1"=>"v\\", "n"=>NULL`, slices.Concat(avrotest.Long(3),
			avrotest.Text("a"), []byte{2}, avrotest.Text("1"), avrotest.Text(`k"1`), []byte{2}, avrotest.Text(`v\`), avrotest.Text("n"), []byte{0}, []byte{0})},
		{"hstore as a map", encodeHstoreMap, "", []byte{0}},
		// P30
		{"bytea in hex", encodeByteaHex, `\x00ff`, avrotest.Text("00ff")},
		{"bytea in base64", byteaBase64Encoder(base64Standard), `\xfbff`, avrotest.Text("+/8=")},
		{"bytea in URL-safe base64", byteaBase64Encoder(base64URL), `\xfbff`, avrotest.Text("-_8=")},
		{"bytea in base64", byteaBase64Encoder(base64Standard), `\x`, avrotest.Text("")},
		{"a text in base64", textBase64Encoder(base64Standard), "(1,é)", avrotest.Text("KDEsw6kp")},
		{"a text in hex", encodeTextHex, "é", avrotest.Text("c3a9")},
	}
	for _, c := range cases {
		got, err := c.encode([]byte("before"), []byte(c.text))
		if err != nil || !bytes.Equal(got, append([]byte("before"), c.want...)) {
			t.Errorf("%s: %s became %q, %v; want %q", c.name, c.text, got, err, c.want)
		}
	}
}

// P25: what the mode cannot hold is refused with the mode that can.
func TestARefusedValueNamesTheModeThatHoldsIt(t *testing.T) {
	for name, c := range map[string]struct {
		encode envelope.ColumnEncoder
		text   string
		hint   string
	}{
		"NaN under precise":               {encodeVariableDecimal, "NaN", "decimal.handling.mode: string, or decimal.handling.mode: double"},
		"infinity under precise":          {decimalEncoder(2), "Infinity", "decimal.handling.mode: string"},
		"a numeric beyond a double":       {encodeNumericDouble, "1" + strings.Repeat("0", 400), "decimal.handling.mode: string"},
		"a timestamp beyond nanoseconds":  {encodeNanoTimestamp, "3000-01-01 00:00:00", "time.precision.mode: microseconds"},
		"an interval beyond microseconds": {intervalEncoder(false), "178000000 years", "interval.handling.mode: string"},
		"a sparsevec beyond 16 bits":      {encodeSparseVector, "{40000:1}/40000", "change the row"},
		"lower bounds":                    {arrayEncoder(encodeText, ',', 1, false), "[0:0]={a}", "array.handling.mode: text"},
		"another number of dimensions":    {arrayEncoder(encodeText, ',', 1, false), "{{a}}", "array.handling.mode: text"},
	} {
		_, err := c.encode(nil, []byte(c.text))
		var f *fault.Error
		if !errors.As(err, &f) || !f.Permanent || !strings.Contains(f.Hint, c.hint) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHexadecimalAndBase64AreWhatTheLibrarySays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		digits := hex.EncodeToString(raw)
		for _, c := range []struct {
			encode envelope.ColumnEncoder
			wire   string
			want   string
		}{
			{encodeByteaHex, `\x` + digits, digits},
			{byteaBase64Encoder(base64Standard), `\x` + digits, base64.StdEncoding.EncodeToString(raw)},
			{byteaBase64Encoder(base64URL), `\x` + digits, base64.URLEncoding.EncodeToString(raw)},
			{encodeTextHex, string(raw), digits},
			{textBase64Encoder(base64Standard), string(raw), base64.StdEncoding.EncodeToString(raw)},
		} {
			if got, err := c.encode([]byte("before"), []byte(c.wire)); err != nil || !bytes.Equal(got, append([]byte("before"), avrotest.Text(c.want)...)) {
				t.Fatalf("%s: %q, %v; want %q", c.wire, got, err, c.want)
			}
		}
	})
}

// P28: money is exact in every scale, and rounded half away from zero below two digits.
func TestMoneyIsRoundedHalfAwayFromZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hundredths := rapid.Int64().Draw(t, "hundredths")
		scale := rapid.IntRange(0, 18).Draw(t, "scale")
		want := new(big.Rat).SetFrac(big.NewInt(hundredths), big.NewInt(100))
		rounded, _ := new(big.Int).SetString(strings.Replace(want.FloatString(scale), ".", "", 1), 10)
		text := "$" + new(big.Rat).Abs(want).FloatString(2)
		if hundredths < 0 {
			text = "-" + text
		}
		got, err := moneyEncoder(scale, 2)(nil, []byte(text))
		if err != nil || !bytes.Equal(got, avrotest.Binary(avrotest.JavaBytes(rounded)...)) {
			t.Fatalf("%s with scale %d: %x, %v; want %s", text, scale, got, err, rounded)
		}
	})
}

// P4
func TestThePlaceholderIsTheConfiguredOne(t *testing.T) {
	cfg := defaultConfig()
	cfg.Placeholder = "hex:6eff"
	cfg.Hstore = HstoreMap
	m := newModes(cfg, false)
	array := func(f Form, dimensions int) *schema.Type {
		typ := arrayType(&f.Type, dimensions)
		return &typ
	}
	for name, c := range map[string]struct{ got, want []byte }{
		"bytes keep the octets":              {m.marker.of(&schema.Type{Kind: schema.Bytes}), avrotest.Binary(0x6e, 0xff)},
		"a text is Java's String of them":    {m.marker.of(&schema.Type{Kind: schema.String}), avrotest.Text("n\uFFFD")},
		"numbers have the bytes' signs":      {m.marker.of(array(m.builtinForm(23, -1), 1)), avrotest.Array(avrotest.Long(0x6e), avrotest.Long(-1))},
		"a map has one entry":                {m.hstoreForm().absent, slices.Concat(avrotest.Long(1), avrotest.Text("n\uFFFD"), []byte{2}, avrotest.Text("n\uFFFD"), []byte{0})},
		"an array of arrays has one of them": {m.marker.of(array(m.builtinForm(25, -1), 2)), avrotest.Arrays(avrotest.Array(avrotest.Text("n\uFFFD")))},
	} {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%s: %x, want %x", name, c.got, c.want)
		}
	}
	for text, ok := range map[string]bool{"x": true, "hex:00": true, "hex:": false, "hex:0": false, "hex:zz": false, "": false} {
		if err := checkPlaceholder(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
