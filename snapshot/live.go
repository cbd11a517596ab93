package snapshot

import (
	"context"
	"errors"

	"rdip/envelope"
	"rdip/schema"
)

// Live reads tables while their log is being streamed: each part as of a moment of its own, put in order with
// the stream by a window between two places of the log. Its methods may be called by several goroutines.
type Live interface {
	// Captured lists the tables that are captured now, in the order in which they should be read.
	Captured(ctx context.Context) ([]*schema.Table, error)
	// Plan cuts tables as they are now. A table that is not captured, or a predicate that the source refuses,
	// is an error that names it.
	Plan(ctx context.Context, asked []Asked) ([]TablePlan, error)
	// Restore makes a plan again from its Saved text, chunk for chunk. same is false where the table was
	// rewritten or replaced since, so that the saved parts mean nothing any more (P69): plan is a new one then.
	Restore(ctx context.Context, asked Asked, saved string) (plan TablePlan, same bool, err error)
	// Rest is what is left of a chunk of a restored plan: the text is the Rest of one that LiveLane.Read gave.
	Rest(c Chunk, text string) (Chunk, error)
	// Keys is a chunk of the rows that have these keys, of those that were asked for: the values in the order of t.Key,
	// as the source writes them.
	Keys(t *schema.Table, keys [][]string, asked Asked) (Chunk, error)
	// Mark is a place of the log behind everything that was committed before the call. It sees to it that the
	// stream gets there soon, whether or not anything else is written (PostgreSQL: a logical message; on a
	// standby the replayed place).
	Mark(ctx context.Context) (place uint64, err error)
	// Lane opens a connection for reading.
	Lane(ctx context.Context) (LiveLane, error)
	// Exact is a state at an exact place of the stream: its Transaction().Place, which lies ahead of all that the
	// stream has delivered, if the stream is held while Exact runs. For tables without a key, which no window
	// can put in order (P71).
	Exact(ctx context.Context, asked []Asked) (Source, error)
}

// Asked is a table to read, and which of its rows.
type Asked struct {
	Table string     // its schema.Table.ID
	Where string     // a predicate in the source's language; "" for all rows
	Keys  [][]string // only the rows with these keys, as Live.Keys takes them; nil for all rows
	// ByHand: somebody asked for it, so that it is read although the configuration leaves the table out of
	// snapshots. Without it such a table's plan has no chunk.
	ByHand bool
	// Anew: what is under way of the table is void, and is begun again.
	Anew bool
}

// LiveLane reads chunks over one connection, each from a snapshot that Begin took. It serves one goroutine.
type LiveLane interface {
	// Begin takes a new snapshot and lets the one before go.
	Begin(ctx context.Context) (View, error)
	// Read hands the rows of c to h as Lane.Read does, and lets the snapshot go, with every lock: the stream may be
	// long in reaching the window's end. Where h.Row returns ErrFull, having taken the row, Read ends without an
	// error: rest is the part of c behind that row, with its text, nil where nothing is left.
	Read(ctx context.Context, c Chunk, h envelope.Handler) (rest *Chunk, err error)
	Close(ctx context.Context) error
}

// View is what a snapshot shows. It is immutable and may be used by any goroutine.
type View interface {
	// Transaction describes the snapshot, as Source.Transaction does.
	Transaction() envelope.Transaction
	// Sees says whether the effects of a committed transaction are in the snapshot; id and place are those of
	// the log's Begin. A commit may be in the log and not yet be seen (P67). Where a source cannot tell it of a
	// commit that is about as old as the snapshot (a standby), it says no.
	Sees(id, place uint64) bool
	// Running lists the transactions that were in progress when the snapshot was taken, at least every one that was
	// so before Begin was called, and none that the snapshot sees. A view sees everything that an earlier view saw.
	Running() []uint64
}

// ErrFull is returned by a Handler that took the row and wants no more of the chunk now.
var ErrFull = errors.New("the window is full")

// ErrRewritten is wrapped by an error of LiveLane.Read: the table was rewritten, truncated or replaced since its
// plan was made, so that the plan's chunks mean nothing any more (P69).
var ErrRewritten = errors.New("the table was rewritten since its snapshot was planned (P69)")
