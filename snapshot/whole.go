package snapshot

import (
	"sync"

	"rdip/offsets"
)

// wholes is how chunks end where each is a unit: none of their rows is kept back. What is last is known of the chunk
// that ends last: chunks of a table end one after the other, and so do the last chunks of tables.
type wholes struct {
	mu   sync.Mutex // held while the last row of a table goes out: what is last of all follows it
	left int        // tables that are not read to their end
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
	if m.table.left--; m.table.left > 0 {
		return m.endWith(done, false, false)
	}
	m.wholes.mu.Lock()
	defer m.wholes.mu.Unlock()
	m.wholes.left--
	return m.endWith(done, true, m.wholes.left == 0)
}

// endWith hands on what is held, if a row is, with its marks. Only who holds the table's ending asks.
func (m *marker) endWith(done *offsets.Chunk, lastInTable, last bool) error {
	p := m.held
	m.held = nil
	defer m.put(p)
	if !p.full {
		return m.next.Commit(offsets.Durable{Chunk: done})
	}
	p.chunk = done
	return m.emit(p, lastInTable, last)
}
