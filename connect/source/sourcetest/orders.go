// Package sourcetest is what the tests of connect/source and of the packages below it have in common.
package sourcetest

import (
	"encoding/binary"

	"rdip/envelope"
	"rdip/schema"
)

// Orders is the layout of a table public.orders of the columns id, note and memo: a key where asked for, by the columns'
// indexes, and a column of each way of writing. Each call makes another.
func Orders(key ...int) *envelope.Layout {
	number := func(dst, wire []byte) ([]byte, error) {
		var n int64
		for _, c := range wire {
			n = n*10 + int64(c-'0')
		}
		return binary.AppendVarint(dst, n), nil
	}
	text := func(dst, wire []byte) ([]byte, error) { return envelope.AppendString(dst, wire), nil }
	marker := envelope.AppendString(nil, "__debezium_unavailable_value")
	return &envelope.Layout{
		Table: &schema.Table{Database: "shop", Schema: "public", Name: "orders", OID: 1, Key: key, Columns: []schema.Column{
			{Name: "id", Type: schema.Plain(schema.Long), Zero: []byte{0}},
			{Name: "note", Type: schema.Plain(schema.String), Nullable: true, Absent: marker},
			{Name: "memo", Type: schema.Plain(schema.String), Nullable: true, Absent: marker},
		}},
		Columns:      []envelope.ColumnEncoder{number, text, text},
		SourceSchema: &schema.Source{Name: "io.debezium.connector.test.Source"},
		Source: func(dst []byte, tx *envelope.Transaction, e *envelope.Event) []byte {
			for _, text := range [...]string{"version", "connector", "name"} {
				dst = envelope.AppendString(dst, text)
			}
			dst = append(envelope.AppendLong(dst, tx.Micros), 0)
			dst = envelope.AppendString(envelope.AppendString(dst, e.Mark.String()), "shop")
			return append(dst, 0, 0, 0) // sequence, ts_us, ts_ns
		},
	}
}

// Present is a value that the log carries, as text.
func Present(s string) envelope.Value {
	return envelope.Value{Wire: []byte(s), State: envelope.Present}
}
