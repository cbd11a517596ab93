package source

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"rdip/connect/source/budget"
	"rdip/connect/source/routing"
	"rdip/envelope"
	"rdip/offsets"
	"rdip/readers/postgres"
	"rdip/sinks/kafka"
	"rdip/sinks/kafka/embedded"
)

// transactedLane is a stream's lane that sends to an embedded broker in transactions.
func transactedLane(t *testing.T) (*lane, *embedded.Broker) {
	t.Helper()
	b, err := embedded.Start(embedded.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	ctx, cancel := context.WithCancelCause(t.Context())
	task := &Task{Name: "shop", Prefix: "shop", Registrar: numbers{}, Store: openStore(t), Log: slog.New(slog.DiscardHandler),
		ExactlyOnce: &ExactlyOnce{Interval: time.Second, Bytes: 1 << 30, Timeout: time.Minute, Form: plainForm{}}}
	task.prepare()
	r := &run{task: task, work: ctx, fail: cancel, budget: budget.New(4 << 20), reader: postgres.New("shop", postgres.Config{})}
	r.acknowledgedNow()
	c := kafka.NewConfig(b.Addr())
	c.Transactions = kafka.Transactions{ID: "rdip-shop", Required: true, Timeout: time.Minute, Positions: kafka.PositionsTopic{Name: "positions", Partitions: 1, Replication: 1}}
	p, err := kafka.New(c, kafka.NewCreation(), r.acked, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(ctx) })
	t.Cleanup(func() { cancel(context.Canceled) })
	r.producer = p
	if r.ledger, err = openLedger(ctx, task, p); err != nil {
		t.Fatal(err)
	}
	if err := r.restore(ctx); err != nil {
		t.Fatal(err)
	}
	r.tables = newTables(routing.Naming{Prefix: "shop"}, p)
	r.tables.known = r.ledger.checkTopic
	l := newLane(ctx, r, false)
	r.exact.serve(l)
	r.isOpen.Store(true)
	task.enter(StateStreaming, r)
	return l, b
}

// D5, K2: rows that are acknowledged and not committed are seen by no reader of committed records: while their transaction
// does not end the task is not idle, and makes no progress; on a quiet source too.
func TestATaskIsNotIdleWhileItsKafkaTransactionDoesNotEnd(t *testing.T) {
	l, b := transactedLane(t)
	long := time.Now().Add(-time.Hour)
	l.run.lastAck.Store(&long) // it was quiet for an hour
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: 1})
	orders := ordersLayout(0)
	hand(t, l, 5, &envelope.Event{Op: envelope.Create, Layout: orders, After: row("1", "a")})
	if s := l.run.task.Status(); s.Idle || time.Since(s.LastProgress) > time.Minute {
		t.Errorf("with its first rows for an hour under way: idle %t, progress %v ago", s.Idle, time.Since(s.LastProgress))
	}
	if err := drained(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	l.run.lastAck.Store(&long)
	if s := l.run.task.Status(); s.Idle || time.Since(s.LastProgress) > time.Minute || s.WaitingOn != "" {
		t.Errorf("between rows and the end of their transaction: idle %t, progress %v ago, waiting on %q", s.Idle, time.Since(s.LastProgress), s.WaitingOn)
	}
	refusal := b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.CoordinatorNotAvailable, Count: -1})
	committed := make(chan error, 1)
	go func() { committed <- l.run.exact.commit() }()
	soon, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := refusal.Wait(soon, 1); err != nil {
		t.Fatal(err)
	}
	l.run.lastAck.Store(&long)
	if s := l.run.task.Status(); s.Idle || !s.LastProgress.Equal(long) || s.WaitingOn == "" {
		t.Errorf("while the coordinator refuses to end it: idle %t, progress %v ago, waiting on %q", s.Idle, time.Since(s.LastProgress), s.WaitingOn)
	}
	refusal.Remove()
	if err := <-committed; err != nil {
		t.Fatal(err)
	}
	if s := l.run.task.Status(); !s.Idle || time.Since(s.LastProgress) > time.Minute || s.WaitingOn != "" {
		t.Errorf("once it is committed: idle %t, progress %v ago, waiting on %q", s.Idle, time.Since(s.LastProgress), s.WaitingOn)
	}
	// A position alone, after another hour: what begins now has not stood still.
	l.run.lastAck.Store(&long)
	l.reach(offsets.Position{Place: 1000})
	if err := l.run.exact.commit(); err != nil {
		t.Fatal(err)
	}
	if at := *l.run.lastAck.Load(); time.Since(at) > time.Minute {
		t.Errorf("a transaction of a position alone is no progress: the last was %v ago", time.Since(at))
	}
}
