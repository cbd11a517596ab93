package snapshot

import "sync/atomic"

// window is one read of rows, from the moment when it is armed to the one when they went out or were thrown
// away. Until it is ready, Run fills it in; from then on it is the stream's goroutine's, until it is done.
type window struct {
	number  uint64
	reading *reading
	chunk   Chunk
	keys    []string // packed, where it reads by key; else nil
	touched *touched // the stream's goroutine's
	buffer  *buffer
	view    View
	last    bool // nothing of the chunk is left behind it
	rest    *Chunk
	failed  bool // nothing is to go out

	high  atomic.Uint64 // the place where it ends, 0 while not known
	ready chan struct{} // closed when everything above is there
	done  chan outcome  // holds one
}

// outcome is what became of a window.
type outcome struct {
	sent       bool
	retake     bool   // another view is needed
	overflowed bool   // more was touched than is kept
	blocker    uint64 // a transaction that went out and that the view does not see
	replan     bool   // the table, or its key, is another
}

// closes says whether the window ends at a boundary. One that is short, and marked before it is read, makes
// the stream wait for its rows, so that little can touch them.
func (w *window) closes(place uint64) bool {
	high := w.high.Load()
	if high == 0 || place < high {
		return false
	}
	if w.keys != nil {
		<-w.ready
		return true
	}
	select {
	case <-w.ready:
		return true
	default:
		return false
	}
}
