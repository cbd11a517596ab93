package snapshot

import (
	"slices"

	"rdip/envelope"
	"rdip/offsets"
)

// marker is the Handler that a lane's rows go through: it sets their marks, counts them, and commits each
// chunk behind its last row. One goroutine at a time uses it.
type marker struct {
	next  envelope.Handler
	marks *marks
	count *TableProgress // of the chunk being read

	table *tableMarks // of the chunk being read
	held  *parked     // the latest row of the chunk being read, or the candidate that its lane brought along
	rows  int64       // of the chunk being read
	bytes int64       // of the chunk being read
	shown progressed  // what of these the progress knows
	kept  []*parked   // rows of other chunks, kept back
	spare []*parked   // buffers to use again

	wholes *wholes // nil: rows are kept back over the ends of chunks
}

// progressed is rows and bytes that were added to the progress.
type progressed struct{ rows, bytes int64 }

// reportRows is after how many rows the progress is brought up to date.
const reportRows = 256

// Begin is not a lane's to call.
func (m *marker) Begin(tx *envelope.Transaction) error { return m.next.Begin(tx) }

// Table passes the layout on.
func (m *marker) Table(l *envelope.Layout) error { return m.next.Table(l) }

// Row hands the row before it on and keeps e.
func (m *marker) Row(e *envelope.Event) error {
	if m.held.full {
		if err := m.emit(m.held, false, false); err != nil {
			return err
		}
	}
	m.held.keep(e)
	if m.rows++; m.rows == 1 {
		if err := m.release(); err != nil {
			return err
		}
	}
	m.bytes += int64(len(m.held.buf))
	if m.rows%reportRows == 0 {
		m.report()
	}
	return nil
}

// Refuse passes on that there is a row that was not read. It is not counted, and carries no mark.
func (m *marker) Refuse(l *envelope.Layout, known envelope.Row, reason error) error {
	return m.next.Refuse(l, known, reason)
}

// Message passes a message on.
func (m *marker) Message(msg *envelope.Message) error { return m.next.Message(msg) }

// Commit is not a lane's to call.
func (m *marker) Commit(d offsets.Durable) error { return m.next.Commit(d) }

// Flush passes on that the lane waits.
func (m *marker) Flush() error { return m.next.Flush() }

// Idle is not a lane's to call.
func (m *marker) Idle(p offsets.Position) error { return m.next.Idle(p) }

// emit hands a kept row on, with its mark, and commits the chunk that waited for it.
func (m *marker) emit(p *parked, lastInTable, last bool) error {
	hand := m.hand
	if !p.table.wrote.Load() {
		hand = m.emitFirst
	}
	if err := hand(p, lastInTable, last); err != nil {
		return err
	}
	return m.commit(p)
}

// emitFirst hands on what may be its table's first row. The lane sends what it has gathered before it waits,
// so that it holds no memory that the lane it waits for may need. Its chunk is committed behind that: a lane outside of
// a chunk may have to wait until those that are inside have ended theirs, and they may wait for this one here.
func (m *marker) emitFirst(p *parked, lastInTable, last bool) error {
	if err := m.next.Flush(); err != nil {
		return err
	}
	m.marks.first.Lock()
	defer m.marks.first.Unlock()
	if err := m.hand(p, lastInTable, last); err != nil {
		return err
	}
	if p.table.wrote.Load() {
		return nil // another lane was first
	}
	if err := m.next.Flush(); err != nil {
		return err
	}
	m.marks.wrote.Store(true)
	p.table.wrote.Store(true)
	return nil
}

func (m *marker) hand(p *parked, lastInTable, last bool) error {
	p.event.Mark = m.marks.mark(p.table, lastInTable, last)
	if err := m.next.Row(&p.event); err != nil {
		return err
	}
	p.full = false
	return nil
}

func (m *marker) commit(p *parked) error {
	if p.chunk == nil {
		return nil
	}
	c := p.chunk
	p.chunk = nil
	return m.next.Commit(offsets.Durable{Chunk: c})
}

// begin prepares for a chunk of t. A row of t that this lane keeps back goes along: t's next row shows that
// it was not the last.
func (m *marker) begin(t *tableMarks, count *TableProgress) {
	m.table, m.count, m.rows, m.bytes, m.shown = t, count, 0, 0, progressed{}
	if i := slices.IndexFunc(m.kept, func(p *parked) bool { return p.table == t }); i >= 0 {
		m.held = m.kept[i]
		m.kept = slices.Delete(m.kept, i, i+1)
		return
	}
	m.held = m.take(t)
}

// end finishes the chunk: its last row is kept back as the table's candidate, or handed on where another
// lane has one already.
func (m *marker) end(c Chunk) error {
	m.report()
	done := &offsets.Chunk{Table: c.Table.ID(), Index: c.Index, Rows: m.rows}
	if m.wholes != nil {
		return m.endWhole(done)
	}
	p := m.held
	m.held = nil
	if m.rows == 0 { // p is what the lane brought along, if anything
		m.put(p)
		if err := m.next.Commit(offsets.Durable{Chunk: done}); err != nil {
			return err
		}
		m.marks.finish(m.table)
		return m.settle()
	}
	p.chunk = done
	if m.marks.offer(p) {
		m.put(p)
		return m.settle()
	}
	if err := m.emit(p, false, false); err != nil {
		return err
	}
	m.put(p)
	m.marks.finish(m.table)
	return m.settle()
}

// release hands on the row that this lane keeps as the last of all: a chunk of a later table has a row.
func (m *marker) release() error {
	if p := m.marks.release(m); p != nil {
		return m.emitKept(p, false)
	}
	return nil
}

// settle hands on what need not be kept back any longer.
func (m *marker) settle() error {
	for _, p := range slices.Clone(m.kept) {
		if !p.full {
			continue // it was due to a row before it in the list
		}
		if due := m.marks.settle(p); due != nil {
			if err := m.emitKept(due, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// emitKept hands on a kept row, the last of its table.
func (m *marker) emitKept(p *parked, last bool) error {
	if err := m.emit(p, true, last); err != nil {
		return err
	}
	at := slices.Index(m.kept, p)
	m.kept = slices.Delete(m.kept, at, at+1)
	m.spare = append(m.spare, p)
	return nil
}

// close hands on what is kept when every chunk of every lane has been read, but for the last row of all.
func (m *marker) close(finale *parked) error {
	for _, p := range slices.Clone(m.kept) {
		if p == finale {
			continue
		}
		if err := m.emitKept(p, false); err != nil {
			return err
		}
	}
	return nil
}

// take is an empty row of t's, with buffers used before where there are any.
func (m *marker) take(t *tableMarks) *parked {
	p := &parked{}
	if n := len(m.spare); n > 0 {
		p, m.spare = m.spare[n-1], m.spare[:n-1]
	}
	p.owner, p.table, p.chunk, p.full = m, t, nil, false
	return p
}

// put keeps a row for later, or its buffers where it is empty.
func (m *marker) put(p *parked) {
	if p.full {
		m.kept = append(m.kept, p)
		return
	}
	m.spare = append(m.spare, p)
}

// report brings the progress up to date.
func (m *marker) report() {
	m.count.add(m.rows-m.shown.rows, m.bytes-m.shown.bytes)
	m.shown = progressed{m.rows, m.bytes}
}
