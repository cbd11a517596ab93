package source

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"rdip/connect/source/budget"
	"rdip/connect/source/routing"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/schema"
	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/kafka/embedded"
)

// brokerLane is the production Handler of a task that sends to an embedded broker, whose topics take so many
// bytes a batch.
func brokerLane(t *testing.T, limit string) *lane {
	t.Helper()
	b, err := embedded.Start(embedded.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	ctx, cancel := context.WithCancelCause(t.Context())
	task := &Task{Name: "shop", Registrar: numbers{}, Store: openStore(t), Log: slog.New(slog.DiscardHandler)}
	task.prepare()
	r := &run{task: task, work: ctx, fail: cancel, budget: budget.New(4 << 20)}
	made := kafka.NewCreation()
	made.Settings = map[string]string{"max.message.bytes": limit}
	p, err := kafka.New(kafka.NewConfig(b.Addr()), made, r.acked, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	r.producer = p
	if r.ledger, err = openLedger(ctx, task, p); err != nil {
		t.Fatal(err)
	}
	r.tables = newTables(routing.Naming{Prefix: "shop"}, p)
	r.tables.known = r.ledger.checkTopic
	return newLane(ctx, r, false)
}

// named is ordersLayout under another name.
func named(table string, oid uint64) *envelope.Layout {
	l := ordersLayout(0)
	l.Table.Name, l.Table.OID = table, oid
	return l
}

// K4, G1: a record that Kafka will never take stops its own table. What was gathered with it, of other
// tables, is delivered, and the position behind it becomes safe.
func TestARecordThatKafkaNeverTakesStopsItsTableAndNoOther(t *testing.T) {
	l := brokerLane(t, "20000")
	orders, notes := named("orders", 1), named("notes", 2)
	insert := func(layout *envelope.Layout, id, note string) {
		t.Helper()
		if err := l.Table(layout); err != nil {
			t.Fatal(err)
		}
		e := &envelope.Event{Op: envelope.Create, Layout: layout, After: envelope.Row{present(id), present(note), {}}}
		if err := l.Row(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Begin(&envelope.Transaction{ID: 1, Place: 10}); err != nil {
		t.Fatal(err)
	}
	insert(orders, "1", "small")
	insert(notes, "1", strings.Repeat("x", 30_000))
	insert(notes, "2", "behind the large one")
	insert(orders, "2", "small")
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := errors.Join(l.Commit(offsets.Durable{Position: at(11)}), l.Flush(), drained(soon, l))
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := l.tracker.Safe(); p != at(11) {
		t.Errorf("position %d is safe, and everything before 11 was delivered", p.Place)
	}
	stopped := l.run.ledger.record.Stopped
	if len(stopped) != 1 || !strings.Contains(stopped["public.notes"].Reason, "max.message.bytes") {
		t.Errorf("stopped: %v", stopped)
	}
	if n := l.run.task.counts.records.Load(); n != 2 {
		t.Errorf("%d records were acknowledged, not the two of the other table", n)
	}
	if used, _ := l.run.budget.Held(); used != 0 {
		t.Errorf("%d bytes are still held", used)
	}
}

// K3, K6: what ends the whole run is no table's fault: it stops none, and is not written down as if it did.
func TestTheEndOfTheRunStopsNoTable(t *testing.T) {
	gone := &fault.Error{Kind: fault.PositionLost, Op: "write to", Object: "a topic", Cause: errors.New("it was deleted"), Permanent: true}
	for name, end := range map[string]func(*lane){
		"the producer has failed": func(l *lane) { l.run.producer = failing{l.run.producer, gone} },
		"the run was failed while the budget is spent": func(l *lane) {
			for used, limit := l.run.budget.Held(); used < limit; used, limit = l.run.budget.Held() {
				if _, err := l.run.budget.Take(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			l.run.budget.Sent()
			l.run.fail(gone)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := brokerLane(t, "1000000")
			layout := ordersLayout(0)
			if err := l.Table(layout); err != nil {
				t.Fatal(err)
			}
			x := l.encodings[layout]
			x.ready = true
			end(l)
			var err error
			for range budget.ArenaRecords {
				if err == nil {
					err = l.Row(&envelope.Event{Op: envelope.Create, Layout: layout, After: envelope.Row{present("1"), {}, {}}})
				}
			}
			if !errors.Is(err, gone) {
				t.Errorf("the row ended with %v", err)
			}
			if x.stopped || len(l.run.ledger.record.Stopped) != 0 {
				t.Errorf("a table was stopped: %v", l.run.ledger.record.Stopped)
			}
		})
	}
}

// failing is a producer that has failed for good.
type failing struct {
	sinks.Producer
	with error
}

func (f failing) Send(context.Context, *sinks.Batch) error { return f.with }

// P31, K8: names with dots: two tables that read alike have their own topics.
func TestTablesWhoseNamesReadAlikeHaveTheirOwnTopics(t *testing.T) {
	l := nullLane(t, &Task{})
	for topic, table := range map[string]schema.Table{
		"shop.a_u002eb.c": {Schema: "a.b", Name: "c", OID: 1},
		"shop.a.b_u002ec": {Schema: "a", Name: "b.c", OID: 2},
	} {
		layout := ordersLayout(0)
		table.Key, table.Columns = layout.Table.Key, layout.Table.Columns
		layout.Table = &table
		if err := l.Table(layout); err != nil {
			t.Fatal(err)
		}
		if got := l.encodings[layout].Topic; got != topic {
			t.Errorf("%s.%s goes to %s, not to %s", table.Schema, table.Name, got, topic)
		}
	}
}
