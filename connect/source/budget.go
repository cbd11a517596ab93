package source

import (
	"context"
	"sync"

	"rdip/sinks"
)

const (
	// arenaBytes is the usual size of a batch. A row that is larger gets an arena of its own.
	arenaBytes = 256 << 10
	// arenaRecords is how many records a batch has room for before its list grows.
	arenaRecords = 2048
	// copies is how often a record's bytes exist while they are under way: in the arena, in the Kafka
	// client's record batch, and in its request.
	copies = 3
	// recordBytes is what a record takes beside its bytes: in the batch's list, and as the Kafka client's
	// message and its part of a record batch. Of a narrow row it is more than the bytes are.
	recordBytes = 400
	// arenaCost is what a full arena takes in all.
	arenaCost = copies*arenaBytes + arenaRecords*recordBytes
)

// budget bounds the bytes that a task holds in batches, whatever the size of a transaction and however
// long the sink is away (G8). A batch counts from the moment it is taken until it is acknowledged. It is
// safe for concurrent use.
type budget struct {
	mu       sync.Mutex
	limit    int64 // bytes of arenas
	used     int64
	inFlight int           // batches sent and not acknowledged
	changed  chan struct{} // closed and made anew whenever something is given back
	free     []*sinks.Batch
}

// newBudget is a budget of memory bytes.
func newBudget(memory int64) *budget {
	return &budget{limit: limitOf(memory), changed: make(chan struct{})}
}

// take waits for room for one more batch and hands out an empty one.
func (b *budget) take(ctx context.Context) (*sinks.Batch, error) {
	if err := b.reserve(ctx, arenaBytes); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.free); n > 0 {
		batch := b.free[n-1]
		b.free = b.free[:n-1]
		return batch, nil
	}
	return &sinks.Batch{Arena: make([]byte, 0, arenaBytes), Records: make([]sinks.Record, 0, arenaRecords)}, nil
}

// reserve waits until n bytes fit. What does not fit even in an empty budget passes once nothing is in
// flight, so that a single large row is delayed and never stuck.
func (b *budget) reserve(ctx context.Context, n int64) error {
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

// sent counts a batch as in flight.
func (b *budget) sent() {
	b.mu.Lock()
	b.inFlight++
	b.mu.Unlock()
}

// put takes a batch back, reported or never sent. Its arena is kept only at the usual size.
func (b *budget) put(batch *sinks.Batch, wasSent bool) {
	size := sizeOf(batch)
	clear(batch.Records)
	batch.Records, batch.Arena = batch.Records[:0], batch.Arena[:0]
	batch.Owner, batch.Token = nil, 0
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= size
	if wasSent {
		b.inFlight--
	}
	if cap(batch.Arena) <= 2*arenaBytes {
		b.free = append(b.free, batch)
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// held is how many bytes are in batches, and of how many.
func (b *budget) held() (used, limit int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used, b.limit
}

// idle says whether no batch is under way.
func (b *budget) idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inFlight == 0
}

// sizeOf is what a batch counts for: its usual size, or what it grew to.
func sizeOf(batch *sinks.Batch) int64 { return int64(max(arenaBytes, len(batch.Arena))) }
