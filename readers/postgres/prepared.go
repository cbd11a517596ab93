package postgres

import (
	"errors"
	"fmt"

	"rdip/internal/fault"
)

// Two-phase commit (P37). The server sends a transaction at PREPARE TRANSACTION and never again once a later
// place was confirmed, and at COMMIT PREPARED nothing but that. What is prepared is kept, and delivered when
// it is committed. While it is not decided, positions carry the place of its PREPARE (Position.Detail), the
// server is told no place behind that, and the next session begins there: it is sent again with everything
// since, of which what lies below the position is not delivered again.

// beginPrepare opens the changes of a transaction that was prepared.
func (d *decoder) beginPrepare(place uint64, b []byte) error {
	m, err := parseBeginPrepare(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	if d.phase != outside {
		return d.corrupt(place, errNested)
	}
	d.phase, d.block, d.tagged = gathering, d.spill.open(m.XID), false
	d.block.first = place
	return nil
}

// prepare closes them.
func (d *decoder) prepare(place uint64, b []byte) error {
	m, err := parsePrepared(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	t := d.block
	if t.xid != m.XID {
		return d.corrupt(place, errOtherCommit)
	}
	d.phase, d.block = outside, nil
	d.hold(t, m)
	return nil
}

// streamPrepare closes a streamed transaction that was prepared.
func (d *decoder) streamPrepare(place uint64, b []byte) error {
	m, err := parsePrepared(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	t := d.spill.kept[m.XID]
	if t == nil || d.phase != outside {
		return d.corrupt(place, errNotStreamed)
	}
	d.hold(t, m)
	return nil
}

// hold keeps the place from which a prepared transaction is sent again: the server leaves one out whose
// PREPARE lies before the place to start from (DecodePrepare in decode.c).
func (d *decoder) hold(t *spilled, m preparedMessage) {
	t.prepared = m.LSN
	d.wire.held.add(t.prepared)
	d.undecided()
}

// undecided notes the oldest PREPARE that is not decided.
func (d *decoder) undecided() {
	oldest := uint64(0)
	for _, t := range d.spill.kept {
		if t.prepared != 0 && (oldest == 0 || t.prepared < oldest) {
			oldest = t.prepared
		}
	}
	d.prepared = ""
	if oldest != 0 {
		d.prepared = lsnText(oldest)
	}
}

// commitPrepared delivers a prepared transaction, at the place and time of its COMMIT PREPARED.
func (d *decoder) commitPrepared(place uint64, b []byte) error {
	m, err := parsePrepared(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	t := d.spill.kept[m.XID]
	if t == nil || t.prepared == 0 {
		if m.LSN < d.from {
			return nil
		}
		return &fault.Error{Kind: fault.PositionLost, Op: "deliver", Object: fmt.Sprintf("the prepared transaction %s at %s", quoteLiteral(string(m.GID)), lsnText(place)),
			Cause: errors.New("its changes were sent at its PREPARE, which lies before the place where the stream began (P37)"),
			Hint:  "they cannot be had again: rdip offsets reset CONNECTOR --config FILE, and a new snapshot", Permanent: true}
	}
	d.release(t, m.End)
	return d.deliver(place, t, commitMessage{LSN: m.LSN, End: m.End, Micros: m.Micros})
}

func (d *decoder) rollbackPrepared(place uint64, b []byte) error {
	xid, err := parseRollbackPrepared(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	if t := d.spill.kept[xid]; t != nil {
		d.release(t, place)
		d.spill.drop(t)
	}
	return nil
}

// release lets positions at and behind a place pass the PREPARE of a transaction that is decided.
func (d *decoder) release(t *spilled, end uint64) {
	d.wire.held.decide(t.prepared, end)
	t.prepared = 0
	d.undecided()
}
