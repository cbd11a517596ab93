package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"

	"rdip/envelope"
)

var (
	errNotStreamed = errors.New("its transaction was not streamed before")
	errNotInBlock  = errors.New("it cannot stand between the beginning and the end of a block of changes")
)

// unfinished takes the messages around transactions that are sent before they have ended. Their changes
// are kept, and go through the same way as all others once the transaction is committed.
func (d *decoder) unfinished(place uint64, kind byte, b []byte) error {
	switch kind {
	case msgStreamStart:
		return d.streamStart(place, b)
	case msgStreamCommit:
		return d.streamCommit(place, b)
	case msgStreamAbort:
		return d.streamAbort(place, b)
	case msgStreamPrepare:
		return d.streamPrepare(place, b)
	case msgBeginPrepare:
		return d.beginPrepare(place, b)
	case msgCommitPrepared:
		return d.commitPrepared(place, b)
	case msgRollbackPrepared:
		return d.rollbackPrepared(place, b)
	default:
		return d.corrupt(place, fmt.Errorf("%w: %q", errUnknown, kind))
	}
}

func (d *decoder) streamStart(place uint64, b []byte) error {
	m, err := parseStreamStart(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	if d.phase != outside {
		return d.corrupt(place, errNested)
	}
	t := d.spill.kept[m.XID]
	switch {
	case m.First:
		t = d.spill.open(m.XID)
		t.first = place
	case t == nil || t.prepared != 0:
		return d.corrupt(place, errNotStreamed)
	}
	d.phase, d.block, d.tagged = gathering, t, true
	return nil
}

// gather keeps a message of the block that is being received.
func (d *decoder) gather(place uint64, data []byte) error {
	if len(data) == 0 {
		return d.corrupt(place, errTruncated)
	}
	if data[0] == msgRelation && !d.tagged {
		// Of a prepared transaction that was not streamed, the server takes it as known to the session from now
		// on (maybe_send_schema in pgoutput.c); it is read again at the end, when the catalog has what was altered.
		if err := d.relation(place, data[1:]); err != nil {
			return err
		}
	}
	switch data[0] {
	case msgInsert, msgUpdate, msgDelete, msgTruncate, msgRelation, msgMessage:
		sub, rest, err := d.untag(data[1:])
		if err != nil {
			return d.corrupt(place, err)
		}
		return d.spill.keep(d.block, sub, place, spillChange, data[:1], rest)
	case msgOrigin: // of the transaction itself, without an xid
		return d.spill.keep(d.block, d.block.xid, place, spillChange, data)
	case msgType:
		_, rest, err := d.untag(data[1:])
		if err == nil {
			err = parseType(rest)
		}
		return d.checked(place, err)
	case msgStreamStop:
		if !d.tagged {
			return d.corrupt(place, errNotInBlock)
		}
		d.phase, d.block = outside, nil
		return d.checked(place, atEnd(data[1:]))
	case msgPrepare:
		if d.tagged {
			return d.corrupt(place, errNotInBlock)
		}
		return d.prepare(place, data[1:])
	default:
		return d.corrupt(place, fmt.Errorf("%w: %q", errNotInBlock, data[0]))
	}
}

// untag takes the xid of the subtransaction off a change's content, where it carries one.
func (d *decoder) untag(b []byte) (sub uint32, rest []byte, err error) {
	if !d.tagged {
		return d.block.xid, b, nil
	}
	if len(b) < 4 {
		return 0, nil, errTruncated
	}
	return binary.BigEndian.Uint32(b), b[4:], nil
}

// gatherLarge keeps the beginning of a message above max.row.bytes: what stops its table (P70).
func (d *decoder) gatherLarge(place uint64, data []byte, e *oversizeError) error {
	sub, rest, err := d.untag(data[1:])
	if err != nil {
		return d.corrupt(place, err)
	}
	sizes := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(e.Bytes)), uint64(e.Limit))
	return d.spill.keep(d.block, sub, place, spillLarge, sizes, data[:1], rest)
}

// streamCommit delivers a streamed transaction (P35).
func (d *decoder) streamCommit(place uint64, b []byte) error {
	m, err := parseStreamCommit(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	t := d.spill.kept[m.XID]
	if t == nil {
		return d.corrupt(place, errNotStreamed)
	}
	return d.deliver(place, t, m.commitMessage)
}

// deliver hands over a transaction that was kept, as if it had come now, and forgets it.
func (d *decoder) deliver(place uint64, t *spilled, m commitMessage) error {
	if d.phase != outside {
		return d.corrupt(place, errNested)
	}
	d.phase = opened
	if m.LSN < d.from {
		d.phase = repeated
	}
	d.tx = envelope.Transaction{ID: uint64(t.xid), Micros: m.Micros + epochMicros, Place: m.LSN, Previous: d.end, First: t.first}
	seen := 0
	err := d.spill.replay(t, func(r spillRecord) error {
		if seen++; seen%replayCheck == 0 && d.ctx.Err() != nil {
			return d.ctx.Err()
		}
		return d.again(r)
	})
	if err != nil {
		return err
	}
	d.spill.drop(t)
	return d.finish(place, m)
}

// replayCheck is after how many changes a replay looks whether it is to end.
const replayCheck = 256

// again decodes one record that was kept.
func (d *decoder) again(r spillRecord) error {
	if r.Kind != spillLarge {
		return d.change(r.Place, r.Content)
	}
	e := &oversizeError{Bytes: int64(binary.BigEndian.Uint64(r.Content)), Limit: int64(binary.BigEndian.Uint64(r.Content[8:]))}
	return d.refuseLarge(r.Place, r.Content[16:], e)
}

// streamAbort drops a streamed transaction, or exactly one subtransaction of it (P34). Of a transaction that
// is not known nothing is held (P36).
func (d *decoder) streamAbort(place uint64, b []byte) error {
	m, err := parseStreamAbort(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	t := d.spill.kept[m.XID]
	switch {
	case t == nil:
		return nil
	case m.Sub == m.XID:
		d.spill.drop(t)
		return nil
	default:
		return d.spill.cut(t, m.Sub)
	}
}
