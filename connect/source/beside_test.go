package source

import (
	"context"
	"errors"
	"strings"
	"testing"

	"rdip/connect/source/budget"
	"rdip/connect/source/deadletter"
	"rdip/connect/source/routing"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/sinks"
)

// scale is a producer that weighs what the headers of each batch hold, and then takes the batch. What many records share
// counts where it comes first.
type scale struct {
	sinks.Producer
	t       *testing.T
	run     *run
	seen    map[*byte]bool // which keeps it, so that no address comes twice
	batches int
	most    int // bytes of one batch
}

func (s *scale) Send(ctx context.Context, b *sinks.Batch) error {
	s.t.Helper()
	held := 0
	lists := map[*sinks.Header]bool{}
	for _, r := range b.Records {
		if len(r.Headers) == 0 {
			continue
		}
		if !lists[&r.Headers[0]] {
			lists[&r.Headers[0]] = true
			held += 40 * len(r.Headers)
		}
		for _, h := range r.Headers {
			if len(h.Value) > 0 && !s.seen[&h.Value[0]] {
				s.seen[&h.Value[0]] = true
				held += len(h.Key) + len(h.Value)
			}
		}
	}
	s.batches++
	s.most = max(s.most, held+len(b.Arena))
	if used, _ := s.run.budget.Held(); int64(held+len(b.Arena)) > used+1024 {
		s.t.Errorf("batch %d: %d bytes of records and %d of their headers, and the budget counts %d", s.batches, len(b.Arena), held, used)
	}
	return s.Producer.Send(ctx, b)
}

// G8: what records hold outside of their batch's arena is in the budget, and a batch is full with it as with any other
// byte: the texts of refusals, the other key of a changed key, columns that become headers.
func TestHeadersAreInTheBudget(t *testing.T) {
	long := strings.Repeat("incompatible with an earlier schema ", 100)
	outbox, wrong := chainByKeys(t, `
transforms.o.type: EventRouter
transforms.o.table.field.event.id: id
transforms.o.table.field.event.key: id
transforms.o.table.field.event.payload: note
transforms.o.route.by.field: note
transforms.o.table.fields.additional.placement: memo:header:memo`)
	flat, more := chainByKeys(t, `
transforms.unwrap.type: ExtractNewRecordState
transforms.unwrap.add.headers: op,ts_ms,ts_us,ts_ns`)
	if wrong+more != "" {
		t.Fatal(wrong, more)
	}
	letters := deadletter.Errors{Tolerate: true, Topic: "letters", Headers: true}
	create := envelope.Event{Op: envelope.Create, After: row("1", "x")}
	for name, c := range map[string]struct {
		task   *Task
		refuse bool
		change func(*envelope.Layout)
		event  envelope.Event
	}{
		"letters of a refused schema with a long text": {task: &Task{Errors: letters}, refuse: true, event: create},
		"letters with a long text each": {task: &Task{Errors: letters}, event: create, change: func(l *envelope.Layout) {
			n := 0
			l.Columns[1] = func(dst, _ []byte) ([]byte, error) {
				n++
				return dst, errors.New(strings.Repeat("x", n%100) + long)
			}
		}},
		"the other key of a changed key": {task: &Task{Tombstones: true}, change: func(l *envelope.Layout) { l.Table.Key = []int{0, 1} },
			event: envelope.Event{Op: envelope.Update, Before: row("1", long), After: row("2", long)}},
		"a column that becomes a header": {task: &Task{Naming: routing.Naming{Transforms: outbox}},
			event: envelope.Event{Op: envelope.Create, After: envelope.Row{present("1"), present("x"), present(long)}}},
		"parts of the envelope that become headers": {task: &Task{Naming: routing.Naming{Transforms: flat}}, event: create},
		"the columns that the log did not carry": {task: &Task{}, event: envelope.Event{Op: envelope.Update,
			After: envelope.Row{present("1"), present("x"), {State: envelope.Absent}}}},
	} {
		t.Run(name, func(t *testing.T) {
			l := nullLane(t, c.task)
			s := &scale{Producer: l.run.producer, t: t, run: l.run, seen: map[*byte]bool{}}
			l.run.producer, l.run.tables.producer = s, s
			if c.refuse {
				l.run.task.Registrar = refusing{&fault.Error{Op: "register", Cause: errors.New(long), Permanent: true}}
			}
			layout := named("notes", 2)
			if c.change != nil {
				c.change(layout)
			}
			if err := errors.Join(l.Begin(&envelope.Transaction{ID: 1, Place: 50, First: 40}), l.Table(layout)); err != nil {
				t.Fatal(err)
			}
			e := c.event
			e.Layout = layout
			for range 5000 {
				if err := l.Row(&e); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
			if s.most > budget.ArenaBytes+budget.ArenaBytes/16 || s.batches < 2 {
				t.Errorf("%d batches, and one held %d bytes: it is full at %d", s.batches, s.most, budget.ArenaBytes)
			}
			if used, _ := l.run.budget.Held(); used != 0 {
				t.Errorf("%d bytes are counted when all is acknowledged", used)
			}
		})
	}
}
