package source

import (
	"maps"
	"time"

	"rdip/internal/failpoint"
	"rdip/offsets"
)

// cache is what the offsets file has still to take over from the topic of positions. The topic is the truth: a file that
// cannot be written stops nothing, and is not even held against the source (O4).
type cache struct {
	record  offsets.Record
	tables  map[string]*offsets.TableSnapshot
	discard offsets.Position
	chunks  bool
	dirty   bool
	kept    time.Time
}

// keep takes up what was committed. The file follows at most once a flush interval, and the source is told behind it.
func (x *transactor) keep(out *outgoing) {
	x.mu.Lock()
	c := &x.cache
	c.record, c.dirty = out.record, true
	if c.tables == nil {
		c.tables = map[string]*offsets.TableSnapshot{}
	}
	maps.Copy(c.tables, out.tables)
	if !out.discard.IsZero() {
		c.discard = out.discard
	}
	c.chunks = c.chunks || out.chunks
	x.mu.Unlock()
	x.keepDue()
}

// keepDue writes the file if that is due.
func (x *transactor) keepDue() {
	x.mu.Lock()
	due := x.cache.dirty && time.Since(x.cache.kept) >= x.run.task.FlushInterval
	x.mu.Unlock()
	if due {
		x.keepNow()
	}
}

// keepNow writes the file and tells the source, in this order.
func (x *transactor) keepNow() {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := &x.cache
	if !c.dirty {
		return
	}
	t := x.run.task
	began := time.Now()
	c.kept = began
	err := t.Store.ReplaceTables(t.Name, c.record, c.tables)
	t.setStoreError(err)
	if err == nil {
		t.counts.stores.Observe(time.Since(began), 1)
		c.tables, c.dirty = nil, false
		if c.chunks {
			failpoint.Hit(failpoint.ChunkStored)
		}
		c.chunks = false
		failpoint.Hit(failpoint.Stored)
	}
	if c.discard.IsZero() {
		return
	}
	x.run.reader.Confirm(c.discard)
	c.discard = offsets.Position{}
	failpoint.Hit(failpoint.Confirmed)
}
