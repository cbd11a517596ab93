package source

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"rdip/connect/source/gate"
	"rdip/connect/source/routing"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/sinks"
	"rdip/snapshot"
)

// A source transaction that is longer than the brokers' limit never passes; a Kafka or a registry that was away does.
func TestATransactionThatOutlastsTheBrokersLimitIsToldFromAnOutage(t *testing.T) {
	for name, c := range map[string]struct {
		lastSent  time.Duration // ago
		permanent bool
		says      string
	}{
		"rows still went out":                  {time.Second, true, "outlasts transaction.timeout.ms (15m0s)"},
		"nothing went out for a good part":     {10 * time.Minute, false, "nothing could be sent for 10m0s"},
		"nothing went out for the whole of it": {14 * time.Minute, false, "transaction.timeout.ms is 15m0s"},
	} {
		x := &transactor{run: &run{task: &Task{Name: "shop"}}, options: &ExactlyOnce{Timeout: 15 * time.Minute}, born: time.Now().Add(-time.Hour)}
		x.sentLast.Store(x.now() - int64(c.lastSent))
		if err := x.outlasts(); fault.IsPermanent(err) != c.permanent || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// In a first snapshot the lanes wait for the slowest at each end: the longer that takes, the more seldom it is.
func TestEndsOfTransactionsInASnapshotAreAsSeldomAsTheyAreLong(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{0: time.Second, 50 * time.Millisecond: time.Second, 2 * time.Second: 20 * time.Second, time.Hour: 112500 * time.Millisecond} {
		x := &transactor{options: &ExactlyOnce{Interval: 100 * time.Millisecond, Timeout: 15 * time.Minute}}
		x.took.Store(int64(took))
		if got := x.snapshotPause(); got != want {
			t.Errorf("after one of %v the next comes in %v, want %v", took, got, want)
		}
	}
}

// G2: of a table that stopped in the middle of a transaction, the rows that were delivered are known and passed over.
func TestRowsBeforeTheOneAtWhichATableStoppedArePassedOver(t *testing.T) {
	l := &lane{run: &run{exact: &transactor{}}, encodings: nil}
	x := &encoding{table: &table{id: "public.orders"}}
	l.tx.Place = 50
	for range 4 {
		if l.wasDelivered(x) {
			t.Fatal("a row that never came was delivered")
		}
	}
	l.inside = true
	s := l.stopAt(x.table, gate.ErrNotWhole)
	if s.Within != 50 || s.Rows != 3 {
		t.Fatalf("stopped at %+v; three rows were delivered, and the fourth was not", s)
	}
	again := &encoding{table: &table{id: "public.orders"}}
	again.table.told.before, again.table.told.first = s.Within, s.Rows
	var got []bool
	for _, place := range []uint64{50, 50, 50, 50, 50, 60, 60} {
		l.tx.Place = place
		got = append(got, l.wasDelivered(again))
	}
	for i, delivered := range got {
		if delivered != (i < 3) {
			t.Errorf("row %d of those that come again: delivered %v", i+1, delivered)
		}
	}
}

// G3: what a caller had gathered into a transaction that failed is not durable, though nothing is left to commit.
func TestACommitBehindAFailedOneFails(t *testing.T) {
	lost := errors.New("the brokers aborted it")
	for range 50 { // which of a free turn and a failed run is seen first is by chance
		work, fail := context.WithCancelCause(t.Context())
		r := &run{task: &Task{Name: "shop"}, work: work, fail: fail}
		r.ledger = &ledger{task: r.task, readings: snapshot.NewReadings(nil, nil)}
		x := newTransactor(r, nil, sinks.Topic{})
		r.ledger.exact = x
		fail(lost)
		if err := x.commit(); !errors.Is(err, lost) {
			t.Fatalf("commit gave %v", err)
		}
	}
}

// G8: the chunks of a reading that goes on for days are handed to the transaction that ends next, and kept nowhere else.
func TestChunksAreHeldUntilTheNextCommitAndNoLonger(t *testing.T) {
	r := &run{task: &Task{Name: "shop"}, tables: newTables(routing.Naming{Prefix: "shop"}, nil)}
	r.exact = newTransactor(r, nil, sinks.Topic{})
	l := newLane(t.Context(), r, true)
	for range 100 {
		if err := l.Commit(offsets.Durable{Chunk: &offsets.Chunk{Table: "public.orders"}}); err != nil {
			t.Fatal(err)
		}
	}
	var in reached
	l.reached.take(&in)
	if kept := len(l.tracker.TakeChunks()); len(in.chunks) != 100 || kept != 0 {
		t.Errorf("%d of 100 chunks are committed, and %d are kept", len(in.chunks), kept)
	}
}
