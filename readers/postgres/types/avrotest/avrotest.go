// Package avrotest writes Avro binary apart from the encoders that tests hold against it.
package avrotest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"rdip/schema"
)

// Long is an int or a long.
func Long(n int64) []byte { return binary.AppendVarint(nil, n) }

// Text is a string.
func Text(s string) []byte { return append(Long(int64(len(s))), s...) }

// Binary is bytes.
func Binary(b ...byte) []byte { return Text(string(b)) }

// Double is a double.
func Double(f float64) []byte {
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))
}

// Decimal is a decimal of those digits, without the point.
func Decimal(unscaled string) []byte {
	n, ok := new(big.Int).SetString(unscaled, 10)
	if !ok {
		panic(unscaled)
	}
	return Binary(JavaBytes(n)...)
}

// JavaBytes is Java's BigInteger.toByteArray.
func JavaBytes(n *big.Int) []byte {
	bits := n.BitLen()
	if n.Sign() < 0 {
		bits = new(big.Int).Add(n, big.NewInt(1)).BitLen()
	}
	size := bits/8 + 1
	mod := new(big.Int).Lsh(big.NewInt(1), uint(size*8))
	return new(big.Int).Mod(n, mod).FillBytes(make([]byte, size))
}

// Array is an array of nullable items, of which nil is null.
func Array(items ...[]byte) []byte {
	if len(items) == 0 {
		return []byte{0}
	}
	out := Long(int64(len(items)))
	for _, item := range items {
		if item == nil {
			out = append(out, 0)
		} else {
			out = append(append(out, 2), item...)
		}
	}
	return append(out, 0)
}

// Arrays is an array of arrays, which are never null.
func Arrays(items ...[]byte) []byte {
	return append(slices.Concat(Long(int64(len(items))), slices.Concat(items...)), 0)
}

// Point is io.debezium.data.geometry.Point without an srid.
func Point(x, y float64) []byte {
	wkb := slices.Concat([]byte{1, 1, 0, 0, 0}, Double(x), Double(y))
	return slices.Concat(Double(x), Double(y), []byte{2}, Binary(wkb...), []byte{0})
}

// Describe names a type in a few words: its kind, then Debezium's name and its parameters.
func Describe(t *schema.Type) string {
	words := []string{t.Kind.String()}
	if t.Kind == schema.Array {
		words = append(words, Describe(t.Items))
	}
	if t.ConnectType != "" {
		words = append(words, t.ConnectType)
	}
	if t.Name != "" {
		words = append(words, t.Name[strings.LastIndexByte(t.Name, '.')+1:])
	}
	switch {
	case t.Name == schema.DecimalName:
		words = append(words, fmt.Sprintf("%d.%d", t.Precision, t.Scale))
	case len(t.Params) > 0:
		words = append(words, t.Params[0].Value)
	}
	return strings.Join(words, " ")
}
