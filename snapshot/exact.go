package snapshot

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
)

// A table without a key has no rows that the log could be matched with, so that no window puts them in order.
// It is read from a state at an exact place of the stream, made while the stream is held, and goes out when the
// stream gets there; the stream waits meanwhile (P71).

// exact is one such reading. Until it is placed, it is Run's; from then on the stream's goroutine's.
type exact struct {
	reading *reading
	ctx     context.Context
	number  uint64
	source  Source
	plan    TablePlan
	place   atomic.Uint64 // where the stream hands the table on; 0 while not known

	held    chan struct{} // closed by the stream's goroutine: it waits
	release chan struct{} // closed by Run: the stream goes on
	waited  bool          // the stream's goroutine's own
	done    chan error    // holds one
}

// whole reads a table without a key.
func (w *Windows) whole(ctx context.Context, r *reading) error {
	if err := w.settled(ctx, r); err != nil {
		return err
	}
	x := &exact{reading: r, ctx: ctx, number: w.readings.number(), held: make(chan struct{}), release: make(chan struct{}), done: make(chan error, 1)}
	w.exact.Store(x)
	err := w.placeExact(ctx, x)
	if err != nil {
		x.place.Store(^uint64(0)) // never
		w.exact.CompareAndSwap(x, nil)
		close(x.release)
		return err
	}
	close(x.release)
	w.hit(PointOpened)
	_, _ = w.live.Mark(ctx) // the stream gets there sooner; where this fails, with the next heartbeat
	select {
	case err = <-x.done:
	case <-ctx.Done():
		err = ended(ctx)
	}
	_ = x.source.Close(context.WithoutCancel(ctx)) // it was only read
	return err
}

// placeExact makes the state while the stream is held.
func (w *Windows) placeExact(ctx context.Context, x *exact) error {
	if _, err := w.live.Mark(ctx); err != nil { // so that the stream soon comes to a boundary
		return err
	}
	select {
	case <-x.held:
	case <-ctx.Done():
		return ended(ctx)
	}
	asked, _, _ := w.readings.asked(x.reading)
	source, err := w.live.Exact(ctx, []Asked{asked})
	if err != nil {
		return err
	}
	plans, err := source.Plan(ctx)
	if err == nil && (len(plans) != 1 || plans[0].Table.ID() != x.reading.id) {
		err = &fault.Error{Op: "read", Object: "table " + x.reading.id, Cause: fmt.Errorf("%d plans came back", len(plans)), Permanent: true}
	}
	if err != nil {
		_ = source.Close(context.WithoutCancel(ctx)) // nothing was read
		return err
	}
	x.source, x.plan = source, plans[0]
	x.place.Store(max(source.Transaction().Place, 1))
	return nil
}

// reach is called between two transactions: the one that begins, or ended, at place. It waits for a state that
// is being made, and hands on a table whose place has come.
func (w *Windows) reach(place uint64) error {
	x := w.exact.Load()
	if x == nil {
		return nil
	}
	if !x.waited {
		x.waited = true
		close(x.held)
		<-x.release // Run always gets there: it ends with the stream
	}
	at := x.place.Load()
	if at == ^uint64(0) || place < at {
		return nil
	}
	w.exact.Store(nil)
	if !w.watches(x.reading) { // a person stopped it meanwhile
		x.done <- nil
		return nil
	}
	to := &wholeRows{next: w.next, tx: x.source.Transaction(), count: func(rows int64) { w.readings.wholeOut(x.reading, rows) }}
	to.tx.Place = x.place.Load()
	err := w.emitWhole(x, to)
	x.done <- err
	if to.failed == nil && (fault.IsPermanent(err) || errors.Is(err, ErrRewritten)) {
		return nil // the table's: Run gives it up, or plans it again
	}
	return err
}

// emitWhole hands on every row of a table, straight from the database. Where a person stops the table meanwhile, what
// went out of it stays as it is.
func (w *Windows) emitWhole(x *exact, to *wholeRows) error {
	reading, over := w.readings.until(x.ctx, x.reading)
	err := readWhole(reading, x, to)
	stopped := err != nil && to.failed == nil && errors.Is(context.Cause(reading), errNotNow)
	over()
	done := &offsets.Chunk{Table: x.reading.id, Index: 0, Rows: to.rows, Window: x.number}
	switch {
	case stopped && !to.begun:
		return nil
	case stopped:
		done.Index = -1
	case err != nil:
		return err
	default:
		w.readings.wholeSent(x.reading, to.rows)
	}
	if err := to.Commit(offsets.Durable{Chunk: done}); err != nil {
		return err
	}
	w.hit(PointEmitted)
	return to.note(w.announceAgain(x.reading.id, true))
}

func readWhole(ctx context.Context, x *exact, to *wholeRows) error {
	lane, err := x.source.Lane(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = lane.Close(context.WithoutCancel(ctx)) }()
	for _, c := range x.plan.Chunks {
		if err := lane.Read(ctx, c, to); err != nil {
			return err
		}
	}
	return nil
}

// wholeRows marks the rows of a table that is read whole, and begins their transaction with the first: a table that
// cannot be read leaves none open. What the stream's own way refuses is the stream's end, and not the table's.
type wholeRows struct {
	next   envelope.Handler
	tx     envelope.Transaction
	begun  bool
	layout *envelope.Layout // announced, and not handed on yet
	rows   int64
	count  func(rows int64) // is told now and then
	failed error            // what next has refused
}

// rowsPerCount is how many rows go out between two counts.
const rowsPerCount = 256

// begin begins the transaction where it has not begun, and hands on what was announced.
func (h *wholeRows) begin() error {
	if !h.begun {
		h.begun = true
		if err := h.note(h.next.Begin(&h.tx)); err != nil {
			return err
		}
	}
	l := h.layout
	if h.layout = nil; l == nil {
		return nil
	}
	return h.note(h.next.Table(l))
}

func (h *wholeRows) note(err error) error {
	if err != nil {
		h.failed = err
	}
	return err
}

func (h *wholeRows) Row(e *envelope.Event) error {
	if err := h.begin(); err != nil {
		return err
	}
	if h.rows++; h.rows%rowsPerCount == 1 {
		h.count(h.rows)
	}
	e.Mark = envelope.Incremental
	return h.note(h.next.Row(e))
}

// Table keeps the layout until there is a row.
func (h *wholeRows) Table(l *envelope.Layout) error {
	h.layout = l
	return nil
}

// Refuse hands on a row of which the beginning is known.
func (h *wholeRows) Refuse(l *envelope.Layout, known envelope.Row, reason error) error {
	if err := h.begin(); err != nil {
		return err
	}
	return h.note(h.next.Refuse(l, known, reason))
}

// Commit ends the transaction, of a table without rows too.
func (h *wholeRows) Commit(d offsets.Durable) error {
	if err := h.begin(); err != nil {
		return err
	}
	return h.note(h.next.Commit(d))
}

// Begin is not a table's reading's to call.
func (h *wholeRows) Begin(tx *envelope.Transaction) error { return h.note(h.next.Begin(tx)) }
func (h *wholeRows) Message(m *envelope.Message) error    { return h.note(h.next.Message(m)) }
func (h *wholeRows) Flush() error                         { return h.note(h.next.Flush()) }
func (h *wholeRows) Idle(p offsets.Position) error        { return h.note(h.next.Idle(p)) }

// wholeOut shows how many rows have gone out so far.
func (s *Readings) wholeOut(r *reading, rows int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.out = rows
	r.waiting = streamWaits
}

// streamWaits is what people are told meanwhile.
const streamWaits = "it has no key: its rows go out at their place of the log, and the stream goes on behind them (P71); to end it: --stop"

// wholeSent: the table is one chunk, which went out; it counts once Kafka has it.
func (s *Readings) wholeSent(r *reading, rows int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.record.Plan, r.record.Chunks, r.record.Done, r.record.Rest = "", 1, offsets.Ranges{}, nil
	r.plan = &TablePlan{Table: r.table, Chunks: []Chunk{{Table: r.table}}}
	r.sent.Add(0)
	r.ahead += rows
	r.gathers, r.out, r.waiting = false, 0, ""
	r.changed()
}
