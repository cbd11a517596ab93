package envelope

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"rdip/schema"
)

// Options are the choices that shape a connector's records.
type Options struct {
	// Debezium turns what rdip does differently on purpose into Debezium's way (compatibility: debezium).
	Debezium bool
	// Nulls says what a NULL in a nullable column with a default is written as.
	Nulls Nulls
	// TransactionID names transactions in the envelope's transaction block (provide.transaction.metadata); nil:
	// the block is null.
	TransactionID TransactionID
}

// Nulls says what a NULL in a nullable column with a default is written as.
type Nulls uint8

// The ways of Nulls.
const (
	NullsAsDebezium  Nulls = iota // as the default under Debezium, else as null
	NullsStay                     // as null
	NullsAreDefaults              // as the default
)

func (o Options) replacesNulls() bool {
	return o.Nulls == NullsAreDefaults || o.Nulls == NullsAsDebezium && o.Debezium
}

// Encoder appends the records of one Layout to a topic. It is compiled once a layout and serves one
// goroutine. The Append methods allocate nothing but dst's growth.
type Encoder struct {
	Layout *Layout
	Topic  string

	columns []column
	key     []keyField
	suffix  []byte // follows the key's fields
	keyID   [5]byte
	valueID [5]byte
	block   TransactionID
	absent  absentHeaders
}

// column is what one column writes in each case, a union's index included.
type column struct {
	encode  ColumnEncoder
	present []byte // before an encoded value
	null    []byte // nil: NULL cannot be written, the column is NOT NULL
	unknown []byte // where the log did not say: the filling of a before that holds the key only
	absent  []byte // the marker for unchanged TOAST; nil where the type has none
	masked  bool   // every value is written alike
}

// ColumnError is a value that cannot be written. It never holds the value.
type ColumnError struct {
	Table, Column string
	// NullInNotNull: the schema says NOT NULL, and the row, of an earlier or later moment, holds a NULL.
	NullInNotNull bool
	Index         int // of the column in its table
	Err           error
}

func (e *ColumnError) Error() string {
	return fmt.Sprintf("table %s, column %s: %v", e.Table, e.Column, e.Err)
}
func (e *ColumnError) Unwrap() error { return e.Err }

// NewEncoder compiles the encoder of a layout's records in a topic.
func NewEncoder(l *Layout, topic string, o Options) *Encoder {
	x := &Encoder{Layout: l, Topic: topic, columns: make([]column, len(l.Table.Columns)), block: o.TransactionID}
	for i := range l.Table.Columns {
		x.columns[i] = compile(&l.Table.Columns[i], l.Columns[i], o)
	}
	x.compileKey(o)
	return x
}

func compile(c *schema.Column, encode ColumnEncoder, o Options) column {
	if c.Omitted {
		return column{}
	}
	out := column{encode: encode}
	value, null := byte(2), byte(0) // ["null", T]
	if c.Default != nil {
		value, null = 0, 2 // [T, "null"]
	}
	if c.Mask != nil {
		return compileMask(c, value)
	}
	if !c.Nullable {
		out.unknown, out.absent = c.Zero, c.Absent
		if c.DefaultValue != nil {
			out.unknown = c.DefaultValue
		}
		return out
	}
	out.present = []byte{value}
	out.null = []byte{null}
	if o.replacesNulls() && c.DefaultValue != nil {
		out.null = append([]byte{value}, c.DefaultValue...) // Connect's Struct returns the default for null
	}
	out.unknown = out.null
	if c.NotNull {
		out.unknown = append([]byte{value}, c.Zero...)
	}
	if c.Absent != nil {
		out.absent = append([]byte{value}, c.Absent...)
	}
	return out
}

// KeySchema is the Avro schema of the keys, "" for a table without one.
func (x *Encoder) KeySchema() string { return schema.KeySchema(x.names(), x.Layout.Table) }

// ValueSchema is the Avro schema of the values.
func (x *Encoder) ValueSchema() string {
	return schema.ValueSchema(x.names(), x.Layout.Table, x.Layout.SourceSchema)
}

// names is what the names of the schemas begin with.
func (x *Encoder) names() string {
	if x.Layout.Names != "" {
		return x.Layout.Names
	}
	return x.Topic
}

// SetIDs sets the registry's ids of both schemas, which begin every record (Confluent's wire format: a
// zero byte, the id in four bytes, big-endian).
func (x *Encoder) SetIDs(key, value int32) {
	binary.BigEndian.PutUint32(x.keyID[1:], uint32(key))
	binary.BigEndian.PutUint32(x.valueID[1:], uint32(value))
}

// AppendKey appends a row's key. The table must have one.
func (x *Encoder) AppendKey(dst []byte, row Row) ([]byte, error) {
	dst = append(dst, x.keyID[:]...)
	var err error
	for i := range x.key {
		k := &x.key[i]
		if row[k.at].State == Absent {
			return dst, x.fail(k.at, fmt.Errorf("the log does not carry the value of this key column (unchanged TOAST, P3)"))
		}
		if dst, err = x.appendAs(&k.column, dst, k.at, row[k.at]); err != nil {
			return dst, err
		}
	}
	return append(dst, x.suffix...), nil
}

// AppendValue appends an event's envelope. nanos is when the daemon processed it, ns since
// 1970 UTC.
func (x *Encoder) AppendValue(dst []byte, tx *Transaction, e *Event, nanos int64) ([]byte, error) {
	dst = append(dst, x.valueID[:]...)
	var err error
	if dst, err = x.appendRow(dst, e.Before, e.KeyOnly); err != nil {
		return dst, err
	}
	if dst, err = x.appendRow(dst, e.After, false); err != nil {
		return dst, err
	}
	dst = x.Layout.Source(dst, tx, e)
	dst = x.block.AppendBlock(dst, tx, e.Place)
	dst = append(dst, 2, byte(e.Op), 2) // op; ts_ms is there
	dst = append(AppendLong(dst, nanos/1e6), 2)
	dst = append(AppendLong(dst, nanos/1e3), 2)
	return AppendLong(dst, nanos), nil
}

func (x *Encoder) appendRow(dst []byte, row Row, keyOnly bool) ([]byte, error) {
	if row == nil {
		return append(dst, 0), nil
	}
	dst = append(dst, 2)
	if keyOnly {
		return x.appendKeyOnly(dst, row)
	}
	var err error
	for i := range row {
		if dst, err = x.appendColumn(dst, i, row[i]); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendKeyOnly fills what the log did not carry as Debezium does: null, the default, or the type's zero.
func (x *Encoder) appendKeyOnly(dst []byte, row Row) ([]byte, error) {
	var err error
	for i := range row {
		if !x.isKey(i) {
			dst = append(dst, x.columns[i].unknown...)
			continue
		}
		if dst, err = x.appendColumn(dst, i, row[i]); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// isKey says whether a column of an old row by key is a fact.
func (x *Encoder) isKey(i int) bool {
	for _, k := range x.Layout.Table.OldColumns() {
		if k == i {
			return true
		}
	}
	return false
}

func (x *Encoder) appendColumn(dst []byte, i int, v Value) ([]byte, error) {
	return x.appendAs(&x.columns[i], dst, i, v)
}

// appendAs appends the i-th column's value as c has it.
func (x *Encoder) appendAs(c *column, dst []byte, i int, v Value) ([]byte, error) {
	if c.encode == nil {
		return dst, nil // omitted
	}
	switch v.State {
	case Present:
		out, err := c.encode(append(dst, c.present...), v.Wire)
		if err != nil {
			return dst, x.fail(i, err)
		}
		return out, nil
	case Absent:
		if c.absent == nil {
			return dst, x.fail(i, fmt.Errorf("the log does not carry the value, and its type has no marker for that"))
		}
		return append(dst, c.absent...), nil
	default:
		if c.null == nil {
			return dst, x.nullInNotNull(i)
		}
		return append(dst, c.null...), nil
	}
}

func (x *Encoder) fail(i int, err error) *ColumnError {
	return &ColumnError{Table: x.Layout.Table.ID(), Column: x.Layout.Table.Columns[i].Name, Index: i, Err: err}
}

func (x *Encoder) nullInNotNull(i int) error {
	err := x.fail(i, fmt.Errorf("NULL in a column that is NOT NULL in the catalog"))
	err.NullInNotNull = true
	return err
}

// KeyChanged says whether an update changed the row's key: the old row is known and one of the key's
// columns differs. Wire forms are the source's canonical ones, so that equal bytes are equal values.
func (x *Encoder) KeyChanged(e *Event) bool {
	if e.Op != Update || e.Before == nil {
		return false
	}
	for i := range x.key {
		k := x.key[i].at
		b, a := e.Before[k], e.After[k]
		if a.State == Absent { // unchanged, and so not sent again
			continue
		}
		if b.State != a.State || !bytes.Equal(b.Wire, a.Wire) {
			return true
		}
	}
	return false
}
