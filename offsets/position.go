// Package offsets keeps where a connector stands: the positions of its source, which of them Kafka has
// acknowledged (Tracker), and the file that survives a crash (Store, bbolt).
package offsets

// Position is a place in a source's log between two transactions: resuming there repeats nothing that
// came before it and misses nothing that comes after. It is a small value so that a commit allocates
// nothing; what it means is known to its reader alone, which also writes and reads its stored text (JSON,
// see readers.Reader). The zero Position is no position.
type Position struct {
	// Place grows along the log. PostgreSQL: the LSN behind the commit record (its end_lsn).
	Place uint64
	// Detail is what a number cannot hold, such as a set of GTIDs. Empty for PostgreSQL.
	Detail string
}

// IsZero says whether p is no position.
func (p Position) IsZero() bool { return p == Position{} }

// Durable is what becomes safe once every record before it is acknowledged: a position of the stream, or
// a finished chunk of a snapshot. Exactly one of the two is set.
type Durable struct {
	Position Position
	Chunk    *Chunk
}

// Chunk names one finished part of a table's snapshot.
type Chunk struct {
	Table string // schema.table, as schema.Table.ID gives it
	Index int    // in the table's plan; -1 for rows that end none of its chunks
	Rows  int64
	// Rest is what a window left of its chunk, so that what went out is not read again; nil where it left nothing.
	Rest *ChunkRest
	// Window numbers the part of a snapshot.Windows that ended; 0 in a first snapshot.
	Window uint64
}

// ChunkRest is what is left of a chunk that windows have taken a part of. It is immutable.
type ChunkRest struct {
	Index int    `json:"index"`          // in the table's plan
	Text  string `json:"text"`           // the source's own
	Keys  bool   `json:"keys,omitempty"` // values of the table's key are in it
}
