// Package budget bounds the bytes of rows that a connector has under way.
package budget

import (
	"context"
	"sync"

	"rdip/sinks"
)

const (
	// ArenaBytes is the usual size of a batch. A row that is larger gets an arena of its own.
	ArenaBytes = 256 << 10
	// ArenaRecords is how many records a batch has room for before its list grows.
	ArenaRecords = 2048
	// copies is how often a record's bytes exist while they are under way: in the arena, in the Kafka
	// client's record batch, and in its request.
	copies = 3
	// recordBytes is what a record takes beside its bytes: in the batch's list, and as the Kafka client's
	// message and its part of a record batch. Of a narrow row it is more than the bytes are.
	recordBytes = 400
	// arenaCost is what a full arena takes in all.
	arenaCost = copies*ArenaBytes + ArenaRecords*recordBytes
)

// Budget bounds the bytes that a task holds in batches, whatever the size of a transaction and however
// long the sink is away (G8). A batch counts from the moment it is taken until it is acknowledged. It is
// safe for concurrent use.
type Budget struct {
	mu       sync.Mutex
	limit    int64 // bytes of arenas
	used     int64
	inFlight int           // batches sent and not acknowledged
	changed  chan struct{} // closed and made anew whenever something is given back
	free     []*sinks.Batch
}

// New is a budget of memory bytes.
func New(memory int64) *Budget {
	return &Budget{limit: limitOf(memory), changed: make(chan struct{})}
}

// Take waits for room for one more batch and hands out an empty one.
func (b *Budget) Take(ctx context.Context) (*sinks.Batch, error) {
	if err := b.Reserve(ctx, ArenaBytes); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.free); n > 0 {
		batch := b.free[n-1]
		b.free = b.free[:n-1]
		return batch, nil
	}
	return &sinks.Batch{Arena: make([]byte, 0, ArenaBytes), Records: make([]sinks.Record, 0, ArenaRecords)}, nil
}

// Reserve waits until n bytes fit. What does not fit even in an empty budget passes once nothing is in
// flight, so that a single large row is delayed and never stuck.
func (b *Budget) Reserve(ctx context.Context, n int64) error {
	for {
		b.mu.Lock()
		if b.used+n <= b.limit || b.inFlight == 0 {
			b.used += n
			b.mu.Unlock()
			return nil
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Grown waits until what a batch has grown by beyond its usual size fits, as Reserve does.
func (b *Budget) Grown(ctx context.Context, batch *sinks.Batch) error {
	if extra := sizeOf(batch) - ArenaBytes; extra > 0 {
		return b.Reserve(ctx, extra)
	}
	return nil
}

// Sent counts a batch as in flight, and says whether it is the only one.
func (b *Budget) Sent() (first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight++
	return b.inFlight == 1
}

// Put takes a batch back, reported or never sent. Its arena is kept only at the usual size.
func (b *Budget) Put(batch *sinks.Batch, wasSent bool) {
	size := sizeOf(batch)
	clear(batch.Records)
	batch.Records, batch.Arena = batch.Records[:0], batch.Arena[:0]
	batch.Owner, batch.Token, batch.Beside = nil, 0, 0
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= size
	if wasSent {
		b.inFlight--
	}
	if cap(batch.Arena) <= 2*ArenaBytes {
		b.free = append(b.free, batch)
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// Held is how many bytes are in batches, and of how many.
func (b *Budget) Held() (used, limit int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used, b.limit
}

// IsIdle says whether no batch is under way.
func (b *Budget) IsIdle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inFlight == 0
}

// sizeOf is what a batch counts for: its usual size, or what it grew to, with what it holds beside its arena.
func sizeOf(batch *sinks.Batch) int64 { return int64(max(ArenaBytes, len(batch.Arena)+batch.Beside)) }

// limitOf divides memory bytes among arenas: at least four, so that lanes and acknowledgements overlap.
func limitOf(memory int64) int64 { return max(memory/arenaCost, 4) * ArenaBytes }

// Resize changes the limit. What is out already stays out until it is reported.
func (b *Budget) Resize(memory int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = limitOf(memory)
	b.free = nil
	close(b.changed)
	b.changed = make(chan struct{})
}
