package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// view takes views until one sees every transaction that was handed on and not noted, and none is left in
// progress that an earlier process may have handed on (P67).
func (w *Windows) view(ctx context.Context, lane LiveLane, r *reading) (View, error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		v, err := lane.Begin(ctx)
		if err != nil {
			return nil, err
		}
		if w.delivered.hasForgotten(true) {
			w.readings.watchAnew()
		}
		id, blocked := w.delivered.unseen(v)
		if !blocked {
			id, blocked = w.readings.earlier(r, v, w.delivered.recorded)
		}
		if !blocked {
			w.readings.waits(r, "")
			return v, nil
		}
		w.wait(ctx, r, blockedBy(id), pause)
		if err := w.waitsOn(ctx, r, blockedBy(id), pause); err != nil {
			return nil, err
		}
	}
}

// errNotNow leaves a table whose reading was paused, stopped or begun anew while it waited.
var errNotNow = errors.New("the table is not to be read now")

// goesOn says whether a table is still to be read, and now.
func (s *Readings) goesOn(r *reading) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables[r.id] == r && r.left() && !r.record.Paused && r.failed == nil
}

// until is a context that ends, with errNotNow as its cause, as soon as a table is not to be read now; over releases it.
func (s *Readings) until(ctx context.Context, r *reading) (reading context.Context, over func()) {
	reading, interrupt := context.WithCancelCause(ctx)
	s.mu.Lock()
	r.interrupt = interrupt
	s.mu.Unlock()
	if !s.goesOn(r) { // it was changed before somebody could interrupt it
		interrupt(errNotNow)
	}
	return reading, func() {
		s.mu.Lock()
		r.interrupt = nil
		s.mu.Unlock()
		interrupt(nil)
	}
}

// leave ends what is being read of a table now. The caller holds mu.
func (r *reading) leave() {
	if r.interrupt != nil {
		r.interrupt(errNotNow)
	}
}

// settled waits until every transaction has ended that runs now: a state that is made while the stream is held
// waits for them otherwise, and the stream with it (P52, P71).
func (w *Windows) settled(ctx context.Context, r *reading) error {
	lane, err := w.openLane(ctx)
	if err != nil {
		return err
	}
	defer w.closeLane(ctx)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		v, err := lane.Begin(ctx)
		if err != nil {
			return err
		}
		running := v.Running()
		if r.older == nil {
			r.older = slices.Clone(running)
		}
		r.older = slices.DeleteFunc(r.older, func(id uint64) bool { return !slices.Contains(running, id) })
		if len(r.older) == 0 {
			r.older = nil
			w.readings.waits(r, "")
			return nil
		}
		w.wait(ctx, r, blockedBy(r.older[0]), pause)
		if err := w.waitsOn(ctx, r, blockedBy(r.older[0]), pause); err != nil {
			return err
		}
	}
}

// watchAnew: what was handed on so far is not known any more; what of it a view does not see is in progress there.
func (s *Readings) watchAnew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.tables {
		r.watched = false
	}
}

// earlier is a transaction that was in progress when the table began to be watched and is still: it may have
// been handed on before, and then nobody knows what it touched. One that was handed on since is known.
func (s *Readings) earlier(r *reading, v View, recorded func(id uint64) bool) (blocker uint64, blocked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	running := v.Running()
	if !r.watched {
		r.watched, r.earlier = true, map[uint64]struct{}{}
		for _, id := range running {
			r.earlier[id] = struct{}{}
		}
	}
	if len(r.earlier) == 0 {
		return 0, false
	}
	still := map[uint64]struct{}{}
	for _, id := range running {
		if _, was := r.earlier[id]; !was {
			continue
		}
		still[id] = struct{}{}
		if !recorded(id) {
			blocker, blocked = id, true
		}
	}
	r.earlier = still
	return blocker, blocked
}

func blockedBy(id uint64) string {
	return fmt.Sprintf("transaction %d, which was open when the reading began or waits for its commit; to see it: SELECT * FROM pg_stat_activity WHERE backend_xid = '%d'", id, id)
}

// wait shows what a table's reading waits for, and waits. It is not shown where the wait is short.
func (w *Windows) wait(ctx context.Context, r *reading, why string, pause time.Duration) {
	if pause > 100*time.Millisecond {
		w.readings.waits(r, why)
	}
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}

func (w *Windows) openLane(ctx context.Context) (LiveLane, error) {
	if w.lane != nil {
		return w.lane, nil
	}
	lane, err := w.live.Lane(ctx)
	if err == nil {
		w.lane = lane
	}
	return lane, err
}

func (w *Windows) closeLane(ctx context.Context) {
	if w.lane == nil {
		return
	}
	_ = w.lane.Close(context.WithoutCancel(ctx)) // it only read
	w.lane = nil
}

// planAgain has a table read from its beginning.
func (w *Windows) planAgain(r *reading, why string) {
	w.notice(fmt.Sprintf("table %s is read from its beginning: %s", r.id, why))
	w.readings.again(r)
}

// giveUp leaves a table as it is until the next start.
func (w *Windows) giveUp(r *reading, err error) {
	w.closeLane(context.Background())
	w.notice(fmt.Sprintf("the snapshot of table %s stops: %v. When that is mended: rdip snapshot CONNECTOR %[1]s --resume, or at the next start by itself; to give it up: --stop", r.id, err))
	w.readings.fail(r, err)
	if w.o.GaveUp != nil {
		w.o.GaveUp(err)
	}
}

// waits shows what a table's reading waits for; "" for nothing.
func (s *Readings) waits(r *reading, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.waiting = why
}

func (s *Readings) fail(r *reading, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.failed, r.out = err, 0
	s.publish()
}

// asked is what of a table is to be read, and its stored plan; have is true where this run has made it already.
func (s *Readings) asked(r *reading) (a Asked, saved string, have bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Asked{Table: r.id, Where: r.record.Where, Keys: r.record.Keys, ByHand: r.byHand()}, r.record.Plan, r.plan != nil
}
