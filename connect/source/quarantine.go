package source

import (
	"context"
	"fmt"
	"time"

	"rdip/internal/fault"
	"rdip/offsets"
)

// lookAtStopped is how often a run looks at what its stopped tables cost the source.
const lookAtStopped = time.Second

// retained is how many bytes of log the source keeps for a table that stopped; 0 where it keeps none for it. Places of a
// log are bytes of it.
func (s *Stop) retained(sourcePlace uint64) int64 {
	if s == nil || s.InSnapshot || sourcePlace <= s.Place {
		return 0
	}
	return int64(sourcePlace - s.Place)
}

// watchStopped gives up tables for which the source keeps more log than it may, until ctx ends. What is returned is
// closed behind it.
func (r *run) watchStopped(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	if r.task.Errors.MostRetained <= 0 {
		close(ended)
		return ended
	}
	go func() {
		defer close(ended)
		look := time.NewTicker(lookAtStopped)
		defer look.Stop()
		warned := map[string]bool{}
		for {
			select {
			case <-look.C:
				r.fails(r.lookAtStopped(warned))
			case <-ctx.Done():
				return
			}
		}
	}()
	return ended
}

// lookAtStopped warns of a table at four fifths of the limit, once, and gives it up beyond it.
func (r *run) lookAtStopped(warned map[string]bool) error {
	most, now := r.task.Errors.MostRetained, r.reader.Status().SourcePlace
	for _, t := range r.tables.all() {
		_, stop := t.shown()
		bytes := stop.retained(now)
		switch {
		case bytes > most:
			if err := r.giveUp(t, stop, bytes); err != nil && fault.IsPermanent(err) {
				return err
			}
		case bytes > most/5*4 && !warned[t.id]:
			warned[t.id] = true
			r.task.Log.Warn("a table that stopped is soon given up: the source keeps log for it", "table", t.id, "bytes", bytes,
				"quarantine.max.retained.bytes", most, "fix", fmt.Sprintf("mend it, then: rdip resume %s %s", r.task.Name, t.id))
		}
	}
	return nil
}

// giveUp lets the source go on without a table that stopped: from now on only a new snapshot brings it back.
func (r *run) giveUp(t *table, stop *Stop, bytes int64) error {
	gone := &Stop{InSnapshot: true, Reason: fmt.Errorf("given up: the source kept %d bytes of log for it, and quarantine.max.retained.bytes is %d; it had stopped with: %w",
		bytes, r.task.Errors.MostRetained, stop.Reason)}
	if err := r.ledger.stopTable(t.id, gone); err != nil {
		return err
	}
	t.mu.Lock()
	t.stopped = gone
	t.mu.Unlock()
	r.task.Log.Error("table given up; the source is held for it no longer", "table", t.id, "error", gone.Reason, "then", gone.Then(r.task.Name, t.id))
	return nil
}

// Holding is the table that stopped first and still holds the source back, with how many bytes of log that is; false
// where none does.
func (s *Status) Holding() (table string, bytes int64, ok bool) {
	for i := range s.Tables {
		t := &s.Tables[i]
		if t.Retained > bytes {
			table, bytes, ok = t.Table, t.Retained, true
		}
	}
	return table, bytes, ok
}

// catchingUp are the tables that go on from older places than the others, and have not yet come as far.
func (g *ledger) catchingUp() map[string]offsets.StoppedTable {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make(map[string]offsets.StoppedTable, len(g.held))
	for id, s := range g.held {
		out[id] = s
	}
	return out
}
