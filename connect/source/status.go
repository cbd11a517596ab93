package source

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"rdip/connect/metrics"
	"rdip/connect/source/budget"
	"rdip/connect/source/deadletter"
	"rdip/internal/fault"
	"rdip/readers"
	"rdip/snapshot"
)

// State is what a task is doing.
type State uint8

// The states of a task.
const (
	StateStarting State = iota
	StateSnapshot
	StateStreaming
	StateRetrying
	StateFailed
	StateStopped
	StateFinished // every table is read, and no more was asked for (initial_only)
)

func (s State) String() string {
	return [...]string{"starting", "snapshot", "streaming", "retrying", "failed", "stopped", "finished"}[s]
}

// Status is a task at one moment.
type Status struct {
	State                             State
	Err                               error // why it retries or failed; of a running task, the last error it got over
	Retries                           int
	StoreErr                          error // the offsets file cannot be written; nothing is confirmed meanwhile
	SnapshotStarted, SnapshotFinished time.Time
	// LastProgress is when a batch was last acknowledged, a Kafka transaction ended, or the first batch was sent after
	// a time without; now while nothing is outstanding, as where an open transaction waits for more of the source's.
	LastProgress time.Time
	Idle         bool   // everything that was received is acknowledged, and with exactly once committed
	WaitingOn    string // what the task waits for, for people; "" for nothing
	Source       readers.Status
	Snapshot     snapshot.Report
	Tables       []TableStatus
	Notices      []fault.Finding
	Held         int64 // bytes in batches
	Budget       int64 // and how many may be
	Undelivered  []deadletter.Undelivered
	Position     string // durable, the source's own text
	Cluster      string // the Kafka cluster's id
	ExactlyOnce  bool   // how it delivers
	Positions    string // the topic of positions, "" where delivery is at least once
	Counts       Counts
}

// Counts are a task's totals since the start of the process.
type Counts struct {
	Batches, Records, Bytes int64                   // acknowledged
	LastCommit              int64                   // commit time of the newest acknowledged row, µs since 1970 UTC
	Latency                 metrics.HistogramCounts // from the commit at the source to Kafka's acknowledgement, a batch at a time
	Stores                  metrics.HistogramCounts // how long storing the offsets took, fsync included
	StoreErrors             int64
	Errors                  map[fault.Kind]int64
	Commits                 metrics.HistogramCounts // how long ending a Kafka transaction took, from holding the lanes back to its being durable
}

// TableStatus is one table of a task. The counts are of records handed to the producer since the start.
type TableStatus struct {
	Table, Topic                                string
	Partitions                                  int32
	Reads, Creates, Updates, Deletes, Truncates int64
	Stopped                                     *Stop
	Retained                                    int64 // bytes of log that the source keeps for it since it stopped; 0 for none
	CatchingUp                                  bool  // it goes on from an older place than the others, and is not yet as far
}

// Copies says whether tables are being read, before the stream or beside it.
func (s *Status) Copies() bool {
	return s.State == StateSnapshot || s.State == StateStreaming && !s.Snapshot.Ended && len(s.Snapshot.Tables) > 0
}

// Status is the task now. Safe for concurrent use.
func (t *Task) Status() Status {
	t.mu.Lock()
	s := Status{ExactlyOnce: t.ExactlyOnce != nil, State: t.state, Err: t.lastErr, Retries: t.retries, StoreErr: t.storeErr, Notices: t.notices,
		Counts: t.counts.read(), Undelivered: t.lost.All(), Source: readers.Status{LagBytes: -1, RetainedBytes: -1, RetainLimit: -1}}
	s.Counts.Errors = maps.Clone(t.errors)
	r, progress := t.current, t.progress
	t.mu.Unlock()
	if progress != nil {
		s.Snapshot = progress.Report()
	}
	if r == nil {
		return s
	}
	if s.State == StateStreaming {
		if windows := r.ledger.readings.Report(); len(windows.Tables) > 0 {
			s.Snapshot = windows
		}
	}
	s.Held, s.Budget = r.budget.Held()
	r.describe(&s)
	return s
}

// describe adds what the run knows. Its parts are there once the run has been opened.
func (r *run) describe(s *Status) {
	if !r.isOpen.Load() {
		return
	}
	s.Source = r.reader.Status()
	if r.exact != nil {
		s.Positions = r.exact.topic.Name
	}
	r.ledger.mu.Lock()
	s.Position, s.Cluster = r.ledger.record.Position, r.ledger.record.Cluster
	s.SnapshotStarted, s.SnapshotFinished = r.ledger.record.SnapshotStarted, r.ledger.record.SnapshotFinished
	r.ledger.mu.Unlock()
	r.progress(s)
	r.describeTables(s)
}

// describeTables adds the tables: those of which there were events, and those that are captured and had none yet.
func (r *run) describeTables(s *Status) {
	catchingUp := r.ledger.catchingUp()
	quiet := make(map[string]bool, len(r.captures))
	for _, id := range r.captures {
		quiet[id] = true
	}
	for _, t := range r.tables.all() {
		topic, stop := t.shown()
		_, behind := catchingUp[t.id]
		delete(quiet, t.id)
		s.Tables = append(s.Tables, TableStatus{Table: t.id, Topic: topic.Name, Partitions: topic.Partitions,
			Reads: t.reads.Load(), Creates: t.creates.Load(), Updates: t.updates.Load(), Deletes: t.deletes.Load(),
			Truncates: t.truncates.Load(), Stopped: stop, Retained: stop.retained(s.Source.SourcePlace), CatchingUp: behind && stop == nil})
	}
	for id := range quiet {
		s.Tables = append(s.Tables, TableStatus{Table: id})
	}
	slices.SortFunc(s.Tables, func(a, b TableStatus) int { return strings.Compare(a.Table, b.Table) })
}

// longEnd is how long a Kafka transaction may take to end before it is said that the task waits for that.
const longEnd = 10 * time.Second

// progress adds whether something is outstanding at Kafka, and since when.
func (r *run) progress(s *Status) {
	ending, open := r.exact.isEnding(), r.exact.isOpen()
	acknowledged := r.budget.IsIdle()
	s.Idle = acknowledged && !open
	s.LastProgress = *r.lastAck.Load()
	switch {
	case acknowledged && !ending:
		s.LastProgress = time.Now()
	case ending && time.Since(s.LastProgress) > longEnd:
		s.WaitingOn = "Kafka: the end of a transaction is not confirmed"
	case s.Held > s.Budget-budget.ArenaBytes:
		s.WaitingOn = "Kafka: the memory budget is full of rows that are not acknowledged"
	}
}

func (t *Task) setProgress(p *snapshot.Progress) {
	t.mu.Lock()
	t.progress = p
	t.mu.Unlock()
}

func (t *Task) setStoreError(err error) {
	t.mu.Lock()
	changed := (err == nil) != (t.storeErr == nil)
	t.storeErr = err
	t.mu.Unlock()
	if err != nil {
		t.counts.storeErrors.Add(1)
	}
	if changed && err != nil {
		text := "the offsets file cannot be written; nothing is confirmed to the source meanwhile"
		if t.ExactlyOnce != nil {
			text = "the offsets file cannot be written; it is a copy of the topic of positions only, and everything goes on"
		}
		t.Log.Error(text, "error", err)
	}
}

// counters are Counts while they grow. They are safe for concurrent use.
type counters struct {
	batches, records, bytes, lastCommit, storeErrors atomic.Int64
	latency, stores                                  metrics.Histogram

	commits metrics.Histogram
}

// acknowledged counts one batch.
func (c *counters) acknowledged(records, bytes int) {
	c.batches.Add(1)
	c.records.Add(int64(records))
	c.bytes.Add(int64(bytes))
}

// late counts how long after its commit a batch's newest row was acknowledged.
func (c *counters) late(micros int64) {
	c.lastCommit.Store(micros)
	c.latency.Observe(time.Duration(time.Now().UnixMicro()-micros)*time.Microsecond, 1)
}

// committed counts one Kafka transaction, whose newest row was committed at the source at micros; 0 for none.
func (c *counters) committed(took time.Duration, micros int64) {
	c.commits.Observe(took, 1)
	if micros > 0 {
		c.late(micros)
	}
}

func (c *counters) read() Counts {
	return Counts{Batches: c.batches.Load(), Records: c.records.Load(), Bytes: c.bytes.Load(), LastCommit: c.lastCommit.Load(),
		Latency: c.latency.Counts(), Stores: c.stores.Counts(), StoreErrors: c.storeErrors.Load(),
		Commits: c.commits.Counts()}
}
