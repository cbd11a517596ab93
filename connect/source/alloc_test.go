package source

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"

	"rdip/connect/source/budget"
	"rdip/connect/source/owntopics"
	"rdip/connect/source/records"
	"rdip/connect/source/routing"
	"rdip/connect/source/sourcetest"
	"rdip/envelope"
	"rdip/offsets"
	"rdip/sinks"
	"rdip/sinks/null"
)

// mostPerRow is what a row may cost in allocations: those of its batch, divided among the batch's rows.
const mostPerRow = 0.01

// numbers is a registry that knows every schema.
type numbers struct{}

func (numbers) ID(context.Context, string, string) (int32, error) { return 1, nil }

// nullLane is the production Handler of a task whose producer keeps nothing.
func nullLane(t *testing.T, task *Task) *lane {
	t.Helper()
	task.Registrar, task.Log = numbers{}, slog.New(slog.DiscardHandler)
	task.prepare()
	ctx, cancel := context.WithCancelCause(t.Context())
	r := &run{task: task, work: ctx, fail: cancel, budget: budget.New(32 << 20)}
	r.producer = null.New(4, r.acked)
	r.tables = newTables(task.shopNaming(), r.producer)
	r.tables.known = func(sinks.Topic) error { return nil }
	return newLane(ctx, r, false)
}

var (
	ordersLayout = sourcetest.Orders
	present      = sourcetest.Present
)

// From the reader's first call to the batch that the producer has taken, a row allocates nothing of its own.
func TestNothingIsAllocatedARow(t *testing.T) {
	flattened, _ := chainByKeys(t, `
transforms.unwrap.type: ExtractNewRecordState
transforms.unwrap.delete.tombstone.handling.mode: rewrite-with-tombstone
transforms.unwrap.add.fields: op,source.ts_ms:ts`)
	var (
		null   = envelope.Value{}
		unsent = envelope.Value{State: envelope.Absent}
		whole  = envelope.Row{present("4711"), present("a note"), present("a memo that is a little longer than the note")}
		toast  = envelope.Row{present("4711"), present("a note"), unsent}
		byKey  = envelope.Row{present("4711"), null, null}
	)
	for _, c := range []struct {
		name   string
		task   *Task
		key    []int
		events []envelope.Event
	}{
		{"inserts of a table with a key", &Task{}, []int{0}, []envelope.Event{{Op: envelope.Create, After: whole}}},
		{"inserts of a table without a key", &Task{}, nil, []envelope.Event{{Op: envelope.Create, After: whole}}},
		{"updates under FULL", &Task{}, []int{0}, []envelope.Event{{Op: envelope.Update, Before: whole, After: whole}}},
		{"updates with unchanged TOAST (P1)", &Task{}, []int{0}, []envelope.Event{{Op: envelope.Update, After: toast}}},
		{"updates with and without unchanged TOAST in turn", &Task{}, []int{0}, []envelope.Event{
			{Op: envelope.Update, After: toast}, {Op: envelope.Update, After: whole}}},
		{"deletes and their tombstones", &Task{Tombstones: true}, []int{0}, []envelope.Event{{Op: envelope.Delete, Before: byKey, KeyOnly: true}}},
		{"deletes without tombstones", &Task{}, []int{0}, []envelope.Event{{Op: envelope.Delete, Before: whole}}},
		{"deletes of a table without a key, tombstones asked for", &Task{Tombstones: true}, nil, []envelope.Event{{Op: envelope.Delete, Before: whole}}},
		{"all of it with Debezium's context headers", &Task{Tombstones: true, ExtendedHeaders: true}, []int{0}, []envelope.Event{
			{Op: envelope.Create, After: whole}, {Op: envelope.Update, After: toast}, {Op: envelope.Delete, Before: byKey, KeyOnly: true}}},
		{"inserts in transactions that are told", &Task{Own: owntopics.Settings{Transactions: true, TransactionTopic: "shop.transaction", Origin: envelope.Origin{TransactionID: numbered}}}, []int{0},
			[]envelope.Event{{Op: envelope.Create, After: whole}}},
		{"JSON, and tombstones", &Task{Tombstones: true, Keys: records.Format{Kind: records.FormatJSON}, Values: records.Format{Kind: records.FormatJSON}}, []int{0},
			[]envelope.Event{{Op: envelope.Create, After: whole}, {Op: envelope.Update, After: toast}, {Op: envelope.Delete, Before: byKey, KeyOnly: true}}},
		{"flattened rows", &Task{Tombstones: true, Naming: routing.Naming{Transforms: flattened}}, []int{0},
			[]envelope.Event{{Op: envelope.Create, After: whole}, {Op: envelope.Update, After: toast}, {Op: envelope.Delete, Before: byKey, KeyOnly: true}}},
		{"operations that are skipped", &Task{Skipped: Ops(0).With(envelope.Truncate)}, []int{0}, []envelope.Event{
			{Op: envelope.Truncate}, {Op: envelope.Create, After: whole}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := nullLane(t, c.task)
			layout := ordersLayout(c.key...)
			if err := l.Table(layout); err != nil {
				t.Fatal(err)
			}
			for i := range c.events {
				c.events[i].Layout = layout
			}
			const transactions, perTransaction = 200, 100
			place := uint64(0)
			stream := func() {
				for range transactions {
					place += 2
					if err := transact(l, place, perTransaction, c.events); err != nil {
						t.Fatal(err)
					}
				}
				if err := l.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			stream() // schemas, batches and lists are made once
			perRow := testing.AllocsPerRun(5, stream) / (transactions * perTransaction)
			if perRow >= mostPerRow {
				t.Errorf("%.4f allocations a row, the bound is %v", perRow, mostPerRow)
			}
			if p, _ := l.tracker.Safe(); p.Place != place+1 {
				t.Errorf("position %d is safe, %d was committed and taken", p.Place, place+1)
			}
		})
	}
}

// shopNaming is the task's naming below the prefix shop.
func (t *Task) shopNaming() routing.Naming {
	n := t.Naming
	n.Prefix = "shop"
	return n
}

// numbered names transactions by a number, without an allocation.
func numbered(dst []byte, tx *envelope.Transaction, place uint64) []byte {
	return strconv.AppendUint(append(strconv.AppendUint(dst, tx.ID, 10), ':'), place, 10)
}

// transact hands over one transaction of so many rows, as a reader does.
func transact(l *lane, place uint64, rows int, events []envelope.Event) error {
	var h envelope.Handler = l
	tx := envelope.Transaction{ID: place, Micros: 1_700_000_000_000_000, Place: place}
	if err := h.Begin(&tx); err != nil {
		return err
	}
	for i := range rows {
		e := &events[i%len(events)]
		e.Place = place
		if err := h.Row(e); err != nil {
			return err
		}
	}
	return h.Commit(offsets.Durable{Position: at(place + 1)})
}

// What the test above measures can be seen: a changed key allocates, by its headers.
func TestAnAllocationARowWouldBeNoticed(t *testing.T) {
	l := nullLane(t, &Task{})
	layout := ordersLayout(0)
	if err := l.Table(layout); err != nil {
		t.Fatal(err)
	}
	moved := []envelope.Event{{Op: envelope.Update, Layout: layout,
		Before: envelope.Row{present("1"), {}, {}}, After: envelope.Row{present("2"), {}, {}}, KeyOnly: true}}
	var failed error
	perRow := testing.AllocsPerRun(5, func() {
		failed = errors.Join(failed, transact(l, 2, 1000, moved), l.Flush())
	}) / 1000
	if failed != nil {
		t.Fatal(failed)
	}
	if perRow < 1 {
		t.Errorf("%.4f allocations a row with a changed key", perRow)
	}
}
