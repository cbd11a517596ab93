package snapshot

import (
	"encoding/binary"
	"errors"

	"rdip/envelope"
	"rdip/offsets"
)

// buffer holds the rows of a window until the stream is there, in one arena that is used again. It is the
// Handler of a LiveLane's Read, and full after the row that reaches the limit.
type buffer struct {
	limit   int
	arena   []byte // a row: its key packed, then for each column its state, and its length and bytes if present
	rows    []bufferedRow
	layouts []*envelope.Layout // in the order of the rows

	event envelope.Event
	row   envelope.Row
}

// bufferedRow is where a row lies in the arena. A refused one has what is known of it, and no key where that is not.
type bufferedRow struct {
	layout          int
	key, value, end int
	refused         error
}

// rowBytes is what a row takes beside its bytes.
const rowBytes = 56

func newBuffer(limit int) *buffer { return &buffer{limit: limit} }

// reset empties the buffer. Memory beyond twice the limit, which one large row took, is let go.
func (b *buffer) reset(limit int) {
	if cap(b.arena) > 2*limit {
		b.arena = nil
	}
	clear(b.rows)
	clear(b.layouts)
	b.limit, b.arena, b.rows, b.layouts = limit, b.arena[:0], b.rows[:0], b.layouts[:0]
}

func (b *buffer) bytes() int { return len(b.arena) + rowBytes*len(b.rows) }

// Table notes the layout of the rows that follow.
func (b *buffer) Table(l *envelope.Layout) error {
	b.layouts = append(b.layouts, l)
	return nil
}

var errNoKey = errors.New("a row of a table without its key")

// Row copies a row.
func (b *buffer) Row(e *envelope.Event) error {
	r := bufferedRow{layout: len(b.layouts) - 1, key: len(b.arena)}
	var ok bool
	if b.arena, ok = appendKey(b.arena, e.Layout.Table, e.After, nil); !ok {
		return errNoKey
	}
	return b.add(r, e.After)
}

// Refuse keeps that a row could not be read, and what is known of it: by its key it is found where the log touches it.
func (b *buffer) Refuse(l *envelope.Layout, known envelope.Row, reason error) error {
	if len(b.layouts) == 0 || b.layouts[len(b.layouts)-1] != l {
		b.layouts = append(b.layouts, l)
	}
	r := bufferedRow{layout: len(b.layouts) - 1, key: len(b.arena), refused: reason}
	var ok bool
	if b.arena, ok = appendKey(b.arena, l.Table, known, nil); !ok {
		b.arena = b.arena[:r.key]
	}
	return b.add(r, known)
}

// add copies a row behind its key.
func (b *buffer) add(r bufferedRow, row envelope.Row) error {
	r.value = len(b.arena)
	for i := range row {
		v := &row[i]
		b.arena = append(b.arena, byte(v.State))
		if v.State == envelope.Present {
			b.arena = binary.AppendUvarint(b.arena, uint64(len(v.Wire)))
			b.arena = append(b.arena, v.Wire...)
		}
	}
	r.end = len(b.arena)
	b.rows = append(b.rows, r)
	if b.bytes() >= b.limit {
		return ErrFull
	}
	return nil
}

// keyOf is a row's packed key.
func (b *buffer) keyOf(r bufferedRow) []byte { return b.arena[r.key:r.value] }

// eventOf is a row as it was read, borrowed until the next call.
func (b *buffer) eventOf(r bufferedRow) *envelope.Event {
	b.row = b.row[:0]
	for rest := b.arena[r.value:r.end]; len(rest) > 0; {
		v := envelope.Value{State: envelope.State(rest[0])}
		rest = rest[1:]
		if v.State == envelope.Present {
			n, width := binary.Uvarint(rest)
			end := width + int(n)
			v.Wire, rest = rest[width:end:end], rest[end:]
		}
		b.row = append(b.row, v)
	}
	b.event = envelope.Event{Op: envelope.Read, Layout: b.layouts[r.layout], After: b.row, Mark: envelope.Incremental}
	return &b.event
}

// The rest of a Handler is not a LiveLane's to call.
func (b *buffer) Begin(*envelope.Transaction) error { return nil }
func (b *buffer) Message(*envelope.Message) error   { return nil }
func (b *buffer) Commit(offsets.Durable) error      { return nil }
func (b *buffer) Flush() error                      { return nil }
func (b *buffer) Idle(offsets.Position) error       { return nil }
