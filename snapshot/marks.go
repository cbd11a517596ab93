package snapshot

import (
	"sync"
	"sync/atomic"

	"rdip/envelope"
	"rdip/offsets"
)

// Which row is the last of its table, or of all, is known only once nothing follows. So each lane hands a
// row on when the next one comes, and one row a table is kept back until the table is read: the candidate.
// A kept row stays with the lane that read it, since the chunk it belongs to is finished only behind it, in
// that lane. The candidate of a finished table is kept further, as one that may be the last of all.

// marks is what the lanes of one snapshot share. The mutexes are taken a few times a chunk, never a row.
type marks struct {
	first sync.Mutex  // held while a table's first row is handed on and sent
	wrote atomic.Bool // a row of any table was sent

	mu     sync.Mutex
	finale *parked // the candidate for the last row of all, of a table that was read to its end
}

// tableMarks is one table's part in the marks.
type tableMarks struct {
	wrote atomic.Bool // a row of the table was sent

	ending sync.Mutex // of wholes: held while a chunk ends; left is guarded by it then

	// Guarded by marks.mu.
	candidate *parked // the row kept back; nil while no chunk that had rows is finished
	left      int     // chunks not finished
}

// parked is a row kept back between two chunks, and the chunk that is finished once it was handed on.
type parked struct {
	heldRow
	owner *marker
	table *tableMarks
	chunk *offsets.Chunk
}

// mark is Debezium's: last, else first, else last of the table, else first of the table, else true. Only the
// row that is its table's first can be the first of all, or two lanes could give one table both.
func (m *marks) mark(t *tableMarks, lastInTable, last bool) envelope.Mark {
	firstInTable := !t.wrote.Load()
	first := firstInTable && !m.wrote.Load()
	switch {
	case last:
		return envelope.Last
	case first:
		return envelope.First
	case lastInTable:
		return envelope.LastInTable
	case firstInTable:
		return envelope.FirstInTable
	default:
		return envelope.Snapshotted
	}
}

// offer makes p its table's candidate and finishes its chunk, unless another lane's row is that already.
func (m *marks) offer(p *parked) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := p.table.candidate; c != nil && c != p {
		return false
	}
	p.table.candidate = p
	p.table.left--
	return true
}

// finish counts a chunk of t whose rows were all handed on.
func (m *marks) finish(t *tableMarks) {
	m.mu.Lock()
	t.left--
	m.mu.Unlock()
}

// release takes back the row that may be the last of all, if owner keeps it: owner has read a later one.
func (m *marks) release(owner *marker) (due *parked) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.finale == nil || m.finale.owner != owner {
		return nil
	}
	due, m.finale = m.finale, nil
	return due
}

// settle says what becomes of p, a row that its lane keeps: it stays while its table is being read, and while
// it may be the last of all. Where p takes that part over from another row of its lane, that one is returned
// and is due; where another lane's row has it, p is due itself.
func (m *marks) settle(p *parked) (due *parked) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case p.table.left > 0 || m.finale == p:
		return nil
	case m.finale == nil:
		m.finale = p
		return nil
	case m.finale.owner == p.owner:
		due, m.finale = m.finale, p
		return due
	default:
		return p
	}
}
