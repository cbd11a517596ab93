package snapshot

import (
	"context"
	"errors"
	"sync"

	"rdip/envelope"
)

// Run copies everything that src plans, over as many lanes as there are handlers, and hands each lane's rows
// to its own handler: Begin once, then for each chunk Table, its rows and Commit, which comes behind the last
// of the chunk's rows and may come behind rows of later chunks. With one handler, tables and chunks come in
// the plan's order. A handler is called by one goroutine at a time.
//
// Run ends with the first error, having ended the other lanes: it calls stop with that error, which must end
// whatever the handlers wait on; nil where they never wait. src stays open. p is brought up to date on the
// way and must not be nil.
func Run(ctx context.Context, src Source, handlers []envelope.Handler, p *Progress, stop context.CancelCauseFunc) error {
	return copyAll(ctx, src, handlers, p, stop, false)
}

// RunWhole is Run for handlers to which a chunk is a unit: its Commit comes before anything of the lane's next chunk, so
// that no row waits for what other lanes read. A table whose last chunk to end has no row has no last row marked.
func RunWhole(ctx context.Context, src Source, handlers []envelope.Handler, p *Progress, stop context.CancelCauseFunc) error {
	return copyAll(ctx, src, handlers, p, stop, true)
}

func copyAll(ctx context.Context, src Source, handlers []envelope.Handler, p *Progress, stop context.CancelCauseFunc, whole bool) error {
	if len(handlers) == 0 {
		return errors.New("snapshot: no handler, so no lane")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	plan, err := src.Plan(ctx)
	if err != nil {
		return err
	}
	p.begin(plan)
	defer p.end()
	r := newRun(src, plan, handlers, p)
	if whole {
		r.endWhole()
	}
	if err := r.lanes(ctx, func(err error) {
		cancel(err)
		if stop != nil {
			stop(err)
		}
	}); err != nil {
		return err
	}
	return r.finish()
}

// run is one snapshot under way.
type run struct {
	src      Source
	queue    *queue
	tables   []*tableMarks // in the plan's order
	marks    *marks
	markers  []*marker // one a lane
	progress *Progress
}

func newRun(src Source, plan []TablePlan, handlers []envelope.Handler, p *Progress) *run {
	r := &run{src: src, queue: newQueue(plan, len(handlers)), marks: &marks{}, progress: p}
	for _, t := range plan {
		r.tables = append(r.tables, &tableMarks{left: len(t.Chunks)})
	}
	for _, h := range handlers {
		r.markers = append(r.markers, &marker{next: h, marks: r.marks})
	}
	return r
}

// lanes runs every lane to its end. The first error wins; fail is called with it at once.
func (r *run) lanes(ctx context.Context, fail func(error)) error {
	var (
		wg    sync.WaitGroup
		once  sync.Once
		first error
	)
	for _, m := range r.markers {
		wg.Go(func() {
			if err := r.lane(ctx, m); err != nil {
				once.Do(func() {
					first = err
					fail(err)
				})
			}
		})
	}
	wg.Wait()
	return first
}

// lane reads chunks over one connection until none is left.
func (r *run) lane(ctx context.Context, m *marker) (err error) {
	lane, err := r.src.Lane(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closing := lane.Close(context.WithoutCancel(ctx)); err == nil {
			err = closing
		}
	}()
	tx := r.src.Transaction()
	if err := m.Begin(&tx); err != nil {
		return err
	}
	for last := noTable; ctx.Err() == nil; {
		t, ok := r.queue.next(last)
		if !ok {
			return m.Flush() // the lane waits for the others
		}
		last = t.table
		count := r.progress.table(t.table)
		count.start(t.chunk)
		m.begin(r.tables[t.table], count)
		if err := lane.Read(ctx, t.chunk, m); err != nil {
			return err
		}
		if err := m.end(t.chunk); err != nil {
			return err
		}
		count.finish(t.chunk)
	}
	return context.Cause(ctx)
}

// finish hands on the rows that every lane kept back, and the last of all at the very end.
func (r *run) finish() error {
	finale := r.finale()
	for _, m := range r.markers {
		if err := m.close(finale); err != nil {
			return err
		}
	}
	if finale != nil {
		if err := finale.owner.emitKept(finale, true); err != nil {
			return err
		}
	}
	for _, m := range r.markers {
		if err := m.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// finale is the row to hand on last of all; nil where every table is empty.
func (r *run) finale() *parked {
	if r.marks.finale != nil {
		return r.marks.finale
	}
	for _, m := range r.markers {
		if len(m.kept) > 0 {
			return m.kept[0]
		}
	}
	return nil
}
