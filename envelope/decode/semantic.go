package decode

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
)

// Kafka Connect's and Debezium's names for meanings (see docs/TYPES.md).
const (
	decimalName  = "org.apache.kafka.connect.data.Decimal"
	variableName = "io.debezium.data.VariableScaleDecimal"
	bitsName     = "io.debezium.data.Bits"
	pointName    = "io.debezium.data.geometry.Point"
	geometry     = "io.debezium.data.geometry.Geometry"
	geography    = "io.debezium.data.geometry.Geography"
)

// decimal is the plain notation of a two's-complement, big-endian unscaled value.
func decimal(unscaled []byte, scale int) string {
	n := new(big.Int).SetBytes(unscaled)
	if len(unscaled) > 0 && unscaled[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(unscaled))*8))
	}
	if scale < -maxScale || scale > maxScale {
		return fmt.Sprintf("%de%d", n, -scale)
	}
	digits, sign := new(big.Int).Abs(n).String(), ""
	if n.Sign() < 0 {
		sign = "-"
	}
	if scale <= 0 {
		if n.Sign() != 0 {
			digits += strings.Repeat("0", -scale)
		}
		return sign + digits
	}
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - scale
	return sign + digits[:point] + "." + digits[point:]
}

// maxScale is more than any database has; a scale beyond it is shown as an exponent.
const maxScale = 20000

// bits are shown as SQL writes them: the last one first in bytes, and to the column's length.
func bits(little []byte, length int) string {
	n := length
	if n == 0 {
		n = 8 * len(little)
	}
	if n < 0 || n > 8*max(len(little), maxShown) {
		return octets(little)
	}
	out := make([]byte, n)
	for i := range out {
		out[n-1-i] = '0'
		if i/8 < len(little) && little[i/8]>>(i%8)&1 == 1 {
			out[n-1-i] = '1'
		}
	}
	return string(out)
}

// shownBytes is how much of a binary value is shown.
const shownBytes = 16

// octets are shown as PostgreSQL writes bytea, and shortened.
func octets(b []byte) string {
	if len(b) <= shownBytes {
		return `\x` + hex.EncodeToString(b)
	}
	return fmt.Sprintf(`\x%s… (%d bytes)`, hex.EncodeToString(b[:shownBytes]), len(b))
}

func point(v *Value) string {
	x, y := v.Field("x"), v.Field("y")
	return fmt.Sprintf("(%v,%v)", x.Float, y.Float)
}

func shape(v *Value) string {
	wkb, srid := v.Field("wkb"), v.Field("srid")
	if srid.IsNull() {
		return octets(wkb.Raw)
	}
	return fmt.Sprintf("SRID=%d;%s", srid.Int, octets(wkb.Raw))
}
