package decode

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"
)

func number(name string, n int64) Value {
	return Value{Type: &Type{Kind: Long, Name: name}, Int: n}
}

func str(s string) Value { return Value{Type: &Type{Kind: String}, Raw: []byte(s)} }

func raw(name string, scale, length int, digits string) Value {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	return Value{Type: &Type{Kind: Bytes, Name: name, Scale: scale, Length: length}, Raw: b}
}

func array(items ...Value) Value { return Value{Type: &Type{Kind: Array}, Items: items} }

func TestValuesReadAsPeopleWriteThem(t *testing.T) {
	for name, c := range map[string]struct {
		value Value
		want  string
	}{
		"null":                              {Value{Type: nullType}, "null"},
		"a leap day":                        {number("io.debezium.time.Date", 19782), "2024-02-29"},
		"the day before year 1":             {number("io.debezium.time.Date", -719163), "0001-12-31 BC"},
		"PostgreSQL's last date":            {number("io.debezium.time.Date", 2145042905), "5874897-12-31"},
		"a number that no date has":         {number("io.debezium.time.Date", math.MaxInt64), "9223372036854775807 days since 1970-01-01"},
		"midnight at the end of the day":    {number("io.debezium.time.MicroTime", 86_400_000_000), "24:00:00"},
		"a time in milliseconds":            {number("io.debezium.time.Time", 45_296_789), "12:34:56.789"},
		"a time in nanoseconds":             {number("io.debezium.time.NanoTime", 1), "00:00:00.000000001"},
		"a time before midnight":            {number("io.debezium.time.MicroTime", -1_500_000), "-00:00:01.5"},
		"the least time there can be":       {number("io.debezium.time.NanoTime", math.MinInt64), "-2562047:47:16.854775807"},
		"a timestamp in milliseconds":       {number("io.debezium.time.Timestamp", 1709210096789), "2024-02-29 12:34:56.789"},
		"a timestamp in microseconds":       {number("io.debezium.time.MicroTimestamp", 1709210096123456), "2024-02-29 12:34:56.123456"},
		"a timestamp before the epoch":      {number("io.debezium.time.MicroTimestamp", -1), "1969-12-31 23:59:59.999999"},
		"a timestamp before year 1":         {number("io.debezium.time.Timestamp", -62_135_596_800_001), "0001-12-31 23:59:59.999 BC"},
		"an infinite timestamp":             {number("io.debezium.time.MicroTimestamp", 9223372036825200000), "infinity"},
		"an infinite timestamp in ms":       {number("io.debezium.time.Timestamp", 9223372036825200), "infinity"},
		"a negative infinite one in ms":     {number("io.debezium.time.Timestamp", -9223372036832400), "-infinity"},
		"an infinite date":                  {number("io.debezium.time.Date", -2147472692), "infinity"}, // P26
		"a negative infinite date":          {number("io.debezium.time.Date", -2147472691), "-infinity"},
		"a negative infinite timestamp":     {number("io.debezium.time.MicroTimestamp", -9223372036832400000), "-infinity"},
		"a duration":                        {number("io.debezium.time.MicroDuration", 93_784_500_000), "1d 02:03:04.5"},
		"a negative duration":               {number("io.debezium.time.MicroDuration", -86_400_000_000), "-1d"},
		"a decimal":                         {raw(decimalName, 2, 0, "3039"), "123.45"},
		"a small negative decimal":          {raw(decimalName, 2, 0, "fb"), "-0.05"},
		"a decimal of scale 0":              {raw(decimalName, 0, 0, "3039"), "12345"},
		"a decimal of negative scale":       {raw(decimalName, -2, 0, "3039"), "1234500"},
		"an empty decimal":                  {raw(decimalName, 2, 0, ""), "0.00"},
		"a decimal of an absurd scale":      {raw(decimalName, 2_000_000_000, 0, "01"), "1e-2000000000"},
		"bits, the last one first in bytes": {raw(bitsName, 0, 5, "16"), "10110"},
		"bits with their zeros trimmed":     {raw(bitsName, 0, 5, ""), "00000"},
		"bits of no known length":           {raw(bitsName, 0, 0, "0180"), "1000000000000001"},
		"bits of an absurd length":          {raw(bitsName, 0, 1<<40, "01"), `\x01`},
		"bytes":                             {raw("", 0, 0, "00ff10"), `\x00ff10`},
		"long bytes are shortened":          {raw("", 0, 0, strings.Repeat("ab", 20)), `\x` + strings.Repeat("ab", 16) + "… (20 bytes)"},
		"text":                              {str("Ann Lee"), "Ann Lee"},
		"no text":                           {str(""), `""`},
		"text that reads null":              {str("null"), `"null"`},
		"text with a comma":                 {str("a, b: c"), `"a, b: c"`},
		"text that would clear the screen":  {str("\x1b[2J"), `"\x1b[2J"`},
		"text that reverses the line":       {str("a\u202eb"), `"a\u202eb"`},
		"text that is not UTF-8":            {str("a\xff"), `"a\xff"`},
		"long text is shortened":            {str(strings.Repeat("ä", 61)), strings.Repeat("ä", 60) + "… (122 bytes)"},
		"an array":                          {array(str("a"), Value{Type: nullType}), "[a, null]"},
		"P1: text the log did not carry":    {str(unavailable), "(not in the log)"},
		"P4: bytes the log did not carry":   {Value{Type: &Type{Kind: Bytes}, Raw: []byte(unavailable)}, "(not in the log)"},
		"P4: an array it did not carry":     {array(str(unavailable)), "(not in the log)"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.value.Text(); got != c.want {
				t.Errorf("%q, needed is %q", got, c.want)
			}
		})
	}
}

func TestGoldenValuesReadAsTheSQLThatMadeThem(t *testing.T) {
	d := New(goldenSchemas(t))
	for topic, want := range map[string]map[string]string{ // of the first record, setup.sql's id 1
		"zoo.public.t_num": {"n10_2": "123.45", "n38_10": "1234567890123456789012345678.0123456789", "n_any": "123.456", "c_real": "1.5", "c_double": "2.25"},
		"zoo.public.t_time": {"c_date": "2024-02-29", "c_time": "12:34:56.123456", "c_time0": "12:34:56", "c_ts": "2024-02-29 12:34:56.123456",
			"c_ts3": "2024-02-29 12:34:56.789", "c_tstz": "2024-02-29T12:34:56.123456Z"},
		"zoo.public.t_bool_bytes": {"c_bool": "true", "c_bytea": `\x00ff10deadbeef`},
	} {
		t.Run(topic, func(t *testing.T) {
			c := goldenChange(t, d, topic, 0)
			for name, text := range want {
				if v := column(c.After, name); v == nil || v.Text() != text {
					t.Errorf("%s reads %v, needed is %q", name, v, text)
				}
			}
		})
	}
}

func column(row []Column, name string) *Value {
	for i := range row {
		if row[i].Name == name {
			return &row[i].Value
		}
	}
	return nil
}

func goldenChange(t *testing.T, d *Decoder, topic string, offset int) Change {
	t.Helper()
	r := goldenRecords(t, "records", topic)[offset]
	key, err := d.Decode(t.Context(), r.Key.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	value, err := d.Decode(t.Context(), r.Value.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	c, ok := ChangeOf(&key, &value, r.headers())
	if !ok {
		t.Fatalf("%s offset %d is no envelope", topic, offset)
	}
	return c
}
