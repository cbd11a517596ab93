package types

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"rdip/envelope"
	"rdip/readers/postgres/types/avrotest"
)

// Each target feeds an encoder arbitrary bytes. It must not panic, must leave what is in dst alone, must not
// write to the wire, and where it takes a text that its oracle takes too, both must mean the same.

// encoded runs an encoder behind a prefix and gives what it appended; nil where it refused.
func encoded(t *testing.T, encode envelope.ColumnEncoder, wire []byte) []byte {
	t.Helper()
	const prefix = "prefix"
	before := bytes.Clone(wire)
	dst := append(make([]byte, 0, 8), prefix...)
	got, err := encode(dst, wire[:len(wire):len(wire)])
	if !bytes.Equal(wire, before) {
		t.Fatalf("%q was changed to %q", before, wire)
	}
	if err != nil {
		return nil
	}
	if !bytes.HasPrefix(got, []byte(prefix)) {
		t.Fatalf("%q: what was in dst became %q", wire, got[:min(len(got), len(prefix))])
	}
	return got[len(prefix):]
}

func seeds(f *testing.F, texts ...string) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
}

func longOf(t *testing.T, b []byte) int64 {
	t.Helper()
	n, size := binary.Varint(b)
	if size != len(b) {
		t.Fatalf("%x is not one Avro long", b)
	}
	return n
}

// The oracle is math/big.
func FuzzNumeric(f *testing.F) {
	seeds(f, "0", "-0.00", "123.45", "-1", "NaN", "-Infinity", "99999999999999999999999999999999999999", "-170141183460469231731687303715884105728",
		"1"+strings.Repeat("0", 100), "0."+strings.Repeat("0", 60)+"1", "-"+strings.Repeat("9", 77)+"."+strings.Repeat("1", 9), "340282366920938463463374607431768211456")
	f.Fuzz(func(t *testing.T, wire []byte) {
		got := encoded(t, encodeVariableDecimal, wire)
		if got == nil {
			return
		}
		scale, size := binary.Varint(got)
		length, more := binary.Varint(got[size:])
		value := got[size+more:]
		if int(length) != len(value) {
			t.Fatalf("%q: %d bytes in %x", wire, length, got)
		}
		want, ok := new(big.Rat).SetString(string(wire))
		if !ok {
			t.Fatalf("%q is no number and became %x", wire, got)
		}
		unscaled := new(big.Rat).Mul(want, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(scale), nil)))
		if !unscaled.IsInt() || !bytes.Equal(value, avrotest.JavaBytes(unscaled.Num())) {
			t.Fatalf("%q: %x, want %x", wire, value, avrotest.JavaBytes(unscaled.Num()))
		}
	})
}

// The oracle is pgx, for the years that time.Time has.
func FuzzTimestamp(f *testing.F) {
	seeds(f, "2024-02-29 12:34:56.123456", "1970-01-01 00:00:00", "0044-03-15 00:00:00 BC", "infinity", "294247-01-09 23:59:59.999999", "294276-12-31 23:59:59", "2023-02-29 00:00:00", "2024-01-01 24:00:00")
	f.Fuzz(func(t *testing.T, wire []byte) {
		got := encoded(t, timestampEncoder(1), wire)
		millis := encoded(t, timestampEncoder(1000), wire)
		if got == nil {
			return
		}
		if floorDiv(longOf(t, got), 1000) != longOf(t, millis) {
			t.Fatalf("%q: %d µs and %d ms", wire, longOf(t, got), longOf(t, millis))
		}
		var want pgtype.Timestamp
		if err := pgtype.NewMap().Scan(pgtype.TimestampOID, pgtype.TextFormatCode, wire, &want); err != nil {
			return
		}
		if want.InfinityModifier == pgtype.Finite && want.Time.UnixMicro() != longOf(t, got) {
			t.Fatalf("%q: %d, pgx says %d", wire, longOf(t, got), want.Time.UnixMicro())
		}
	})
}

// The oracle is pgx, and the text read back.
func FuzzTimestamptz(f *testing.F) {
	seeds(f, "2024-02-29 12:34:56.123456+00", "1970-01-01 00:00:00-11:30", "0001-01-01 00:00:00+00 BC", "10000-01-01 00:00:00+00", "1883-11-18 12:03:58-07:52:58")
	f.Fuzz(func(t *testing.T, wire []byte) {
		got := encoded(t, zonedTimestampEncoder(6), wire)
		if got == nil {
			return
		}
		text := string(avroBytes(got))
		var want pgtype.Timestamptz
		if err := pgtype.NewMap().Scan(pgtype.TimestamptzOID, pgtype.TextFormatCode, wire, &want); err != nil || want.InfinityModifier != pgtype.Finite {
			return
		}
		if utc := want.Time.UTC(); utc.Year() >= 0 && utc.Year() <= 9999 && text != utc.Format("2006-01-02T15:04:05.000000Z") {
			t.Fatalf("%q: %s, pgx says %s", wire, text, utc.Format(time.RFC3339Nano))
		}
	})
}

// The oracles are package time and the inverse conversion.
func FuzzDate(f *testing.F) {
	seeds(f, "2024-02-29", "1970-01-01", "0001-01-01 BC", "4714-11-24 BC", "5874897-12-31", "-infinity", "1900-02-29")
	f.Fuzz(func(t *testing.T, wire []byte) {
		got := encoded(t, encodeDate, wire)
		if got == nil || bytes.HasSuffix(wire, []byte("infinity")) {
			return
		}
		days := longOf(t, got)
		d := civilOf(days)
		if d.days() != days {
			t.Fatalf("%q: %d days are %+v, which are %d days", wire, days, d, d.days())
		}
		utc := time.Date(int(d.year), time.Month(d.month), int(d.day), 0, 0, 0, 0, time.UTC)
		if utc.Unix() != days*86400 || utc.Day() != int(d.day) {
			t.Fatalf("%q: %d days, package time says %s", wire, days, utc)
		}
		if year := string(appendPadded(nil, max(d.year, 1-d.year), 7)); !strings.HasSuffix(year, strings.TrimLeft(string(wire[:bytes.IndexByte(wire, '-')]), "0")) {
			t.Fatalf("%q: year %d", wire, d.year)
		}
	})
}

// The oracle is pgx.
func FuzzTime(f *testing.F) {
	seeds(f, "00:00:00", "23:59:59.999999", "24:00:00", "12:34:56.7")
	f.Fuzz(func(t *testing.T, wire []byte) {
		got := encoded(t, timeEncoder(1), wire)
		if got == nil {
			return
		}
		if n := longOf(t, got); n < 0 || n > microsPerDay {
			t.Fatalf("%q is %d", wire, n)
		}
		var want pgtype.Time
		if err := pgtype.NewMap().Scan(pgtype.TimeOID, pgtype.TextFormatCode, wire, &want); err == nil && want.Microseconds != longOf(t, got) {
			t.Fatalf("%q: %d, pgx says %d", wire, longOf(t, got), want.Microseconds)
		}
	})
}

// The oracle is package time.
func FuzzTimetz(f *testing.F) {
	seeds(f, "12:34:56.123456+02", "23:59:59.999999-11", "24:00:00+00", "01:02:03.04+05:53:28", "06:00:00.5-03:30")
	f.Fuzz(func(t *testing.T, wire []byte) {
		got := encoded(t, encodeZonedTime, wire)
		if got == nil {
			return
		}
		for _, Form := range []string{"15:04:05.999999-07", "15:04:05.999999-07:00", "15:04:05.999999-07:00:00"} {
			if want, err := time.Parse(Form, string(wire)); err == nil {
				if text := want.UTC().Format("15:04:05.999999Z"); text != string(avroBytes(got)) {
					t.Fatalf("%q: %s, package time says %s", wire, avroBytes(got), text)
				}
			}
		}
	})
}

// The oracle is pgx.
func FuzzInterval(f *testing.F) {
	seeds(f, "1 year 2 mons -3 days +04:05:06.789", "-1 years", "00:00:00", "-00:00:00.000001", "178956970 years 7 mons 2147483647 days 2562047788:00:54.775807", "infinity")
	f.Fuzz(func(t *testing.T, wire []byte) {
		encoded(t, intervalEncoder(true), wire)
		got := encoded(t, intervalEncoder(false), wire)
		if got == nil {
			return
		}
		var want pgtype.Interval
		if err := pgtype.NewMap().Scan(pgtype.IntervalOID, pgtype.TextFormatCode, wire, &want); err != nil {
			return
		}
		micros := new(big.Int).Mul(big.NewInt(int64(want.Months)), big.NewInt(microsPerMonth))
		micros.Add(micros, new(big.Int).Mul(big.NewInt(int64(want.Days)), big.NewInt(microsPerDay)))
		micros.Add(micros, big.NewInt(want.Microseconds))
		if !micros.IsInt64() || micros.Int64() != longOf(t, got) {
			v, _ := parseInterval(wire)
			if v.years*12+v.months != int64(want.Months) || v.days != int64(want.Days) {
				return // pgx has 32 bits for each, and repeated units
			}
			t.Fatalf("%q: %d, pgx says %s", wire, longOf(t, got), micros)
		}
	})
}

// The oracle is pgx's array parser, for arrays of one dimension.
func FuzzArray(f *testing.F) {
	seeds(f, "{}", "{1,2}", `{a,"b c",NULL,"q\"uote","com,ma","\\"}`, "[0:1]={a,b}", "{{1},{2}}", `{"","null",null}`, `{"{","}"}`, "{a", `[-1:0][1:1]={{a},{b}}`)
	f.Fuzz(func(t *testing.T, wire []byte) {
		matrix := encoded(t, arrayEncoder(encodeText, ',', 2, true), wire)
		got := encoded(t, arrayEncoder(encodeText, ',', 1, true), wire)
		if matrix != nil && got != nil && len(got) > 1 {
			t.Fatalf("%q is a list and a matrix: %x and %x", wire, got, matrix)
		}
		if got == nil || !utf8.Valid(wire) {
			return // pgx replaces what is not UTF-8, which the server never sends
		}
		var want []*string
		if err := pgtype.NewMap().Scan(pgtype.TextArrayOID, pgtype.TextFormatCode, wire, &want); err != nil {
			return
		}
		var items [][]byte
		for _, item := range want {
			if item == nil {
				items = append(items, nil)
			} else {
				items = append(items, avrotest.Text(*item))
			}
		}
		if !bytes.Equal(got, avrotest.Array(items...)) && !bytes.ContainsAny(wire, " \t\n\r\v\f") && !strings.Contains(strings.ToLower(string(wire)), "null") {
			t.Fatalf("%q: %x, pgx says %x", wire, got, avrotest.Array(items...))
		}
	})
}

// The oracle is pgx.
func FuzzPoint(f *testing.F) {
	seeds(f, "(1.5,-2)", "(NaN,Infinity)", "(1e300,-0)", "(,)", "(1,2,3)")
	f.Fuzz(func(t *testing.T, wire []byte) {
		got := encoded(t, encodePoint, wire)
		if got == nil {
			return
		}
		if len(got) != 8+8+1+1+21+1 || !bytes.Equal(got[:16], got[23:39]) {
			t.Fatalf("%q: %x", wire, got)
		}
		var want pgtype.Point
		if err := pgtype.NewMap().Scan(pgtype.PointOID, pgtype.TextFormatCode, wire, &want); err == nil && want.P.X == want.P.X && want.P.Y == want.P.Y {
			if !bytes.Equal(got, avrotest.Point(want.P.X, want.P.Y)) {
				t.Fatalf("%q: %x, pgx says %v", wire, got, want.P)
			}
		}
	})
}

// The oracle is encoding/hex.
func FuzzBytea(f *testing.F) {
	seeds(f, `\x`, `\x00ff10deadBEEF`, `\x0`, `\xzz`, `abc`)
	f.Fuzz(func(t *testing.T, wire []byte) {
		got := encoded(t, encodeBytea, wire)
		encoded(t, encodeGeometry, wire)
		digits, found := bytes.CutPrefix(wire, []byte(`\x`))
		want, err := hex.DecodeString(string(digits))
		if (got == nil) != (!found || err != nil) || got != nil && !bytes.Equal(got, avrotest.Binary(want...)) {
			t.Fatalf("%q: %x, want %x, %v", wire, got, want, err)
		}
	})
}

// The oracle is math/big.
func FuzzBit(f *testing.F) {
	seeds(f, "", "0", "1", "00000", "0100000001", strings.Repeat("10", 100), "012")
	f.Fuzz(func(t *testing.T, wire []byte) {
		got := encoded(t, encodeBits, wire)
		if got == nil {
			return
		}
		want, ok := new(big.Int).SetString("0"+string(wire), 2)
		if !ok {
			t.Fatalf("%q became %x", wire, got)
		}
		little := want.Bytes()
		for i, j := 0, len(little)-1; i < j; i, j = i+1, j-1 {
			little[i], little[j] = little[j], little[i]
		}
		if !bytes.Equal(got, avrotest.Binary(little...)) {
			t.Fatalf("%q: %x, want %x", wire, got, little)
		}
	})
}

// The oracles are pgx and encoding/json.
func FuzzHstore(f *testing.F) {
	seeds(f, "", `"a"=>"1"`, `"a"=>NULL, "b"=>"x"`, `"q\"\\"=>"\\"`, "\"\n\x01\"=>\"\x1f\"", `"a"=>`)
	f.Fuzz(func(t *testing.T, wire []byte) {
		got := encoded(t, encodeHstore, wire)
		if asMap := encoded(t, encodeHstoreMap, wire); (asMap == nil) != (got == nil) {
			t.Fatalf("%q: as JSON %q, as a map %q", wire, got, asMap)
		}
		if got == nil {
			return
		}
		var object map[string]*string
		if err := json.Unmarshal(avroBytes(got), &object); err != nil {
			t.Fatalf("%q: %q: %v", wire, avroBytes(got), err)
		}
		var want pgtype.Hstore
		if err := want.Scan(string(wire)); err != nil || len(want) != len(object) {
			return
		}
		for key, value := range want {
			if have, ok := object[key]; ok && value != nil && (have == nil || *have != strings.ToValidUTF8(*value, "�")) && strings.ToValidUTF8(*value, "�") == *value {
				t.Fatalf("%q: %q is %v, pgx says %q", wire, key, have, *value)
			}
		}
	})
}
