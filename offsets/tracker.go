package offsets

import (
	"errors"
	"fmt"
	"sync"
)

// ErrToken is a batch that was sealed or acknowledged twice, or never opened: the call changed nothing.
var ErrToken = errors.New("no such outstanding batch")

// A Tracker knows which position of one lane is safe: acknowledged, with everything before it. Batches are
// opened and sealed in the lane's order, on the lane's goroutine; acknowledgements come in any order, from
// any goroutine; the position that is safe only grows. All methods may be called at once. One call takes
// one lock, a batch and not a row, and allocates nothing once the number of outstanding batches has been
// reached before.
type Tracker struct {
	mu      sync.Mutex
	batches ring
	sealed  Token // the newest sealed batch; 0 for none
	safe    Position
	chunks  []Chunk // safe, and not yet taken
	ready   chan struct{}
}

// NewTracker returns a Tracker with nothing outstanding and no safe position.
func NewTracker() *Tracker {
	return &Tracker{batches: newRing(), ready: make(chan struct{}, 1)}
}

// Open begins a batch behind all others.
func (t *Tracker) Open() Token {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.batches.push()
}

// Seal says that the batch is complete. last is the newest commit boundary inside it or at its end: rows
// behind that boundary belong to a transaction that a later batch ends, and last does not cover them. It
// is zero where no boundary fell into the batch. chunks, which are copied, end with this batch. A batch
// that is already sealed, or was never opened, is ErrToken.
func (t *Tracker) Seal(token Token, last Position, chunks []Chunk) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.batches.holds(token) || t.batches.at(token).sealed {
		return fmt.Errorf("seal batch %d: %w", token, ErrToken)
	}
	e := t.batches.at(token)
	e.sealed = true
	e.last = last
	e.chunks = append(e.chunks, chunks...)
	t.sealed = max(t.sealed, token)
	return nil
}

// Mark says that the lane has reached p with nothing buffered: it was idle, or a transaction ended just
// where the open batch is still empty. p is safe as soon as every sealed batch is acknowledged; an open,
// empty batch does not hold it back.
func (t *Tracker) Mark(p Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.batches.holds(t.sealed) {
		t.batches.at(t.sealed).last = p
		return
	}
	if t.raise(p) {
		t.notify()
	}
}

// MarkChunk is Mark for a chunk that ended with nothing buffered, such as one without rows.
func (t *Tracker) MarkChunk(c Chunk) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.batches.holds(t.sealed) {
		e := t.batches.at(t.sealed)
		e.chunks = append(e.chunks, c)
		return
	}
	t.chunks = append(t.chunks, c)
	t.notify()
}

// Ack says that every record of the batch is acknowledged. A batch that is not sealed, not outstanding or
// acknowledged already is ErrToken.
func (t *Tracker) Ack(token Token) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.batches.holds(token) {
		return fmt.Errorf("acknowledge batch %d: %w", token, ErrToken)
	}
	e := t.batches.at(token)
	if !e.sealed || e.acked {
		return fmt.Errorf("acknowledge batch %d (sealed %t, acknowledged %t): %w", token, e.sealed, e.acked, ErrToken)
	}
	e.acked = true
	if t.advance() {
		t.notify()
	}
	return nil
}

// Safe is the newest position below which everything is acknowledged; false while there is none. It never
// goes back.
func (t *Tracker) Safe() (Position, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.safe, !t.safe.IsZero()
}

// TakeChunks hands over the chunks that have become safe since the last call; the caller owns the slice.
func (t *Tracker) TakeChunks() []Chunk {
	t.mu.Lock()
	defer t.mu.Unlock()
	chunks := t.chunks
	t.chunks = nil
	return chunks
}

// Ready receives after Safe or TakeChunks have something new. It holds one notice: a receiver reads both.
func (t *Tracker) Ready() <-chan struct{} { return t.ready }

// Outstanding counts the batches that are open, or not acknowledged, or behind one that is not.
func (t *Tracker) Outstanding() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.batches.len()
}

// advance gives up the acknowledged batches at the front, and says whether anything became safe.
func (t *Tracker) advance() bool {
	changed := false
	for t.batches.len() > 0 {
		e := t.batches.at(t.batches.head)
		if !e.acked {
			break
		}
		if t.raise(e.last) {
			changed = true
		}
		if len(e.chunks) > 0 {
			t.chunks = append(t.chunks, e.chunks...)
			changed = true
		}
		t.batches.pop()
	}
	return changed
}

func (t *Tracker) raise(p Position) bool {
	if p.IsZero() || p == t.safe || p.Place < t.safe.Place {
		return false
	}
	t.safe = p
	return true
}

func (t *Tracker) notify() {
	select {
	case t.ready <- struct{}{}:
	default:
	}
}
