// Package envelope turns rows into Debezium's change events: the events as readers hand them over, the
// contract of whoever receives them (Handler), and the encoders that append them to a batch as
// Confluent-framed Avro, without an allocation a row.
package envelope

// Op is an event's operation, as the envelope's op field spells it.
type Op byte

// The operations of Debezium's envelope.
const (
	Read     Op = 'r' // a row of the snapshot
	Create   Op = 'c'
	Update   Op = 'u'
	Delete   Op = 'd'
	Truncate Op = 't'
	Note     Op = 'm' // a logical message of the application's
)

// State says what a Value is.
type State uint8

const (
	// Null is SQL's NULL.
	Null State = iota
	// Present: Wire holds the value as the source sent it.
	Present
	// Absent: the log did not carry the value (PostgreSQL: unchanged TOAST). It is never shown as null.
	Absent
)

// Value is one column of one row. Wire is borrowed from the reader until the Handler's method returns, and
// its capacity is cut to its length.
type Value struct {
	Wire  []byte
	State State
}

// Row is one Value a column, in the order of schema.Table.Columns. A nil Row is no row.
type Row []Value

// Mark is the snapshot field of an event's source block.
type Mark uint8

// The marks of the envelope's source.snapshot, in the order of their allowed values.
const (
	Streamed    Mark = iota // "false"
	Snapshotted             // "true"
	First
	FirstInTable
	LastInTable
	Last
	Incremental
)

// String is the mark as the envelope spells it.
func (m Mark) String() string {
	switch m {
	case Snapshotted:
		return "true"
	case First:
		return "first"
	case FirstInTable:
		return "first_in_data_collection"
	case LastInTable:
		return "last_in_data_collection"
	case Last:
		return "last"
	case Incremental:
		return "incremental"
	default:
		return "false"
	}
}

// Event is one change of one row, or a TRUNCATE. Everything in it is borrowed until Handler.Row returns.
type Event struct {
	Op     Op
	Layout *Layout
	Before Row // the old row as far as the log carried it; nil where it did not
	After  Row // the new row; nil for a delete or a truncate
	// KeyOnly: of Before, only the columns of the table's key are facts (replica identity DEFAULT, INDEX).
	KeyOnly bool
	Place   uint64 // where in the log the change stands: the LSN
	Mark    Mark
}

// Transaction is what the rows between Begin and Commit share. It is borrowed until the next Begin.
type Transaction struct {
	ID        uint64 // PostgreSQL: the xid
	Micros    int64  // time of the commit, µs since 1970 UTC; of a snapshot, the time it was taken
	Place     uint64 // where the log has its commit: the LSN of the commit record
	Previous  uint64 // the end of the transaction before it, 0 where none was seen; PostgreSQL's source.sequence
	Origin    string // replication origin, "" for a local transaction
	OriginPos uint64 // the origin's LSN of the commit
	First     uint64 // where the log has its first record, 0 where that is not known

	// Order and TableOrder number the event in hand within the transaction, and among its table's events there,
	// from 1 on; 0 where the envelope has no transaction block. Readers leave them alone.
	Order, TableOrder int64
}

// Message is a logical message found in the log. Its fields are borrowed until Handler.Message returns.
type Message struct {
	Transactional bool
	Place         uint64
	// Detail is that of the position behind a message that is not transactional, as the reader has it.
	Detail  string
	Prefix  []byte
	Content []byte
	// Change is what a message of the reader's own says of an altered table, view or function; nil for others.
	Change *SchemaChange
	// Refused is why the reader has not read the content, which is too large; nil where it has.
	Refused error
}
