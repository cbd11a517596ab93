package readertest

import (
	"encoding/binary"
	"fmt"
	"math"

	"rdip/envelope"
	"rdip/schema"
)

// How values without a text are shown.
const (
	nullText   = "NULL"
	absentText = "ABSENT"
)

// longText is the length from which a text is shown by its beginning and its length.
const longText = 64

// valueText shows a column's value, by way of the encoder that the reader chose for it.
func valueText(l *envelope.Layout, i int, v envelope.Value) string {
	switch v.State {
	case envelope.Null:
		return nullText
	case envelope.Absent:
		return absentText
	}
	b, err := l.Columns[i](nil, v.Wire)
	if err != nil {
		return "<" + err.Error() + ">"
	}
	return avroText(l.Table.Columns[i].Type.Kind, b)
}

// avroText shows Avro binary of the kinds that the neutral types become.
func avroText(kind schema.Kind, b []byte) string {
	n, used := binary.Varint(b)
	switch {
	case (kind == schema.Int || kind == schema.Long) && used == len(b):
		return fmt.Sprint(n)
	case kind == schema.String && used > 0 && int(n) == len(b)-used:
		return shortText(string(b[used:]))
	case kind == schema.Double && len(b) == 8:
		return fmt.Sprint(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	default:
		return fmt.Sprintf("%x", b)
	}
}

func shortText(s string) string {
	if len(s) < longText {
		return s
	}
	return fmt.Sprintf("%s...%d", s[:8], len(s))
}
