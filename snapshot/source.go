// Package snapshot copies tables as they stood at one moment: it plans chunks, reads them over several
// connections at once, marks the first and last rows and reports progress, for every database alike.
package snapshot

import (
	"context"

	"rdip/envelope"
	"rdip/offsets"
	"rdip/schema"
)

// Source is one consistent state of a database, which several connections can read at once.
type Source interface {
	// Plan cuts the captured tables into chunks, in the order in which they should be read.
	Plan(ctx context.Context) ([]TablePlan, error)
	// Lane opens one more connection into the same state. Its caller closes it.
	Lane(ctx context.Context) (Lane, error)
	// Transaction describes the state: its time, its place in the log, the transaction that took it. It is
	// handed to every lane's Handler.Begin.
	Transaction() envelope.Transaction
	// Position is where the stream goes on from the snapshot without a gap.
	Position() offsets.Position
	// Close lets the state go.
	Close(ctx context.Context) error
}

// Lane reads chunks over one connection, one at a time.
type Lane interface {
	// Read hands every row of the chunk to h.Row, after h.Table with the table's layout. It calls neither
	// Begin nor Commit. Rows are borrowed until h.Row returns; Mark is set by h's wrapper, not by the lane.
	Read(ctx context.Context, c Chunk, h envelope.Handler) error
	Close(ctx context.Context) error
}

// TablePlan is one table's share of the work.
type TablePlan struct {
	Table  *schema.Table
	Rows   int64 // the planner's estimate, -1 where unknown
	Bytes  int64 // size on disk, for weighing tables against one another
	Chunks []Chunk
	// Rank puts tables in order: those with a lower one come first, those with the same as is fastest.
	Rank int
	// Lanes is how many lanes read the table at once at most; 0 for any number.
	Lanes int
	// Saved is the plan as text (JSON) for Live.Restore, so that a chunk keeps its meaning over a restart.
	Saved string
}

// Chunk is a part of a table that one lane reads in one go.
type Chunk struct {
	Table *schema.Table
	Index int // in its TablePlan
	// Range is the source's own description of the part: a PostgreSQL ctid range. Opaque to this package.
	Range any
	Bytes int64 // estimate
	// Rest is the text that Live.Rest makes it again from, where it is what a window left of a chunk; else "".
	Rest string
	// RestHasKeys: values of the table's key are in Rest.
	RestHasKeys bool
}
