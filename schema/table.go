// Package schema describes tables as the connectors see them: columns, keys and the Avro schemas
// that they become, byte for byte what Kafka Connect's AvroConverter would register.
package schema

import "strings"

// Table is one captured table at one moment. It is immutable once handed out: a change of the table is a
// new Table.
type Table struct {
	Database string
	Schema   string // PostgreSQL's schema; empty where a database has none
	Name     string
	OID      uint64 // the source's own number of the table; tells a table from a namesake made later
	Columns  []Column
	Key      []int // indexes into Columns in key order; empty: the table has no key
	Before   Before
	// Identity is the columns of an old row that the log carries under BeforeKey, nil: those of Key. They
	// differ where the Kafka key was chosen by the configuration.
	Identity []int
	// KeyColumns describe the fields of the key, one a Key, where they are not simply those of Columns; nil:
	// they are.
	KeyColumns []Column
	// KeySuffix names a string field behind the key's columns, which tells the tables of one topic apart; ""
	// for none.
	KeySuffix string
}

// ID is schema.table, as status and the stored state name it: TableID.
func (t *Table) ID() string {
	if t.Schema == "" {
		return TableID(t.Database, t.Name)
	}
	return TableID(t.Schema, t.Name)
}

// TableID is schema.table. A part with a dot or a quote in it is quoted as in SQL, so that no two tables
// share an id: "a.b".c is not a."b.c".
func TableID(schema, name string) string { return idPart(schema) + "." + idPart(name) }

func idPart(name string) string {
	if !strings.ContainsAny(name, `."`) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// KeyField is the column as the field of the key that is i-th in Key.
func (t *Table) KeyField(i int) *Column {
	if t.KeyColumns != nil {
		return &t.KeyColumns[i]
	}
	return &t.Columns[t.Key[i]]
}

// OldColumns are the columns of an old row that are facts under BeforeKey.
func (t *Table) OldColumns() []int {
	if t.Identity != nil {
		return t.Identity
	}
	return t.Key
}

// HasKey says whether rows of the table have a Kafka key.
func (t *Table) HasKey() bool { return len(t.Key) > 0 }

// Before says what the log carries of the old row.
type Before uint8

const (
	// BeforeKey: the columns of the key only (PostgreSQL: replica identity DEFAULT or INDEX).
	BeforeKey Before = iota
	// BeforeFull: the whole row (replica identity FULL).
	BeforeFull
	// BeforeNothing: no old row at all (replica identity NOTHING, or DEFAULT without a primary key).
	BeforeNothing
)

// Column is one column of a Table.
type Column struct {
	Name       string
	SourceType string // the database's own name of the type, for people: "numeric(10,2)"
	Type       Type
	// TypeName, Length and Scale are the type as Debezium's column metadata has it ("numeric", 10, 2); a Length
	// or Scale below zero is none. Readers fill them in for column.propagate.source.type and for masks.
	TypeName      string
	Length, Scale int
	Nullable      bool
	// NotNull: the table holds no NULL. Nullable is true all the same for a type whose schema always is.
	NotNull bool
	// Mask is the Avro binary, without a union's index, of what is written in place of every value of the
	// column, of NULL and of what the log did not carry; nil: values are written.
	Mask []byte
	// Omitted columns are in the source's rows, but in no record and no schema (column filters; types that
	// compatibility with Debezium leaves out).
	Omitted bool
	// Default is the column's constant default as Avro's JSON, nil where it has none or a computed one.
	// Bytes are an ISO-8859-1 string there, as Avro wants them.
	Default []byte
	// DefaultValue is the same default as Avro binary, without a union's index. Nil where Default is.
	DefaultValue []byte
	// Zero is the Avro binary of the type's zero value, which Debezium writes for a NOT NULL column whose
	// value the log does not carry (before of a delete under replica identity DEFAULT).
	Zero []byte
	// Absent is the Avro binary of the marker for a value that the log did not carry (unchanged TOAST):
	// "__debezium_unavailable_value" in the column's own type, nil where the type can not be absent.
	Absent []byte
}
