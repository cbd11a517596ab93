package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"rdip/envelope"
	"rdip/internal/fault"
)

var (
	errNested      = errors.New("a transaction begins inside another")
	errOutside     = errors.New("it stands outside a transaction")
	errOtherCommit = errors.New("it commits another transaction than the one that is open")
	errNoRelation  = errors.New("its relation was not described before")
	errOldKind     = errors.New("an old row stands where there can be none, or is missing")
)

// row decodes an Insert, Update or Delete and hands it over.
func (d *decoder) row(place uint64, op envelope.Op, b []byte) error {
	m, err := parseRow(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	deliver, err := d.ensureBegun(place)
	if err != nil || !deliver {
		return err
	}
	s := d.relations.find(m.Relation)
	if s == nil {
		return d.corrupt(place, errNoRelation)
	}
	if s.layout == nil {
		return nil
	}
	if outdated := s.relation.behind.place; outdated != 0 && place >= outdated {
		return d.outdated(place, s)
	}
	if err := d.announce(s); err != nil {
		return err
	}
	d.event = envelope.Event{Op: op, Layout: s.layout, Place: place, KeyOnly: m.Old == tupleKey}
	switch op {
	case envelope.Create:
		err = d.insert(place, s, m)
	case envelope.Update:
		err = d.update(place, s, m)
	default:
		err = d.delete(place, s, m)
	}
	if err != nil {
		return d.unread(s, err)
	}
	d.rows++
	return d.h.Row(&d.event)
}

// unread stops the table of a row that cannot be handed over (P3); any other error ends the stream.
func (d *decoder) unread(s *relationState, err error) error {
	var row *rowError
	if errors.As(err, &row) {
		return d.h.Refuse(s.layout, nil, row.error)
	}
	return err
}

// rowError is why a row cannot be handed over while the log itself is sound.
type rowError struct{ error }

func (e *rowError) Unwrap() error { return e.error }

func (d *decoder) insert(place uint64, s *relationState, m rowMessage) error {
	if m.Old != 0 {
		return d.corrupt(place, errOldKind)
	}
	rest, absent, err := s.read(m.Tuples, s.after)
	if err == nil {
		err = atEnd(rest)
	}
	if err != nil {
		return d.corrupt(place, err)
	}
	d.event.After = s.after
	return d.keyKnown(place, s, s.after, absent)
}

func (d *decoder) update(place uint64, s *relationState, m rowMessage) error {
	b := m.Tuples
	var err error
	if m.Old != 0 {
		if b, err = d.old(place, s, m); err != nil {
			return err
		}
		if b, err = cutNew(b); err != nil {
			return d.corrupt(place, err)
		}
	}
	rest, absent, err := s.read(b, s.after)
	if err == nil {
		err = atEnd(rest)
	}
	if err != nil {
		return d.corrupt(place, err)
	}
	if absent > 0 && m.Old != 0 {
		absent = fillAbsent(s.after, s.before, m.Old == tupleOld)
	}
	d.event.After = s.after
	return d.keyKnown(place, s, s.after, absent)
}

func (d *decoder) delete(place uint64, s *relationState, m rowMessage) error {
	if m.Old == 0 {
		return d.corrupt(place, errOldKind)
	}
	rest, err := d.old(place, s, m)
	if err != nil {
		return err
	}
	if err := atEnd(rest); err != nil {
		return d.corrupt(place, err)
	}
	return nil
}

// old reads the old row. An old key without the table's key would give the change another key than its
// row's, so it stops the table: the catalog's key is not the one that the row was logged with.
func (d *decoder) old(place uint64, s *relationState, m rowMessage) ([]byte, error) {
	rest, absent, err := s.read(m.Tuples, s.before)
	if err != nil {
		return nil, d.corrupt(place, err)
	}
	d.event.Before = s.before
	if m.Old == tupleKey {
		if k := s.keyWithout(s.before, envelope.Null); k >= 0 {
			return nil, &rowError{d.tableFault(place, s.name(),
				fmt.Errorf("the log has the old row by another replica identity than the key that the table has now: column %q is not in it", s.layout.Table.Columns[k].Name),
				fmt.Sprintf("ALTER TABLE %s REPLICA IDENTITY DEFAULT; then take a new snapshot of the table", quotedTable(s.relation)))}
		}
	}
	return rest, d.keyKnown(place, s, s.before, absent)
}

// keyKnown refuses a row with a key that the log did not carry (P3): a key is never guessed.
func (d *decoder) keyKnown(place uint64, s *relationState, row envelope.Row, absent int) error {
	if absent == 0 {
		return nil
	}
	k := s.keyWithout(row, envelope.Absent)
	if k < 0 {
		return nil
	}
	return &rowError{d.tableFault(place, s.name(),
		fmt.Errorf("the key's column %q is TOASTed and unchanged, so the log does not carry it", s.layout.Table.Columns[k].Name),
		fmt.Sprintf("ALTER TABLE %s REPLICA IDENTITY FULL; then take a new snapshot of the table", quotedTable(s.relation)))}
}

// tableFault stops a table for good.
func (d *decoder) tableFault(place uint64, table string, cause error, hint string) error {
	return &fault.Error{Op: "decode the log", Object: fmt.Sprintf("of table %s at %s", table, lsnText(place)), Cause: cause, Hint: hint, Permanent: true}
}

// oversize is a message above max.row.bytes, which is not read: its row is refused, or nothing happens where nobody
// wants it (P70, K4). The head of e is the beginning of its CopyData.
func (d *decoder) oversize(e *oversizeError) error {
	if len(e.Head) <= xlogHeaderBytes || e.Head[0] != copyXLogData {
		return d.tooLarge(0, "an unknown message", e)
	}
	place, data := binary.BigEndian.Uint64(e.Head[1:]), e.Head[xlogHeaderBytes:]
	if d.block != nil {
		return d.gatherLarge(place, data, e)
	}
	return d.refuseLarge(place, data, e)
}

// largeMessage hands over that a logical message is there, without its content: no table has to stop for it.
func (d *decoder) largeMessage(place uint64, b []byte, e *oversizeError) error {
	const head = 1 + 8 // flags, place
	if len(b) <= head {
		return d.corrupt(place, errTruncated)
	}
	transactional := b[0] == 1
	if !transactional && binary.BigEndian.Uint64(b[1:]) <= d.from {
		return nil
	}
	if transactional || d.phase != outside {
		if deliver, err := d.ensureBegun(place); err != nil || !deliver {
			return err
		}
	}
	prefix, _, whole := cutString(b[head:])
	if !whole {
		prefix = b[head:] // as far as it was read
	}
	d.message = envelope.Message{Transactional: transactional, Place: binary.BigEndian.Uint64(b[1:]), Detail: d.prepared, Prefix: prefix,
		Refused: d.tooLarge(place, fmt.Sprintf("a logical message with prefix %q", prefix), e)}
	return d.h.Message(&d.message)
}

// refuseLarge refuses a change of which only the beginning is known.
func (d *decoder) refuseLarge(place uint64, data []byte, e *oversizeError) error {
	switch data[0] {
	case msgInsert, msgUpdate, msgDelete:
	case msgMessage:
		return d.largeMessage(place, data[1:], e)
	default:
		return d.tooLarge(place, fmt.Sprintf("a message of type %q", data[0]), e)
	}
	if len(data) < 5 {
		return d.corrupt(place, errTruncated)
	}
	deliver, err := d.ensureBegun(place)
	if err != nil || !deliver {
		return err
	}
	s := d.relations.find(binary.BigEndian.Uint32(data[1:]))
	switch {
	case s == nil:
		return d.corrupt(place, errNoRelation)
	case s.layout == nil:
		return nil
	}
	if err := d.announce(s); err != nil {
		return err
	}
	return d.h.Refuse(s.layout, nil, d.tooLarge(place, "a row of table "+s.name(), e))
}

func (d *decoder) tooLarge(place uint64, what string, e *oversizeError) error {
	return &fault.Error{
		Op: "receive", Object: fmt.Sprintf("%s at %s", what, lsnText(place)), Cause: e.alone(), Permanent: true,
		Hint: fmt.Sprintf("max.row.bytes: %d, with memory for it", roundUp(e.Bytes)),
	}
}

// roundUp is the next power of two of bytes, for a limit that will do.
func roundUp(n int64) int64 { return 1 << bits.Len64(uint64(n)) }
