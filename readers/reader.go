// Package readers holds the contract that every database's reader fulfils.
package readers

import (
	"context"
	"time"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/snapshot"
)

// A Reader captures one database. Its methods are called by one task, in the order Check, Free, Open, then
// Snapshot (if one is due) and Stream; Confirm and Status may be called at any time, by any goroutine.
type Reader interface {
	// Check reports every finding, each with its fix, and changes nothing.
	Check(ctx context.Context) []fault.Finding
	// Free returns once nobody else reads as this connector (PostgreSQL: from its slot), or with the error that names who
	// does, having waited as long as is configured. It changes nothing. A task that delivers exactly once asks it before
	// it shuts out whoever writes to the sink under its name, which a healthy one would not survive (D7).
	Free(ctx context.Context) error
	// Open reconciles the stored state with the source: it makes what is missing on a first start
	// (PostgreSQL: publication, then slot), and never moves past a gap: a position that the source no
	// longer serves is an error of fault.PositionLost with the gap and the repair command.
	Open(ctx context.Context, stored Stored) (Resume, error)
	// Snapshot is the consistent state to copy first; only when Resume.Snapshot says so.
	Snapshot() snapshot.Source
	// Live reads tables while Stream runs. It may be asked for at any time, and ends with Close.
	Live() snapshot.Live
	// Stream tells the source that everything before from is durable, so an earlier position cannot be asked
	// for afterwards. It reads the log from there until ctx ends or the source fails, calling h on its own
	// goroutine. It answers the source's keepalives whatever h does. An error of h is returned as it is.
	Stream(ctx context.Context, from offsets.Position, h envelope.Handler) error
	// Confirm says that everything before p is durable: the source may discard it. Monotonic: an older
	// position than one confirmed before is ignored.
	Confirm(p offsets.Position)
	// EncodePosition and DecodePosition turn a position into the source's own text (JSON), for the store
	// and for people, and back.
	EncodePosition(p offsets.Position) string
	DecodePosition(text string) (offsets.Position, error)
	// Status is how far behind the source the reader is, for status and metrics.
	Status() Status
	Close(ctx context.Context) error
}

// Stored is what the offsets file knows of a connector; zero on a first start.
type Stored struct {
	Identity string           // the source's identity as Resume gave it, "" on a first start
	Position offsets.Position // zero while the first snapshot has not finished
	// SnapshotDone: the initial snapshot was finished, or was not asked for.
	SnapshotDone bool
	// SnapshotBegan: rows of a first snapshot may have been delivered, so that what was made for it must
	// still be there.
	SnapshotBegan bool
	// Keep stores the identity before Open makes anything on the source, so that what a crash leaves behind
	// is known to be ours. Nil where nothing is stored.
	Keep func(identity string) error
}

// Resume is how Open found the source.
type Resume struct {
	Identity string // the source's identity as JSON: system identifier, timeline, slot; kept beside the position
	// Snapshot: the tables are to be copied first, from Reader.Snapshot. Whatever is stored of an earlier position
	// and of earlier snapshots is void then: the source was lost, and the configuration asks to begin anew.
	Snapshot bool
	// Again: the configuration asks for every table to be read once more, while the log is streamed.
	Again bool
	// Logged is, by table, what has the source log the changes of each captured table: PostgreSQL's entry in the publication.
	// Where it is another than at an earlier start, changes in between may be in no log. Nil where the source logs all.
	Logged map[string]string
	// From is where the stream begins.
	From offsets.Position
	// Notices are for the log and for status.
	Notices []fault.Finding
}

// Status is a reader's view of its source. Times are zero and sizes -1 where they are not known.
type Status struct {
	Connected     bool
	LastWire      time.Time // of the last bytes from the source, with a monotonic reading: liveness is wire activity
	SourcePlace   uint64
	ReadPlace     uint64
	LagBytes      int64  // between the source's end of log and what was confirmed
	RetainedBytes int64  // log that the source keeps for us
	RetainLimit   int64  // the source's own limit of it (PostgreSQL: max_slot_wal_keep_size), -1 for none
	Detail        string // one line for people: slot, publication, timeline
}
