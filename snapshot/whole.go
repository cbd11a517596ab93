package snapshot

import (
	"sync"

	"rdip/offsets"
)

// wholes is how chunks end where each is a unit: none of their rows is kept back. What is last is known of the chunk
// that ends last: chunks of a table end one after the other.
type wholes struct {
	mu   sync.Mutex
	left int // tables that are not read to their end
}

// endWhole has every lane end its chunks so.
func (r *run) endWhole() {
	w := &wholes{}
	for _, t := range r.tables {
		if t.left > 0 {
			w.left++
		}
	}
	for _, m := range r.markers {
		m.wholes = w
	}
}

// endWhole hands on the last row of a chunk, and commits it. What is gathered goes first, so that a lane that waits for
// another holds no memory that the other may need.
func (m *marker) endWhole(done *offsets.Chunk) error {
	if err := m.next.Flush(); err != nil {
		return err
	}
	m.table.ending.Lock()
	defer m.table.ending.Unlock()
	lastInTable, last := m.wholes.ends(m.table)
	p := m.held
	m.held = nil
	defer m.put(p)
	if !p.full {
		return m.next.Commit(offsets.Durable{Chunk: done})
	}
	p.chunk = done
	return m.emit(p, lastInTable, last)
}

// ends counts a chunk of t, and says whether it is the last of its table, and of all. Only who holds t.ending asks.
func (w *wholes) ends(t *tableMarks) (lastInTable, last bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.left--; t.left > 0 {
		return false, false
	}
	w.left--
	return true, w.left == 0
}
