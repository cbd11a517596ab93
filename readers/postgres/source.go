package postgres

import (
	"encoding/binary"
	"strconv"

	"rdip/envelope"
	"rdip/schema"
)

// sourceSchema is the source block that Debezium's PostgreSQL connector writes.
var sourceSchema = &schema.Source{
	Name: "io.debezium.connector.postgresql.Source",
	Fields: []schema.Field{
		{Name: "schema", Type: schema.Plain(schema.String)},
		{Name: "table", Type: schema.Plain(schema.String)},
		{Name: "txId", Type: schema.Plain(schema.Long), Nullable: true},
		{Name: "lsn", Type: schema.Plain(schema.Long), Nullable: true},
		{Name: "xmin", Type: schema.Plain(schema.Long), Nullable: true},
		{Name: "origin", Type: schema.Plain(schema.String), Nullable: true},
		{Name: "origin_lsn", Type: schema.Plain(schema.Long), Nullable: true},
	},
}

// unionMarked is the index of T in the snapshot field's union [T, "null"].
const unionMarked = 0

// sourceEncoder prepares the source block of one table's events. What it returns allocates nothing, keeps no
// state and may be used concurrently. An event without a place, such as a snapshot's, has its transaction's.
func (c *Config) sourceEncoder(schemaName, tableName string) envelope.SourceEncoder {
	head := envelope.AppendString(envelope.AppendString(envelope.AppendString(nil, c.Version), "postgresql"), c.Prefix)
	database := envelope.AppendString(nil, c.Database)
	table := envelope.AppendString(envelope.AppendString(nil, schemaName), tableName)
	return func(dst []byte, tx *envelope.Transaction, e *envelope.Event) []byte {
		place := e.Place
		if place == 0 {
			place = tx.Place
		}
		dst = append(dst, head...)
		dst = binary.AppendVarint(dst, tx.Millis())
		dst = envelope.AppendString(append(dst, unionMarked), e.Mark.String())
		dst = append(dst, database...)
		dst = appendSequence(append(dst, envelope.UnionValue), tx.Previous, place)
		dst = binary.AppendVarint(append(dst, envelope.UnionValue), tx.Micros)
		dst = binary.AppendVarint(append(dst, envelope.UnionValue), tx.Micros*1000)
		dst = append(dst, table...)
		id, lsn := tx.ID, place
		if c.Debezium && e.Mark == envelope.Incremental {
			id, lsn = 0, 0 // Debezium's incremental snapshots have neither
		}
		dst = appendOptional(dst, id)
		dst = appendOptional(dst, lsn)
		dst = appendOptional(dst, c.xmin.of(e))
		if tx.Origin == "" {
			return append(dst, envelope.UnionNull, envelope.UnionNull)
		}
		dst = envelope.AppendString(append(dst, envelope.UnionValue), tx.Origin)
		return appendOptional(dst, tx.OriginPos)
	}
}

// appendSequence appends ["<previous>","<place>"] as a string: the end of the transaction before, null where
// none was seen, and the LSN of the event, in decimal.
func appendSequence(dst []byte, previous, place uint64) []byte {
	mark := len(dst)
	dst = append(dst, '[')
	if previous == 0 {
		dst = append(dst, "null"...)
	} else {
		dst = append(strconv.AppendUint(append(dst, '"'), previous, 10), '"')
	}
	dst = append(strconv.AppendUint(append(dst, `,"`...), place, 10), `"]`...)
	return envelope.PrefixLength(dst, mark)
}

// appendOptional is a nullable long, null for 0.
func appendOptional(dst []byte, n uint64) []byte {
	if n == 0 {
		return append(dst, envelope.UnionNull)
	}
	return binary.AppendVarint(append(dst, envelope.UnionValue), int64(n))
}
