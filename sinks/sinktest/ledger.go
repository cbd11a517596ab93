package sinktest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rdip/offsets"
	"rdip/sinks"
)

// Ledger counts reports: each batch has to be reported exactly once. Its Ack scribbles over the batch's arena,
// since the bytes are the sender's again. It is safe for concurrent use.
type Ledger struct {
	mu       sync.Mutex
	reports  map[*sinks.Batch]int
	failures []error
	next     offsets.Token
}

// NewLedger is an empty one.
func NewLedger() *Ledger { return &Ledger{reports: map[*sinks.Batch]int{}} }

// Ack is a sinks.Acks.
func (l *Ledger) Ack(b *sinks.Batch, err error) {
	for i := range b.Arena {
		b.Arena[i] = '#'
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reports[b]++
	if err != nil {
		l.failures = append(l.failures, err)
	}
}

// Reported is how many batches were reported, and the failures among them.
func (l *Ledger) Reported() (batches int, failures []error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.reports), append([]error(nil), l.failures...)
}

// Await waits until n batches are reported, and fails the test where one was reported twice, as failed, or
// with records pending.
func (l *Ledger) Await(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		got, failures := l.Reported()
		if len(failures) > 0 {
			t.Fatalf("%d batches failed, the first: %v", len(failures), failures[0])
		}
		if got >= n {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d batches were reported within %v", got, n, patience)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for b, times := range l.reports {
		if times != 1 || atomic.LoadInt32(&b.Pending) != 0 {
			t.Errorf("batch %d was reported %d times with %d records pending", b.Token, times, b.Pending)
		}
	}
}

// Batch makes a batch in an arena of its own, as a lane does; a nil key or value stays nil.
func (l *Ledger) Batch(records ...sinks.Record) *sinks.Batch {
	size := 0
	for _, r := range records {
		size += len(r.Key) + len(r.Value)
	}
	arena := make([]byte, 0, size)
	place := func(b []byte) []byte {
		if b == nil {
			return nil
		}
		arena = append(arena, b...)
		return arena[len(arena)-len(b) : len(arena) : len(arena)]
	}
	b := &sinks.Batch{}
	for _, r := range records {
		r.Key, r.Value = place(r.Key), place(r.Value)
		b.Records = append(b.Records, r)
	}
	b.Arena = arena
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	b.Token = l.next
	return b
}
