package snapshot

import (
	"slices"

	"rdip/envelope"
)

// heldRow is a row that was read and not yet handed on, copied out of the lane's buffers. Its own buffers
// grow to the largest row and are used again.
type heldRow struct {
	event envelope.Event
	row   envelope.Row
	buf   []byte
	full  bool
}

// keep copies e. Rows of a snapshot have no old row, so only After is copied.
func (r *heldRow) keep(e *envelope.Event) {
	size := 0
	for i := range e.After {
		size += len(e.After[i].Wire)
	}
	r.buf = slices.Grow(r.buf[:0], size) // once, so that the values' slices stay valid
	r.row = slices.Grow(r.row[:0], len(e.After))[:len(e.After)]
	for i := range e.After {
		v := &e.After[i]
		from := len(r.buf)
		r.buf = append(r.buf, v.Wire...)
		r.row[i] = envelope.Value{State: v.State, Wire: r.buf[from:len(r.buf):len(r.buf)]}
	}
	r.event = *e
	r.event.Before, r.event.After = nil, r.row
	r.full = true
}
