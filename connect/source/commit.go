package source

import (
	"time"

	"rdip/internal/failpoint"
	"rdip/internal/fault"
	"rdip/offsets"
)

const (
	storeRetryFirst = 100 * time.Millisecond
	storeRetryLast  = 5 * time.Second
)

// commitLoop keeps the durable position close behind the acknowledgements, until quit. While a commit fails for a
// reason that may pass nothing is confirmed, and the budget of unacknowledged rows does not matter: Kafka has them.
func (r *run) commitLoop(l *lane, quit <-chan struct{}) {
	r.storeLoop(l, quit, func() error { return r.commit(l) })
}

// chunkLoop keeps the chunks that one lane of a first snapshot has delivered, until quit. What a failed write did
// not store goes with the next.
func (r *run) chunkLoop(l *lane, quit <-chan struct{}) {
	r.storeLoop(l, quit, func() error { return r.commitChunks(l.tracker.TakeChunks()) })
}

// storeLoop stores what has become safe on a lane, at most once a flush interval, until quit.
func (r *run) storeLoop(l *lane, quit <-chan struct{}, store func() error) {
	for {
		select {
		case <-l.tracker.Ready():
		case <-quit:
			return
		}
		if err := r.storeAgain(quit, store); err != nil {
			r.fail(err)
			return
		}
		select {
		case <-time.After(r.task.FlushInterval):
		case <-quit:
			return
		}
	}
}

// storeAgain repeats a write of the offsets file that failed for a reason that may pass, such as a full disk
// (O4), until quit; then it returns nil.
func (r *run) storeAgain(quit <-chan struct{}, store func() error) error {
	pause := storeRetryFirst
	for {
		err := store()
		if err == nil || fault.IsPermanent(err) {
			r.task.setStoreError(nil)
			return err
		}
		r.task.setStoreError(err)
		select {
		case <-time.After(pause):
		case <-quit:
			return nil
		}
		pause = min(2*pause, storeRetryLast)
	}
}

// commit is the one place where a position becomes durable: what Kafka has acknowledged is written and
// fsynced, and only then the source is told (G3, G4).
func (r *run) commit(l *lane) error {
	p, ok := l.tracker.Safe()
	chunks := l.tracker.TakeChunks() // behind Safe: what of them lies before p is among them
	if len(chunks) > 0 && (!ok || p == l.confirmed) {
		return r.commitChunks(chunks)
	}
	if !ok || p == l.confirmed {
		return nil
	}
	failpoint.Hit(failpoint.Acked)
	began := time.Now()
	discard, err := r.ledger.advance(p, chunks, r.reader)
	if err != nil {
		return err
	}
	r.task.counts.stores.Observe(time.Since(began), 1)
	if len(chunks) > 0 {
		failpoint.Hit(failpoint.ChunkStored)
	}
	failpoint.Hit(failpoint.Stored)
	r.reader.Confirm(discard)
	l.confirmed = p
	failpoint.Hit(failpoint.Confirmed)
	return nil
}

// commitChunks keeps chunks that Kafka has, where no position comes with them (G3). Where it fails, they go with
// the next write.
func (r *run) commitChunks(chunks []offsets.Chunk) error {
	began := time.Now()
	if err := r.ledger.chunksDone(chunks); err != nil {
		return err
	}
	r.task.counts.stores.Observe(time.Since(began), 1)
	failpoint.Hit(failpoint.ChunkStored)
	return nil
}
