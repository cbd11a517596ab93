package snapshot

import (
	"context"
	"time"
)

// A table that cannot be read for now, since it is locked or waits for a transaction, is set back: others are read
// meanwhile, and it is tried again later.

// blockedError leaves a table that has waited for long, for what it says, where another one can be read.
type blockedError struct{ why string }

func (e *blockedError) Error() string { return e.why }

// setBack has other tables read first for a while; why is for people. The while is longer each time, until the table has
// come on.
func (s *Readings) setBack(r *reading, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.pause = min(max(2*r.pause, retryFirst), retryLast)
	r.notBefore, r.waiting = s.clock().Add(r.pause), why
}

// cameOn ends a table's being set back.
func (s *Readings) cameOn(r *reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.pause, r.notBefore = 0, time.Time{}
}

// isOpen says whether the table is to be read; skip may be nil. The caller holds mu.
func (r *reading) isOpen(skip func(table string) bool) bool {
	return r.left() && !r.record.Paused && r.failed == nil && r.due() && (skip == nil || !skip(r.id))
}

// hasOther says whether another table could be read now.
func (s *Readings) hasOther(than *reading, skip func(table string) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.tables {
		if r != than && !r.notBefore.After(s.clock()) && r.isOpen(skip) {
			return true
		}
	}
	return false
}

// waitsOn is nil where a table, which has waited so long for what why says, is to be waited for still.
func (w *Windows) waitsOn(ctx context.Context, r *reading, why string, pause time.Duration) error {
	switch {
	case ctx.Err() != nil:
		return ended(ctx)
	case !w.readings.goesOn(r):
		return errNotNow
	case pause >= lastPause && w.readings.hasOther(r, w.o.Skip):
		return &blockedError{why}
	default:
		return nil
	}
}
