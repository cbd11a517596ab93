package types

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"rdip/readers/postgres/types/avrotest"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The oracle is math/big: an unscaled value over the scale is the number, and what has digits behind the scale is
// refused, never rounded.
func FuzzDecimal(f *testing.F) {
	for _, text := range []string{"0", "-0.01", "123.45", "99999999999999999999999999999999999999.99", "1e5", "-170141183460469231731687303715884105728", "." + strings.Repeat("0", 40)} {
		f.Add([]byte(text), uint8(2))
	}
	f.Add([]byte("0.0000001"), uint8(7))
	f.Fuzz(func(t *testing.T, wire []byte, scale uint8) {
		got := encoded(t, decimalEncoder(int(scale)), wire)
		asDouble := encoded(t, encodeNumericDouble, wire)
		want, ok := new(big.Rat).SetString(string(wire))
		if got == nil {
			return
		}
		if !ok {
			t.Fatalf("%q is no number and became %x", wire, got)
		}
		want.Mul(want, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
		if !want.IsInt() || !bytes.Equal(got, avrotest.Binary(avrotest.JavaBytes(want.Num())...)) {
			t.Fatalf("%q with %d digits: %x, want %x", wire, scale, got, avrotest.JavaBytes(want.Num()))
		}
		if nearest, err := strconv.ParseFloat(string(wire), 64); err == nil && !bytes.Equal(asDouble, avrotest.Double(nearest)) {
			t.Fatalf("%q: %x, strconv says %v", wire, asDouble, nearest)
		}
	})
}

// The oracle is math/big, of the text without what lc_monetary C adds to it.
func FuzzMoney(f *testing.F) {
	seeds(f, "$0.00", "-$92,233,720,368,547,758.08", "$1,234.56", "($5.00)", "$1.5", "12.34")
	f.Fuzz(func(t *testing.T, wire []byte) {
		exact, text, double := encoded(t, moneyEncoder(4, 2), wire), encoded(t, moneyTextEncoder(2), wire), encoded(t, moneyDoubleEncoder(2), wire)
		rounded := encoded(t, moneyEncoder(0, 2), wire)
		if (exact == nil) != (text == nil) || (exact == nil) != (double == nil) || (exact == nil) != (rounded == nil) {
			t.Fatalf("%q: %x, %x, %x and %x", wire, exact, text, double, rounded)
		}
		if exact == nil {
			return
		}
		plain := strings.NewReplacer("$", "", ",", "", "(", "", ")", "", "-", "").Replace(string(wire))
		want, ok := new(big.Rat).SetString(plain)
		if !ok {
			t.Fatalf("%q is no amount and became %q", wire, avroBytes(text))
		}
		if wire[0] == '-' || wire[0] == '(' {
			want.Neg(want)
		}
		said, _ := new(big.Rat).SetString(string(avroBytes(text)))
		if said == nil || said.Cmp(want) != 0 {
			t.Fatalf("%q: %q", wire, avroBytes(text))
		}
		if hundredths := new(big.Rat).Mul(want, big.NewRat(10_000, 1)); !bytes.Equal(exact, avrotest.Binary(avrotest.JavaBytes(hundredths.Num())...)) {
			t.Fatalf("%q: %x, want %x", wire, exact, avrotest.JavaBytes(hundredths.Num()))
		}
		half := big.NewRat(1, 2)
		if want.Sign() < 0 {
			half.Neg(half)
		}
		whole := new(big.Rat).Add(want, half)
		if n := new(big.Int).Quo(whole.Num(), whole.Denom()); !bytes.Equal(rounded, avrotest.Binary(avrotest.JavaBytes(n)...)) {
			t.Fatalf("%q without digits: %x, want %s", wire, rounded, n)
		}
	})
}

// The oracle is strconv: numbers of every width, and the words for those that are none.
func FuzzNumber(f *testing.F) {
	seeds(f, "0", "-32768", "32767", "2147483648", "-9223372036854775808", "1e-45", "3.4028235e+38", "NaN", "-Infinity", "4.9e-324", "0x1p-2", "+1", "1_0", "-0")
	f.Fuzz(func(t *testing.T, wire []byte) {
		for _, width := range []int{16, 32, 64} {
			got := encoded(t, integerEncoder(width), wire)
			want, err := strconv.ParseInt(string(wire), 10, width)
			switch {
			case got != nil && (err != nil || longOf(t, got) != want):
				t.Fatalf("%q in %d bits: %x, strconv says %d, %v", wire, width, got, want, err)
			case got == nil && err == nil && strconv.FormatInt(want, 10) == string(wire):
				t.Fatalf("%d in %d bits is refused", want, width)
			}
		}
		narrow, wide := encoded(t, encodeFloat4, wire), encoded(t, encodeFloat8, wire)
		want, err := strconv.ParseFloat(string(wire), 64)
		if wide != nil && (err != nil || !bytes.Equal(wide, avrotest.Double(want)) && !math.IsNaN(want)) {
			t.Fatalf("%q: %x, strconv says %v, %v", wire, wide, want, err)
		}
		if exact, err := strconv.ParseFloat(string(wire), 32); narrow != nil && (err != nil || !math.IsNaN(exact) && binary.LittleEndian.Uint32(narrow) != math.Float32bits(float32(exact))) {
			t.Fatalf("%q: %x, strconv says %v, %v", wire, narrow, exact, err)
		}
	})
}

// The oracle is strconv and the commas: a vector has as many numbers as are written, each the nearest.
func FuzzVector(f *testing.F) {
	seeds(f, "[1,2,3]", "[-1e-10]", "[]", "[1,]", "{1:1.5,3:2}/5", "{}/16000", "{1:1}/40000", "{32767:0.1}/32767", "{1}/1", "{1:}/1")
	f.Fuzz(func(t *testing.T, wire []byte) {
		if got := encoded(t, vectorEncoder(encodeFloat8), wire); got != nil {
			var want [][]byte
			for number := range strings.SplitSeq(string(wire[1:len(wire)-1]), ",") {
				n, err := strconv.ParseFloat(number, 64)
				if err != nil {
					t.Fatalf("%q became %x", wire, got)
				}
				want = append(want, avrotest.Double(n))
			}
			if !bytes.Equal(got, slices.Concat(avrotest.Long(int64(len(want))), slices.Concat(want...), []byte{0})) && !bytes.Contains(bytes.ToLower(wire), []byte("nan")) {
				t.Fatalf("%q: %x", wire, got)
			}
		}
		got := encoded(t, encodeSparseVector, wire)
		if got == nil {
			return
		}
		entries, dimensions, ok := strings.Cut(strings.TrimPrefix(string(wire), "{"), "}/")
		n, err := strconv.ParseUint(dimensions, 10, 15)
		if !ok || err != nil {
			t.Fatalf("%q became %x", wire, got)
		}
		want := avrotest.Long(int64(n))
		if entries != "" {
			list := strings.Split(entries, ",")
			want = append(want, avrotest.Long(int64(len(list)))...)
			for _, entry := range list {
				index, value, _ := strings.Cut(entry, ":")
				i, err := strconv.ParseUint(index, 10, 15)
				v, err2 := strconv.ParseFloat(value, 64)
				if err != nil || err2 != nil || math.IsNaN(v) {
					return
				}
				want = append(append(want, avrotest.Long(int64(i))...), avrotest.Double(v)...)
			}
		}
		if want = append(want, 0); !bytes.Equal(got, want) {
			t.Fatalf("%q: %x, want %x", wire, got, want)
		}
	})
}

// The ISO forms of times mean what the numbers say: both are read from one text, and refused together where a
// number has no such Form.
func FuzzISOTimes(f *testing.F) {
	seeds(f, "2024-02-29", "0001-01-01 BC", "infinity", "23:59:59.999999", "24:00:00", "2024-02-29 12:34:56.123456", "294276-12-31 23:59:59.999999", "2262-04-11 23:47:16.854775", "2262-04-11 23:47:16.854776")
	f.Fuzz(func(t *testing.T, wire []byte) {
		for _, c := range []struct {
			name       string
			iso, plain func(dst, wire []byte) ([]byte, error)
		}{{"date", encodeISODate, encodeDate}, {"time", encodeISOTime, timeEncoder(1)}, {"timestamp", encodeISOTimestamp, timestampEncoder(1)}} {
			text, number := encoded(t, c.iso, wire), encoded(t, c.plain, wire)
			if text == nil && number != nil && !isInfinity(wire) {
				t.Fatalf("%s %q is %d and has no text", c.name, wire, longOf(t, number))
			}
			if text != nil && len(avroBytes(text)) == 0 {
				t.Fatalf("%s %q is an empty text", c.name, wire)
			}
		}
		if nanos, micros := encoded(t, encodeNanoTime, wire), encoded(t, timeEncoder(1), wire); nanos != nil && longOf(t, nanos) != 1000*longOf(t, micros) {
			t.Fatalf("%q: %d ns, %d µs", wire, longOf(t, nanos), longOf(t, micros))
		}
		if nanos, micros := encoded(t, encodeNanoTimestamp, wire), encoded(t, timestampEncoder(1), wire); nanos != nil && !isInfinity(wire) && longOf(t, nanos) != 1000*longOf(t, micros) {
			t.Fatalf("%q: %d ns, %d µs", wire, longOf(t, nanos), longOf(t, micros))
		}
	})
}

// The oracles are encoding/hex and encoding/base64.
func FuzzBinaryTexts(f *testing.F) {
	seeds(f, `\x`, `\x00ff10`, `\xABCDEFab`, `\x0`, `\xzz`, "text")
	f.Fuzz(func(t *testing.T, wire []byte) {
		digits, found := bytes.CutPrefix(wire, []byte(`\x`))
		value, err := hex.DecodeString(string(digits))
		ok := found && err == nil
		for name, c := range map[string]struct {
			got, want []byte
		}{
			"hex":        {encoded(t, encodeByteaHex, wire), avrotest.Text(hex.EncodeToString(value))},
			"base64":     {encoded(t, byteaBase64Encoder(base64Standard), wire), avrotest.Text(base64.StdEncoding.EncodeToString(value))},
			"base64 URL": {encoded(t, byteaBase64Encoder(base64URL), wire), avrotest.Text(base64URL.EncodeToString(value))},
		} {
			if (c.got != nil) != ok || ok && !bytes.EqualFold(c.got, c.want) {
				t.Fatalf("%s of %q: %q, want %q", name, wire, c.got, c.want)
			}
		}
		if got := encoded(t, textBase64Encoder(base64Standard), wire); !bytes.Equal(got, avrotest.Text(base64.StdEncoding.EncodeToString(wire))) {
			t.Fatalf("%q: %q", wire, got)
		}
		if got := encoded(t, encodeTextHex, wire); !bytes.Equal(got, avrotest.Text(hex.EncodeToString(wire))) {
			t.Fatalf("%q: %q", wire, got)
		}
	})
}
