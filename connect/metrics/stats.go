// Package metrics shows what a daemon does as Prometheus metrics, named rdip_*. Nothing on the way of an
// event touches Prometheus: the runtime counts with atomics, and a scrape asks it once for all of them.
package metrics

import "time"

// Source is the runtime as a scrape sees it. Snapshot may be called by any goroutine at any time, reads
// counters and locks nothing that an event waits for; what it returns belongs to the caller.
type Source interface {
	Snapshot() []ConnectorStats
}

// Unknown is a size or a duration that cannot be told now; its metric is then absent, and never 0.
const Unknown = -1

// ConnectorStats is one connector. Counters count from the start of the process. Sizes are bytes.
type ConnectorStats struct {
	Name  string
	State string // RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED, as Kafka Connect calls them
	// Tables in any order, each once.
	Tables []TableStats

	Batches uint64 // acknowledged
	Records uint64 // acknowledged: events, their tombstones, heartbeats
	Bytes   uint64 // acknowledged: keys and values, before compression

	LagBytes         int64         // between the end of the source's log and what is durable; or Unknown
	Lag              time.Duration // age of the newest commit that is durable, 0 when caught up; or Unknown
	RetainedBytes    int64         // log that the source keeps for this connector (P68); or Unknown
	RetainLimitBytes int64         // the source's own limit of it; Unknown for none
	RetainedAlarm    int           // 0 below the thresholds, 1 from half of the limit on, 2 from 80%
	Orphans          int           // slots of nobody's on the source's server
	QueueBytes       int64         // rows received and not yet acknowledged
	BudgetBytes      int64         // the most that QueueBytes may be (G8)

	LastEvent time.Time // when the newest event was received; zero for none
	LastWire  time.Time // when the source last sent anything; zero for never

	CommitLatency HistogramCounts // from the commit at the source to Kafka's acknowledgement
	OffsetCommits HistogramCounts // how long storing the offsets took, sync included
	OffsetErrors  uint64          // attempts to store them that failed (O4)

	Transactions HistogramCounts // how long ending a Kafka transaction took; one each that was committed

	Reconnects       uint64
	Undelivered      []UndeliveredStats
	Errors           []Count // by the kind of the failure (fault.Kind)
	RegistryRequests []Count // by outcome, such as "ok", "refused", "unreachable"
}

// TableStats is one captured table.
type TableStats struct {
	Table string // schema.table

	Reads, Creates, Updates, Deletes, Truncates uint64 // events, by op

	SnapshotRows  int64 // rows of the snapshot that Kafka has acknowledged; Unknown if it has none
	SnapshotTotal int64 // the planner's estimate; or Unknown

	// Of the same snapshot, or Unknown: parts that are left, rows a second, seconds that are left by estimate.
	SnapshotChunksLeft, SnapshotPace, SnapshotSeconds int64

	Stopped  bool  // it waits to be resumed, while the others go on
	Retained int64 // log that the source keeps for it since then; 0 for none
}

// UndeliveredStats counts what of one table, or of the logical messages, was not delivered for one reason.
type UndeliveredStats struct {
	Table, Reason string
	Skipped       bool // there is no topic for dead letters
	N             uint64
}

// Count is a counter of one kind of thing.
type Count struct {
	Kind string
	N    uint64
}
