package envelope

import "rdip/schema"

// ColumnEncoder appends a present value, as the source sent it, to dst as Avro binary without a union's
// index. It keeps no reference to wire and allocates nothing beyond dst's growth. Its error names what is
// wrong with the value, never the value itself.
type ColumnEncoder func(dst, wire []byte) ([]byte, error)

// SourceEncoder appends an event's whole source block as Avro binary: the fields of Layout.Source in order.
type SourceEncoder func(dst []byte, tx *Transaction, e *Event) []byte

// Layout is how one version of a table's rows is read: the table, and for each column the encoder from the
// source's wire form, chosen once by the reader. A change of the table is a new Layout; pointers compare.
type Layout struct {
	Table   *schema.Table
	Columns []ColumnEncoder // one a column of Table
	Source  SourceEncoder
	// KeyColumns are the encoders of the key's fields, one a Table.Key, where they are not simply those of
	// Columns; nil: they are.
	KeyColumns []ColumnEncoder
	// Names is what the names of the schemas begin with; "": the topic.
	Names string
	// KeySuffix is the value of the field Table.KeySuffix.
	KeySuffix string
	// SourceSchema is the source block's schema; the same pointer for every table of a connector.
	SourceSchema *schema.Source
}
