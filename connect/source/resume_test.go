package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rdip/connect/source/owntopics"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
	"rdip/readers/postgres"
	"rdip/sinks"
	"rdip/sinks/null"
	"rdip/snapshot"
)

// tape is a database's log: transactions of rows, of which more may come while it is read.
type tape struct {
	mu        sync.Mutex
	txs       [][]*envelope.Event
	confirmed uint64
	streams   atomic.Int32
}

// add appends a transaction, whose commit ends at 10 for the first, and 10 more for each that follows.
func (l *tape) add(events ...*envelope.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.txs = append(l.txs, events)
}

func (l *tape) after(n int) []*envelope.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < len(l.txs) {
		return l.txs[n]
	}
	return nil
}

// taped reads a tape, over a reader that it does not ask for more than the text of positions.
type taped struct {
	readers.Reader
	log *tape
}

func (r taped) Open(_ context.Context, s readers.Stored) (readers.Resume, error) {
	from := s.Position
	if from.IsZero() {
		from = at(1)
	}
	return readers.Resume{Identity: "{}", From: from}, nil
}

func (taped) Live() snapshot.Live { return nil }

func (r taped) Status() readers.Status {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	return readers.Status{SourcePlace: uint64(10 * len(r.log.txs)), RetainedBytes: -1, LagBytes: -1, RetainLimit: -1}
}

func (r taped) Confirm(p offsets.Position) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.log.confirmed = max(r.log.confirmed, p.Place)
}

func (r taped) Stream(ctx context.Context, from offsets.Position, h envelope.Handler) error {
	r.log.streams.Add(1)
	for n := int(from.Place / 10); ; {
		events := r.log.after(n)
		if events == nil {
			if err := errors.Join(h.Flush(), h.Idle(at(max(uint64(10*n), from.Place)))); err != nil {
				return err
			}
			select {
			case <-time.After(time.Millisecond):
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		n++
		place := uint64(10 * n)
		if err := h.Begin(&envelope.Transaction{ID: uint64(n), Place: place - 1, First: place - 9, Micros: 1}); err != nil {
			return err
		}
		for i, e := range events {
			is := *e
			is.Place = place - 9 + uint64(i)
			if err := errors.Join(h.Table(e.Layout), h.Row(&is)); err != nil {
				return err
			}
		}
		if err := h.Commit(offsets.Durable{Position: at(place)}); err != nil {
			return err
		}
	}
}

// desk runs a task over a tape, and keeps what its runs wrote.
type desk struct {
	*Task
	log *tape

	mu    sync.Mutex
	lines []string
}

// newDesk starts a task that is stopped with the test.
func newDesk(t *testing.T, change func(*Task)) *desk {
	t.Helper()
	d := &desk{log: &tape{}}
	d.Task = &Task{Name: "shop", Prefix: "shop", Registrar: numbers{}, Store: openStore(t), Log: slog.New(slog.DiscardHandler),
		Memory: 4 << 20, FlushInterval: time.Millisecond, DrainTimeout: 5 * time.Second,
		NewReader: func() (readers.Reader, error) {
			return taped{postgres.New("shop", postgres.Config{}), d.log}, nil
		},
		NewProducer: func(acks sinks.Acks) (sinks.Producer, error) { return inbox{null.New(1, acks), d, acks}, nil }}
	if change != nil {
		change(d.Task)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the task ended with %v", err)
		}
	})
	return d
}

// inbox keeps the records of a desk as table and id.
type inbox struct {
	sinks.Producer
	desk *desk
	acks sinks.Acks
}

func (b inbox) Send(_ context.Context, batch *sinks.Batch) error {
	b.desk.mu.Lock()
	for i := range batch.Records {
		r := &batch.Records[i]
		line := strings.TrimPrefix(r.Topic, "shop.public.")
		if at := strings.Index(string(r.Value), "note "); at >= 0 {
			line += " " + string(r.Value[at+5:at+6])
		}
		if at := strings.Index(string(r.Value), "tx-"); at >= 0 && strings.HasPrefix(line, "notes") {
			line += fmt.Sprintf(" #%d", r.Value[at+10]/2) // its number among the events of its transaction, zigzag
		}
		b.desk.lines = append(b.desk.lines, line)
	}
	b.desk.mu.Unlock()
	b.acks(batch, nil)
	return nil
}

// of is what was written of one topic.
func (d *desk) of(table string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(slices.DeleteFunc(slices.Clone(d.lines), func(l string) bool { return !strings.HasPrefix(l, table) }), ", ")
}

// table is the status of one.
func (d *desk) table(name string) TableStatus {
	for _, t := range d.Status().Tables {
		if t.Table == "public."+name {
			return t
		}
	}
	return TableStatus{}
}

func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}

func create(l *envelope.Layout, note string) *envelope.Event {
	return &envelope.Event{Op: envelope.Create, Layout: l, After: row("1", note)}
}

// mendable is a table whose rows of one kind cannot be written until it is mended.
func mendable(name string, oid uint64, mended *atomic.Bool) *envelope.Layout {
	l := named(name, oid)
	text := l.Columns[1]
	l.Columns[1] = func(dst, wire []byte) ([]byte, error) {
		if strings.HasSuffix(string(wire), "!") && !mended.Load() {
			return dst, errPoison
		}
		return text(dst, wire)
	}
	return l
}

// R2, G1, G2: a table that stopped goes on from its own place, with all that it missed, each row with the number in its
// transaction that it would have had; the others repeat nothing, one that stopped too stays so, and no transaction is told
// twice.
func TestATableThatStoppedGoesOnFromItsPlaceAndTheOthersRepeatNothing(t *testing.T) {
	d := newDesk(t, func(task *Task) {
		task.Own = owntopics.Settings{Transactions: true, TransactionTopic: "told", Origin: envelope.Origin{TransactionID: fixedID}}
	})
	var mended, never atomic.Bool
	orders, notes, bad := named("orders", 1), mendable("notes", 2, &mended), mendable("bad", 3, &never)
	d.log.add(create(orders, "note a"), create(notes, "note a"))
	within(t, "the first rows", func() bool { return d.of("notes") != "" })
	d.log.add(create(orders, "note b"), create(notes, "note b!"), create(bad, "note b!"), create(notes, "note c"))
	d.log.add(create(notes, "note d"))
	d.log.add(create(orders, "note e"))
	within(t, "both to stop", func() bool { return d.table("notes").Stopped != nil && d.table("bad").Stopped != nil })
	within(t, "the other table's rows", func() bool { return d.of("orders") == "orders a, orders b, orders e" })
	if s := d.Status(); d.table("notes").Retained == 0 {
		t.Errorf("the stopped table holds nothing back: %+v", s.Tables)
	}

	if _, _, err := d.ResumeTables(t.Context(), []string{"public.notes"}, "a test"); err != nil {
		t.Fatal(err)
	}
	within(t, "the table to stop again, not mended", func() bool { return d.table("notes").Stopped != nil })
	mended.Store(true)
	goOn, again, err := d.ResumeTables(t.Context(), []string{"public.notes"}, "a test")
	if err != nil || len(goOn) != 1 || len(again) != 0 {
		t.Fatalf("%v %v %v", goOn, again, err)
	}
	within(t, "what it missed", func() bool {
		s := d.table("notes")
		return s.Stopped == nil && !s.CatchingUp && strings.HasSuffix(d.of("notes"), "d #1")
	})
	d.log.add(create(orders, "note f"), create(notes, "note f"))
	within(t, "what comes later", func() bool { return strings.HasSuffix(d.of("notes"), "f #2") })
	if got, want := d.of("notes"), "notes a #2, notes b #2, notes c #4, notes d #1, notes f #2"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := d.of("orders"), "orders a, orders b, orders e, orders f"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := strings.Count(d.of("told"), "told"); got != 10 {
		t.Errorf("%d records of begins and ends, of 5 transactions", got)
	}
	if d.table("bad").Stopped == nil {
		t.Error("the table that was not named goes on")
	}
	d.log.mu.Lock()
	defer d.log.mu.Unlock()
	if d.log.confirmed > 10 {
		t.Errorf("the source was told %d, and a table is still to see all behind 10", d.log.confirmed)
	}
}

// What cannot be resumed is refused by name, and nothing happens.
func TestWhatHasNotStoppedIsNotResumed(t *testing.T) {
	d := newDesk(t, nil)
	var never atomic.Bool
	d.log.add(create(named("orders", 1), "note a"), create(mendable("notes", 2, &never), "note b!"))
	within(t, "the table to stop", func() bool { return d.table("notes").Stopped != nil })
	for name, words := range map[string][]string{"public.orders": {"it has not stopped", "rdip resume shop public.notes"}, "public.note": {"did you mean public.notes?"},
		"notes": {"did you mean public.notes?"}, "public.nothing.like.it": {"no row of such a table"}} {
		_, _, err := d.ResumeTables(t.Context(), []string{"public.notes", name}, "a test")
		for _, word := range words {
			if err == nil || fault.KindOf(err) != fault.Configuration || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v, without %q", name, err, word)
			}
		}
	}
	if n := d.log.streams.Load(); n != 1 {
		t.Errorf("the stream began %d times", n)
	}
	idle := &Task{Name: "shop"}
	if _, _, err := idle.ResumeTables(t.Context(), []string{"a"}, ""); fault.KindOf(err) != fault.Configuration {
		t.Errorf("a task that does not run: %v", err)
	}
}

// P68: beyond its limit a table that stopped lets the source go, and says that it needs a new snapshot, also after the next
// start.
func TestATableThatHoldsBackMoreThanItMayIsGivenUp(t *testing.T) {
	d := newDesk(t, func(task *Task) { task.Errors.MostRetained = 35 })
	var never atomic.Bool
	orders, notes := named("orders", 1), mendable("notes", 2, &never)
	d.log.add(create(orders, "note a"), create(notes, "note a"))
	within(t, "the first rows", func() bool { return d.of("notes") != "" })
	d.log.add(create(notes, "note b!"))
	within(t, "the table to stop", func() bool { return d.table("notes").Stopped != nil })
	for range 5 {
		d.log.add(create(orders, "note c"))
	}
	within(t, "the table to be given up", func() bool { s := d.table("notes").Stopped; return s != nil && s.InSnapshot })
	d.log.add(create(orders, "note d"))
	within(t, "the source to be let go", func() bool { d.log.mu.Lock(); defer d.log.mu.Unlock(); return d.log.confirmed == 80 })
	stop := d.table("notes")
	for _, word := range []string{"quarantine.max.retained.bytes is 35", "rdip resume shop public.notes", "a value that cannot be written"} {
		if text := stop.Stopped.Reason.Error() + stop.Stopped.Then("shop", "public.notes"); !strings.Contains(text, word) {
			t.Errorf("%q is not in: %s", word, text)
		}
	}
	if r, _, err := d.Store.Get("shop"); err != nil || r.Stopped["public.notes"].Position != "" || r.Stopped["public.notes"].Reason != stop.Stopped.Reason.Error() || stop.Retained != 0 {
		t.Errorf("stored: %+v %v, retained %d", r.Stopped, err, stop.Retained)
	}
}

// A stream that is asked to begin again ends between two transactions: at once where it waits, else behind the commit.
func TestAStreamEndsBetweenTwoTransactionsOnly(t *testing.T) {
	var a again
	ended := 0
	a.of(func() { ended++ })
	if err := a.begins(); err != nil {
		t.Fatal(err)
	}
	a.ask()
	if ended != 0 {
		t.Error("it ends within a transaction")
	}
	if err := a.ends(); !errors.Is(err, errAgain) {
		t.Errorf("it goes on behind the commit: %v", err)
	}
	if err := a.begins(); !errors.Is(err, errAgain) {
		t.Errorf("another transaction begins: %v", err)
	}
	a = again{}
	a.ask()
	a.of(func() { ended++ })
	if ended != 1 {
		t.Errorf("a stream that waits is ended %d times", ended)
	}
}
