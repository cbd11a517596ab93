package kafka

import (
	"context"
	"sync"
)

// budget bounds the bytes that are sent and not yet reported. Safe for concurrent use.
type budget struct {
	limit int64
	turn  chan struct{} // holds the token of the one that waits, so that a large batch is not passed by for ever

	mu    sync.Mutex
	used  int64
	freed chan struct{} // closed at the next release; nil while nobody waits
}

func newBudget(limit int64) *budget { return &budget{limit: limit, turn: make(chan struct{}, 1)} }

// acquire takes n bytes, and waits for them until ctx ends or stop is closed; then it has taken nothing. One
// larger than the whole budget passes alone.
func (b *budget) acquire(ctx context.Context, stop <-chan struct{}, n int64) bool {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return false
	case <-stop:
		return false
	}
	for {
		freed := b.take(n)
		if freed == nil {
			return true
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return false
		case <-stop:
			return false
		}
	}
}

// take takes n bytes and returns nil, or returns what to wait for.
func (b *budget) take(n int64) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used == 0 || b.used+n <= b.limit {
		b.used += n
		return nil
	}
	if b.freed == nil {
		b.freed = make(chan struct{})
	}
	return b.freed
}

func (b *budget) release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
}

func (b *budget) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
