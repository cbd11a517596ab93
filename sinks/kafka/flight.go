package kafka

import (
	"sync"
	"sync/atomic"

	"rdip/sinks"
)

const (
	// recordOverhead is what a record has beside its key, value and headers: each varint at its longest, and
	// the attributes byte (https://kafka.apache.org/documentation/#record).
	recordOverhead = 36
	// headerOverhead is the same for a header: two varints.
	headerOverhead = 10
	// batchOverhead is the header of a record batch, 61 bytes, rounded up.
	batchOverhead = 64
	// held is about what the producer keeps in memory beside a record's own bytes: its place in a queue, and
	// sarama's record. The request under way, two copies, comes to that: it is bounded by itself.
	held = 192
)

// recordSize is the record's size before compression, never less than on the wire.
func recordSize(r *sinks.Record) int {
	size := recordOverhead + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		size += headerOverhead + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return size
}

// flight is one batch on its way. It is used again for another batch once its own is reported.
type flight struct {
	batch   *sinks.Batch
	cost    int64                 // taken from the budget
	failure atomic.Pointer[error] // the first
	// isPositions is a batch of Commit's own, which no Acks is told of.
	isPositions bool
}

var flights = sync.Pool{New: func() any { return new(flight) }}

func newFlight(b *sinks.Batch, cost int64) *flight {
	f := flights.Get().(*flight)
	f.batch, f.cost, f.isPositions = b, cost, false
	f.failure.Store(nil)
	return f
}

// recycle lets go of the batch.
func (f *flight) recycle() {
	f.batch = nil
	flights.Put(f)
}

// fail keeps the first failure.
func (f *flight) fail(err error) { f.failure.CompareAndSwap(nil, &err) }

// landed counts n records as reported and says whether they were the last.
func (f *flight) landed(n int32) bool { return atomic.AddInt32(&f.batch.Pending, -n) == 0 }
