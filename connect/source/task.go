// Package source runs a source connector's task: it opens the reader, copies the first snapshot, follows
// the log, and keeps the order that never loses: acknowledged by Kafka, then fsynced, then the source told.
//
// What stands alone has a package below this one: which columns a row has (columns), where its record goes (routing), how it
// comes into a batch (records), what stands for it where it cannot be delivered (deadletter), what is written beside the
// tables' topics (owntopics), what a person asks (signals), the bound of memory (budget), and where Kafka transactions end
// (gate). Here is what ties them together:
//
//   - a task and its runs: task.go, run.go, modes.go, resume.go, status.go; the configuration: config.go, judge.go
//   - a row on its way: lane.go, record.go, tables.go, lane_route.go, undone.go
//   - what is told of its transaction: transactions.go, missing.go, own.go, messages.go
//   - what cannot be delivered: deadletter.go, quarantine.go
//   - what is read beside the log: windows.go, ask.go, signals.go, signal_act.go, signal_table.go
//   - what is durable: ledger.go, ledger_signals.go, commit.go
//   - and exactly once: exactly_once.go, whole.go, ledger_topic.go, cache.go, restore.go, foresee.go
package source

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"rdip/connect/source/columns"
	"rdip/connect/source/deadletter"
	"rdip/connect/source/owntopics"
	"rdip/connect/source/records"
	"rdip/connect/source/routing"
	"rdip/connect/source/signals"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
	"rdip/sinks"
	"rdip/snapshot"
)

// Task captures one database. Its exported fields are set before Run and not changed afterwards.
type Task struct {
	Name            string // the connector's
	Prefix          string // topic.prefix
	Kind            string // the reader's name as Debezium has it: "postgresql"
	Envelope        envelope.Options
	Naming          routing.Naming     // of topics; without a prefix it has Prefix
	Reshape         *columns.Reshape   // columns, masks and keys; nil: as the reader has them
	SkipUnchanged   bool               // skip.messages.without.change
	Keys, Values    records.Format     // key.converter, value.converter
	Tombstones      bool               // tombstones.on.delete
	ExtendedHeaders bool               // extended.headers.enabled
	Skipped         Ops                // skipped.operations
	Own             owntopics.Settings // what is written beside the tables' topics
	Signals         signals.Channels   // what a person asks while the log is streamed
	Errors          deadletter.Errors  // what becomes of rows that cannot be delivered
	Memory          int64              // bytes of row data that may be under way, with what is reserved
	Reserved        int64              // bytes of Memory that the reader keeps for itself; at most half of it counts
	SnapshotLanes   int                // connections that copy the snapshot
	SnapshotOnly    bool               // the task ends well once every table is read (initial_only)
	NoData          bool               // tables count as read before they are (no_data)
	WindowBytes     int                // of rows that are read while the log is streamed; 0: 4 MiB, or an eighth of Memory where that is less
	FlushInterval   time.Duration      // between two writes of the offsets file
	DrainTimeout    time.Duration      // how long a stop waits for acknowledgements
	ExactlyOnce     *ExactlyOnce       // nil: delivery is at least once
	RunID           string             // tells one start of the daemon from another, in extended headers

	Registrar   records.Registrar
	Store       *offsets.Store
	NewReader   func() (readers.Reader, error)
	NewProducer func(sinks.Acks) (sinks.Producer, error)
	Log         *slog.Logger

	contextHeaders []sinks.Header
	keyOnlyHeaders []sinks.Header

	mu       sync.Mutex
	state    State
	lastErr  error
	retries  int
	current  *run
	progress *snapshot.Progress
	notices  []fault.Finding
	storeErr error
	errors   map[fault.Kind]int64
	counts   counters
	lost     deadletter.Counts
	stay     map[string]bool // tables that the next run leaves as they stopped
	begun    []chan<- error  // wait for the next run to stream
}

// Ops is a set of operations.
type Ops uint32

// With is the set with op added.
func (s Ops) With(op envelope.Op) Ops { return s | 1<<(op-'a') }

func (s Ops) has(op envelope.Op) bool { return s&(1<<(op-'a')) != 0 }

const (
	firstBackoff = 500 * time.Millisecond
	lastBackoff  = 30 * time.Second
	steadyAfter  = time.Minute // a run this long makes the next backoff the first again
)

// Run captures until ctx ends or an error is permanent. Transient errors are retried for ever, with a
// growing, jittered pause. When ctx ends it drains, and returns nil if all that was read is durable, else
// an error of fault.NotDrained.
func (t *Task) Run(ctx context.Context) error {
	t.prepare()
	pause := firstBackoff
	for {
		began := time.Now()
		err := t.once(ctx)
		switch {
		case errors.Is(err, errFinished):
			return t.end(StateFinished, nil)
		case errors.Is(err, errAgain):
			pause = firstBackoff
			continue
		case ctx.Err() != nil:
			return t.end(StateStopped, err)
		case err == nil:
			err = errors.New("the source ended the stream")
		case fault.IsPermanent(err):
			return t.end(StateFailed, err)
		}
		if time.Since(began) > steadyAfter {
			pause = firstBackoff
		}
		t.retry(err, pause)
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return t.end(StateStopped, nil)
		}
		pause = min(2*pause, lastBackoff)
	}
}

func (t *Task) prepare() {
	if t.Own.Transactions {
		t.Envelope.TransactionID = t.Own.Origin.TransactionID
	}
	if t.ExtendedHeaders {
		t.contextHeaders = contextHeaders(t.Prefix, t.Kind, t.RunID)
	}
	t.keyOnlyHeaders = records.Joined([]sinks.Header{{Key: envelope.BeforeHeader, Value: []byte("key")}}, t.contextHeaders)
}

func (t *Task) end(s State, err error) error {
	t.mu.Lock()
	t.state, t.lastErr, t.current = s, err, nil
	t.count(err)
	t.hasBegun(&fault.Error{Op: "begin the stream of connector", Object: t.Name, Cause: cmp.Or(err, errors.New("it was stopped"))})
	t.mu.Unlock()
	if s == StateFailed { // the others run on, so that nothing else tells it
		t.Log.Error("the connector has failed, and waits for rdip restart or rdip reload", "error", err)
	} else {
		t.Log.Info("connector", "state", s.String())
	}
	return err
}

func (t *Task) retry(err error, pause time.Duration) {
	t.mu.Lock()
	t.state, t.lastErr, t.current = StateRetrying, err, nil
	t.retries++
	t.count(err)
	t.mu.Unlock()
	t.Log.Warn("the connector starts again from its durable position", "error", err, "pause", pause)
}

// count counts an error by its kind. The caller holds mu.
func (t *Task) count(err error) {
	if err == nil {
		return
	}
	if t.errors == nil {
		t.errors = map[fault.Kind]int64{}
	}
	t.errors[fault.KindOf(err)]++
}

func (t *Task) enter(s State, r *run) {
	t.mu.Lock()
	t.state, t.current = s, r
	if s == StateStreaming {
		t.hasBegun(nil)
	}
	t.mu.Unlock()
	t.Log.Info("connector", "state", s.String())
}

// SetMemory changes how many bytes of row data may be under way, of a run too: where that is less than
// before, reading waits until enough is acknowledged. Safe for concurrent use.
func (t *Task) SetMemory(bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Memory = bytes
	if t.current != nil {
		t.current.budget.Resize(t.underWay())
	}
}

// memory is how many bytes of rows may be in batches.
func (t *Task) memory() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.underWay()
}

// underWay is memory; the caller holds mu.
func (t *Task) underWay() int64 { return t.Memory - min(t.Reserved, t.Memory/2) }
