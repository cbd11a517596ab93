package source

import (
	"sync/atomic"
	"time"

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
)

func (s State) String() string {
	return [...]string{"starting", "snapshot", "streaming", "retrying", "failed", "stopped"}[s]
}

// Status is a task at one moment.
type Status struct {
	State    State
	Err      error // why it retries or failed; of a running task, the last error it got over
	Retries  int
	StoreErr error // the offsets file cannot be written; nothing is confirmed meanwhile
	// Repeated: a snapshot was cut off and is read again; old states may follow newer ones until the stream
	// has caught up.
	Repeated bool
	Source   readers.Status
	Snapshot snapshot.Report
	Tables   []TableStatus
	Notices  []fault.Finding
	Held     int64  // bytes in batches
	Budget   int64  // and how many may be
	Position string // durable, the source's own text
	Batches  int64
	Latency  Latency
	Stores   int64         // writes of the offsets file
	Storing  time.Duration // spent on them
}

// TableStatus is one table of a task. The counts are of records handed to the producer since the start.
type TableStatus struct {
	Table, Topic                                string
	Partitions                                  int32
	Reads, Creates, Updates, Deletes, Truncates int64
	LastMicros                                  int64 // commit time of the newest event, µs since 1970 UTC
	Stopped                                     *Stop
}

// Status is the task now. Safe for concurrent use.
func (t *Task) Status() Status {
	t.mu.Lock()
	s := Status{State: t.state, Err: t.lastErr, Retries: t.retries, StoreErr: t.storeErr, Notices: t.notices,
		Stores: t.stores, Storing: t.storing, Latency: t.latency.read(), Batches: t.latency.count()}
	r, progress := t.current, t.progress
	t.mu.Unlock()
	if progress != nil {
		s.Snapshot = progress.Report()
	}
	if r == nil {
		return s
	}
	s.Held, s.Budget = r.budget.held()
	r.describe(&s)
	return s
}

// describe adds what the run knows. Its parts are there once the run has been opened.
func (r *run) describe(s *Status) {
	if !r.isOpen.Load() {
		return
	}
	s.Source = r.reader.Status()
	r.ledger.mu.Lock()
	s.Repeated, s.Position = r.ledger.resume.Repeated, r.ledger.record.Position
	r.ledger.mu.Unlock()
	for _, t := range r.tables.all() {
		s.Tables = append(s.Tables, TableStatus{Table: t.id, Topic: t.target.Name, Partitions: t.target.Partitions,
			Reads: t.reads.Load(), Creates: t.creates.Load(), Updates: t.updates.Load(), Deletes: t.deletes.Load(),
			Truncates: t.truncates.Load(), LastMicros: t.lastMicros.Load(), Stopped: t.stop()})
	}
}

func (t *Task) notice(n []fault.Finding) {
	t.mu.Lock()
	t.notices = n
	t.mu.Unlock()
	for _, f := range n {
		t.Log.Warn(f.String())
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
	if changed && err != nil {
		t.Log.Error("the offsets file cannot be written; nothing is confirmed to the source meanwhile", "error", err)
	}
}

func (t *Task) stored(took time.Duration) {
	t.mu.Lock()
	t.stores++
	t.storing += took
	t.mu.Unlock()
}

// latencyBounds are the upper bounds of Latency's buckets.
var latencyBounds = [...]time.Duration{time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
	20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}

// Latency counts batches by the time from the commit of their newest row to their acknowledgement.
type Latency struct {
	Bounds [len(latencyBounds)]time.Duration
	Counts [len(latencyBounds) + 1]int64 // the last one: above every bound
	Sum    time.Duration
}

// latency collects a Latency. It is safe for concurrent use.
type latency struct {
	counts [len(latencyBounds) + 1]atomic.Int64
	sum    atomic.Int64
}

func (l *latency) observe(d time.Duration) {
	i := 0
	for i < len(latencyBounds) && d > latencyBounds[i] {
		i++
	}
	l.counts[i].Add(1)
	l.sum.Add(int64(d))
}

func (l *latency) read() Latency {
	out := Latency{Bounds: latencyBounds, Sum: time.Duration(l.sum.Load())}
	for i := range l.counts {
		out.Counts[i] = l.counts[i].Load()
	}
	return out
}

func (l *latency) count() int64 {
	var n int64
	for i := range l.counts {
		n += l.counts[i].Load()
	}
	return n
}
