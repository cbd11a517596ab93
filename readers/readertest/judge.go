package readertest

import (
	"bytes"
	"sync/atomic"

	"rdip/envelope"
	"rdip/offsets"
)

// judge is a Handler that holds a reader to the rules of envelope.Handler on every call, and passes the call
// on. When the call has returned it overwrites the bytes that it was handed: they were borrowed, and a reader
// that still needs them is wrong. One judge serves one Stream, or one lane.
type judge struct {
	next   envelope.Handler
	report func(format string, args ...any)
	lane   bool // of a snapshot, which calls Table and Row alone

	busy    atomic.Bool
	open    bool
	layouts map[string]*envelope.Layout // the newest of each table
	place   uint64                      // of the open transaction's commit record
	end     uint64                      // behind the last commit
	idle    uint64
}

func newJudge(next envelope.Handler, report func(format string, args ...any)) *judge {
	return &judge{next: next, report: report, layouts: map[string]*envelope.Layout{}}
}

func newLaneJudge(next envelope.Handler, report func(format string, args ...any)) *judge {
	j := newJudge(next, report)
	j.lane = true
	return j
}

// enter notes that a call has begun; what it returns ends it.
func (j *judge) enter(call string) func() {
	if !j.busy.CompareAndSwap(false, true) {
		j.report("%s was called while another call had not returned", call)
	}
	if j.lane && call != "Table" && call != "Row" {
		j.report("a lane called %s", call)
	}
	return func() { j.busy.Store(false) }
}

func (j *judge) Begin(tx *envelope.Transaction) error {
	defer j.enter("Begin")()
	if j.open {
		j.report("Begin inside a transaction")
	}
	if tx.Place <= j.place {
		j.report("a transaction that committed at %d comes after one at %d", tx.Place, j.place)
	}
	if tx.Micros <= 0 {
		j.report("the transaction at %d has no time", tx.Place)
	}
	if j.end != 0 && tx.Previous != j.end {
		j.report("the transaction at %d follows %d by its own account, and %d in truth", tx.Place, tx.Previous, j.end)
	}
	j.open, j.place = true, tx.Place
	return j.next.Begin(tx)
}

func (j *judge) Table(l *envelope.Layout) error {
	defer j.enter("Table")()
	id := l.Table.ID()
	if j.layouts[id] == l && !j.lane {
		j.report("a layout of %s was announced twice", id)
	}
	if len(l.Columns) != len(l.Table.Columns) || l.Source == nil || l.SourceSchema == nil {
		j.report("the layout of %s is not whole", id)
	}
	j.layouts[id] = l
	return j.next.Table(l)
}

func (j *judge) Row(e *envelope.Event) error {
	defer j.enter("Row")()
	if e.Layout == nil || j.layouts[e.Layout.Table.ID()] != e.Layout {
		j.report("a row of a layout that is not the one announced last for its table")
	}
	if !j.lane && !j.open {
		j.report("a row outside a transaction")
	}
	if e.Mark != envelope.Streamed {
		j.report("a row is marked %s, which is not the reader's to do", e.Mark)
	}
	if e.Place == 0 {
		j.report("a row without a place")
	}
	j.images(e)
	j.row(e, e.Before)
	j.row(e, e.After)
	err := j.next.Row(e)
	scribble(e.Before)
	scribble(e.After)
	return err
}

// images: which of the old and new row an operation has.
func (j *judge) images(e *envelope.Event) {
	before, after := e.Before != nil, e.After != nil
	ok := false
	switch e.Op {
	case envelope.Read:
		ok = j.lane && !before && after
	case envelope.Create:
		ok = !j.lane && !before && after
	case envelope.Update:
		ok = !j.lane && after
	case envelope.Delete:
		ok = !j.lane && before && !after
	case envelope.Truncate:
		ok = !j.lane && !before && !after
	}
	if !ok {
		j.report("an event %q with an old row: %t, a new row: %t, of a lane: %t", e.Op, before, after, j.lane)
	}
	if e.KeyOnly && !before {
		j.report("an event %q says that only the key of its old row is known, and has none", e.Op)
	}
}

func (j *judge) row(e *envelope.Event, row envelope.Row) {
	if row == nil || e.Layout == nil {
		return
	}
	columns := e.Layout.Table.Columns
	if len(row) != len(columns) {
		j.report("a row of %d values in a table of %d columns", len(row), len(columns))
		return
	}
	for i, v := range row {
		if cap(v.Wire) != len(v.Wire) {
			j.report("column %s: %d bytes in a slice of capacity %d", columns[i].Name, len(v.Wire), cap(v.Wire))
		}
		if v.State != envelope.Present && len(v.Wire) > 0 {
			j.report("column %s has no value and %d bytes", columns[i].Name, len(v.Wire))
		}
	}
}

func (j *judge) Refuse(l *envelope.Layout, known envelope.Row, reason error) error {
	defer j.enter("Refuse")()
	if l == nil || j.layouts[l.Table.ID()] != l {
		j.report("a refusal of a layout that is not the one announced last for its table")
	}
	if reason == nil || !j.lane && !j.open {
		j.report("a refusal without a reason, or outside a transaction: %v", reason)
	}
	if known != nil && l != nil {
		j.row(&envelope.Event{Layout: l}, known)
	}
	return j.next.Refuse(l, known, reason)
}

func (j *judge) Message(m *envelope.Message) error {
	defer j.enter("Message")()
	if m.Transactional && !j.open {
		j.report("a transactional message outside a transaction")
	}
	err := j.next.Message(m)
	overwrite(m.Prefix)
	overwrite(m.Content)
	return err
}

func (j *judge) Commit(d offsets.Durable) error {
	defer j.enter("Commit")()
	p := d.Position
	switch {
	case !j.open:
		j.report("Commit outside a transaction")
	case d.Chunk != nil || p.IsZero():
		j.report("Commit of a stream without a position, or with a chunk")
	case p.Place < j.place || p.Place <= j.end || p.Place < j.idle:
		j.report("the position %d behind a commit at %d comes after a commit behind %d and idling at %d", p.Place, j.place, j.end, j.idle)
	}
	j.open, j.end = false, p.Place
	return j.next.Commit(d)
}

func (j *judge) Flush() error {
	defer j.enter("Flush")()
	return j.next.Flush()
}

func (j *judge) Idle(p offsets.Position) error {
	defer j.enter("Idle")()
	if j.open {
		j.report("Idle inside a transaction")
	}
	if p.IsZero() || p.Place < j.end || p.Place < j.idle {
		j.report("idle at %d after a commit behind %d and idling at %d", p.Place, j.end, j.idle)
	}
	j.idle = p.Place
	return j.next.Idle(p)
}

var scrap = bytes.Repeat([]byte{0xAA}, 512)

func scribble(row envelope.Row) {
	for _, v := range row {
		overwrite(v.Wire)
	}
}

func overwrite(b []byte) {
	for len(b) > 0 {
		b = b[copy(b, scrap):]
	}
}
