package snapshot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rdip/internal/fault"
)

const (
	firstPause = 2 * time.Millisecond // before another view is taken
	lastPause  = time.Second
	retryFirst = 500 * time.Millisecond // before a connection is opened again
	retryLast  = 30 * time.Second
)

// Run reads what is left, one chunk at a time, until ctx ends; it returns nil then. What fails for a while is
// tried again; what fails for good gives up the one table, in this run, with a notice. The stream must run
// beside it, and Run must have ended before the stream's own end is taken as whole.
func (w *Windows) Run(ctx context.Context) error {
	defer w.closeLane(ctx)
	for ctx.Err() == nil {
		r, pause := w.readings.pick(w.o.Skip)
		if r == nil {
			w.idle(ctx, pause)
			continue
		}
		err := w.step(ctx, r)
		var blocked *blockedError
		switch {
		case err == nil:
			w.readings.cameOn(r)
		case ctx.Err() != nil, errors.Is(err, errNotNow):
		case errors.As(err, &blocked):
			w.readings.setBack(r, blocked.why)
		case errors.Is(err, ErrRewritten):
			w.planAgain(r, err.Error())
		case fault.IsPermanent(err):
			w.giveUp(r, err)
		default:
			w.closeLane(ctx)
			w.readings.setBack(r, err.Error())
			w.wait(ctx, r, err.Error(), retryFirst) // where none can be read, they are not all tried at once
		}
	}
	return nil
}

// idle waits until there may be something to read; pause is until a table that was set back is tried again, 0 for none.
func (w *Windows) idle(ctx context.Context, pause time.Duration) {
	w.closeLane(ctx)
	var again <-chan time.Time
	if pause > 0 {
		again = time.After(pause)
	}
	select {
	case <-w.readings.wake:
	case <-again:
	case <-ctx.Done():
	}
}

// step reads one window of a table.
func (w *Windows) step(ctx context.Context, r *reading) error {
	if w.readings.overran(r) {
		w.planAgain(r, "the log gave more of its rows in part (unchanged TOAST), while it was read, than are kept account of")
		return nil
	}
	if err := w.plan(ctx, r); err != nil || w.readings.overran(r) {
		return err
	}
	if !r.table.HasKey() {
		return w.whole(ctx, r)
	}
	chunk, keys, ok := w.readings.work(r)
	if !ok {
		w.readings.over(r)
		return nil
	}
	if keys != nil {
		var err error
		if chunk, err = w.keysChunk(r, keys); err != nil {
			return err
		}
	}
	return w.read(ctx, r, chunk, keys)
}

// plan makes a table's plan, or makes the stored one again, where this run has none yet.
func (w *Windows) plan(ctx context.Context, r *reading) error {
	asked, saved, have := w.readings.asked(r)
	if have {
		return nil
	}
	if saved == "" {
		plans, err := w.live.Plan(ctx, []Asked{asked})
		if err != nil {
			return err
		}
		if len(plans) != 1 {
			return &fault.Error{Op: "plan the snapshot of", Object: "table " + r.id, Cause: fmt.Errorf("%d plans came back", len(plans)), Permanent: true}
		}
		w.readings.adopt(r, &plans[0], nil, false)
		return nil
	}
	plan, same, err := w.live.Restore(ctx, asked, saved)
	if err != nil {
		return err
	}
	if !same {
		w.notice(fmt.Sprintf("table %s was rewritten or replaced since its snapshot was planned: it is read from its beginning (P69)", r.id))
		w.readings.again(r)
		return w.plan(ctx, r) // from now on what the log gives in part is owed: the plan is to be as of later
	}
	rest, err := w.restored(r, &plan)
	if err != nil {
		return err
	}
	w.readings.adopt(r, &plan, rest, true)
	return nil
}

// restored is what an earlier run has left of the chunk that was under way; nil where it had not begun with one.
func (w *Windows) restored(r *reading, p *TablePlan) (*Chunk, error) {
	saved := w.readings.restOf(r)
	if saved == nil || saved.Index >= len(p.Chunks) {
		return nil, nil
	}
	rest, err := w.live.Rest(p.Chunks[saved.Index], saved.Text)
	return &rest, err
}

func (w *Windows) keysChunk(r *reading, packed []string) (Chunk, error) {
	keys := make([][]string, 0, len(packed))
	for _, key := range packed {
		if values, ok := unpackKey(key); ok {
			keys = append(keys, values)
		}
	}
	asked, _, _ := w.readings.asked(r)
	c, err := w.live.Keys(r.table, keys, asked)
	c.Index = -1
	return c, err
}

// read takes one window, again and again until its rows went out.
func (w *Windows) read(ctx context.Context, r *reading, c Chunk, keys []string) error {
	touchable, rows := w.o.Touched, w.o.Bytes
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		win, rest, err := w.take(ctx, r, c, keys, touchable, rows)
		if err != nil {
			return err
		}
		var out outcome
		select {
		case out = <-win.done:
		case <-ctx.Done():
			return ended(ctx)
		}
		why := blockedBy(out.blocker)
		switch {
		case out.sent:
			if keys == nil && rest != nil {
				w.readings.cut(r, rest)
			}
			w.readings.waits(r, "")
			return nil
		case out.replan:
			w.planAgain(r, "its key changed, or another table took its name")
			return nil
		case out.overflowed:
			rows = max(rows/2, 1)
			why = "the log changes the table faster than a window can note"
			w.wait(ctx, r, why, 0)
		default:
			w.wait(ctx, r, why, pause)
		}
		if err := w.waitsOn(ctx, r, why, pause); err != nil {
			return err
		}
	}
}

// take opens a window, reads its rows, and hands it to the stream's goroutine.
func (w *Windows) take(ctx context.Context, r *reading, c Chunk, keys []string, touchable, rows int) (*window, *Chunk, error) {
	lane, err := w.openLane(ctx)
	if err != nil {
		return nil, nil, err
	}
	w.buf.reset(rows)
	w.log.reset(touchable)
	win := &window{number: w.readings.number(), reading: r, chunk: c, keys: keys, touched: w.log, buffer: w.buf,
		ready: make(chan struct{}), done: make(chan outcome, 1)}
	w.delivered.arm(win)
	w.armed.Store(win)
	rest, err := w.fill(ctx, lane, win)
	if err != nil {
		w.disarm(ctx, win)
		return nil, nil, err
	}
	close(win.ready)
	w.hit(PointRead)
	if w.place.Load() >= win.high.Load() {
		// The stream was faster than the mark's answer, and may have no reason to come by again soon. Where this
		// fails, the next heartbeat does.
		_, _ = w.live.Mark(ctx)
	}
	return win, rest, nil
}

// fill takes the view, reads the rows and marks the end. Owed keys are marked before they are read: the stream
// waits for them there.
func (w *Windows) fill(ctx context.Context, lane LiveLane, win *window) (*Chunk, error) {
	var err error
	if win.view, err = w.view(ctx, lane, win.reading); err != nil {
		return nil, err
	}
	w.hit(PointOpened)
	if win.keys != nil {
		if err := w.mark(ctx, win); err != nil {
			return nil, err
		}
	}
	rest, err := w.readRows(ctx, lane, win)
	if err != nil {
		return nil, err
	}
	win.last, win.rest = rest == nil, rest
	if win.keys == nil {
		err = w.mark(ctx, win)
	}
	return rest, err
}

// readRows reads a window's rows, unless the table is paused, stopped or begun anew first: a statement may take long.
func (w *Windows) readRows(ctx context.Context, lane LiveLane, win *window) (*Chunk, error) {
	reading, over := w.readings.until(ctx, win.reading)
	defer over()
	rest, err := lane.Read(reading, win.chunk, win.buffer)
	if err != nil && errors.Is(context.Cause(reading), errNotNow) {
		w.closeLane(ctx) // a statement was cut off
		return nil, errNotNow
	}
	return rest, err
}

func (w *Windows) mark(ctx context.Context, win *window) error {
	place, err := w.live.Mark(ctx)
	if err == nil {
		win.high.Store(max(place, 1))
	}
	return err
}

// disarm takes a window back that could not be filled. The stream's goroutine may wait for it already, and
// then it is the one that ends it.
func (w *Windows) disarm(ctx context.Context, win *window) {
	win.failed = true
	w.log = newTouched(w.o.Touched) // a transaction under way may still write to this one's
	if win.high.Load() == 0 {
		w.armed.CompareAndSwap(win, nil)
		return
	}
	close(win.ready)
	select {
	case <-win.done:
	case <-ctx.Done():
	}
}
