package postgres

import (
	"context"
	"fmt"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
)

// epochMicros is PostgreSQL's epoch, 2000-01-01 UTC, in µs since 1970.
const epochMicros = 946_684_800_000_000

// phase is where the decoder stands between a Begin and its Commit.
type phase uint8

const (
	outside   phase = iota
	opened          // Begin was read, Handler.Begin is still due: an Origin may follow
	begun           // Handler.Begin was called
	repeated        // the transaction ends at or below the place to start from
	gathering       // within a block of changes of a transaction that has not ended, which are kept
)

// decoder turns pgoutput's messages into calls of a Handler. Between Begin and Commit it allocates nothing:
// what it hands over are slices of the messages, and structures that it uses again. It is used by one
// goroutine.
type decoder struct {
	ctx      context.Context
	h        envelope.Handler
	slot     string // for errors
	captured func(schema, table string) bool
	layout   func(context.Context, *relation) (*envelope.Layout, error)
	altered  func(ctx context.Context, content []byte) (*envelope.SchemaChange, error) // nil without ddl.capture
	wire     *progress

	from       uint64 // transactions that end at or below it are not delivered
	phase      phase
	end        uint64 // behind the last commit
	idle       uint64 // the place of the last Idle
	relations  relations
	lastOrigin string
	tx         envelope.Transaction
	event      envelope.Event
	message    envelope.Message
	rows       uint64 // rows of captured tables since the last commit

	spill    *spill   // nil where nothing is sent before its transaction has ended
	block    *spilled // the transaction of the block that is being received, nil outside one
	tagged   bool     // its changes carry the xid of their subtransaction
	prepared string   // Detail of positions: the oldest PREPARE that is not decided, "" for none
}

func newDecoder(ctx context.Context, h envelope.Handler, from uint64, wire *progress) *decoder {
	return &decoder{ctx: ctx, h: h, from: from, end: from, wire: wire, relations: newRelations()}
}

// change decodes one message of pgoutput that stands at place in the log. data is borrowed from the caller.
func (d *decoder) change(place uint64, data []byte) error {
	if len(data) == 0 {
		return d.corrupt(place, errTruncated)
	}
	b := data[1:]
	switch data[0] {
	case msgInsert:
		return d.row(place, envelope.Create, b)
	case msgUpdate:
		return d.row(place, envelope.Update, b)
	case msgDelete:
		return d.row(place, envelope.Delete, b)
	case msgBegin:
		return d.begin(place, b)
	case msgCommit:
		return d.commit(place, b)
	case msgRelation:
		return d.relation(place, b)
	case msgTruncate:
		return d.truncate(place, b)
	case msgMessage:
		return d.logical(place, b)
	case msgOrigin:
		return d.origin(place, b)
	case msgType:
		return d.checked(place, parseType(b))
	default:
		if d.spill != nil {
			return d.unfinished(place, data[0], b)
		}
		if data[0] == msgStreamAbort {
			return nil // P36: nothing of a streamed transaction is held in protocol version 1
		}
		return d.corrupt(place, fmt.Errorf("%w: %q", errUnknown, data[0]))
	}
}

// begin notes a transaction. Handler.Begin waits for the Origin that may follow.
//
// P42: the server skips a transaction whose commit record lies before the place given to START_REPLICATION
// or confirmed by the slot (SnapBuildXactNeedsSkip in snapbuild.c), so that what comes again is whole
// transactions. The same rule is applied here, to the commit record's place and never to a row's: a COPY
// has many rows at one LSN (P41), and rows of several transactions lie among each other.
func (d *decoder) begin(place uint64, b []byte) error {
	m, err := parseBegin(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	if d.phase != outside {
		return d.corrupt(place, errNested)
	}
	d.phase = opened
	if m.Final < d.from {
		d.phase = repeated
	}
	d.tx = envelope.Transaction{ID: uint64(m.XID), Micros: m.Micros + epochMicros, Place: m.Final, Previous: d.end, First: place}
	return nil
}

func (d *decoder) origin(place uint64, b []byte) error {
	m, err := parseOrigin(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	if d.phase != opened && d.phase != repeated {
		return d.corrupt(place, errOutside)
	}
	d.tx.Origin, d.tx.OriginPos = d.intern(m.Name), m.LSN
	return nil
}

// ensureBegun calls Handler.Begin where it is due. It says whether the transaction is delivered.
func (d *decoder) ensureBegun(place uint64) (bool, error) {
	switch d.phase {
	case begun:
		return true, nil
	case repeated:
		return false, nil
	case opened:
		d.phase = begun
		return true, d.h.Begin(&d.tx)
	default:
		return false, d.corrupt(place, errOutside)
	}
}

func (d *decoder) commit(place uint64, b []byte) error {
	m, err := parseCommit(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	return d.finish(place, m)
}

// finish ends the open transaction.
func (d *decoder) finish(place uint64, m commitMessage) error {
	deliver, err := d.ensureBegun(place)
	if err != nil {
		return err
	}
	if m.LSN != d.tx.Place || m.End < m.LSN {
		return d.corrupt(place, errOtherCommit)
	}
	d.phase = outside
	if !deliver {
		return nil
	}
	d.end = m.End
	raise(&d.wire.read, m.End)
	if d.rows > 0 {
		d.wire.rows.Add(d.rows)
		d.rows = 0
	}
	return d.h.Commit(offsets.Durable{Position: offsets.Position{Place: m.End, Detail: d.prepared}})
}

// relation takes a table's definition. The layout is asked for every time: what the message does not show
// (the key, NOT NULL, defaults) can be why the server sends it again (P8, P15).
func (d *decoder) relation(place uint64, b []byte) error {
	r, err := parseRelation(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	var l *envelope.Layout
	if d.captured(r.Schema, r.Name) {
		if l, err = d.layout(d.ctx, r); err != nil {
			return err
		}
	}
	s, err := newRelationState(r, l)
	if err != nil {
		return d.tableFault(place, r.Schema+"."+r.Name, err, "")
	}
	if old := d.relations.find(r.OID); old != nil && old.layout == l {
		s.announced = old.announced
	}
	d.relations.set(s)
	return nil
}

// announce calls Handler.Table before the first row of a layout.
func (d *decoder) announce(s *relationState) error {
	if s.announced {
		return nil
	}
	s.announced = true
	return d.h.Table(s.layout)
}

// truncate is one event a captured relation (P14).
func (d *decoder) truncate(place uint64, b []byte) error {
	m, err := parseTruncate(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	deliver, err := d.ensureBegun(place)
	if err != nil || !deliver {
		return err
	}
	for i := range m.count() {
		s := d.relations.find(m.oid(i))
		if s == nil {
			return d.corrupt(place, errNoRelation)
		}
		if s.layout == nil {
			continue
		}
		if err := d.announce(s); err != nil {
			return err
		}
		d.rows++
		d.event = envelope.Event{Op: envelope.Truncate, Layout: s.layout, Place: place}
		if err := d.h.Row(&d.event); err != nil {
			return err
		}
	}
	return nil
}

// logical hands a logical message over; one that is not transactional stands outside every transaction.
func (d *decoder) logical(place uint64, b []byte) error {
	m, err := parseMessage(b)
	if err != nil {
		return d.corrupt(place, err)
	}
	if isHeartbeat(m, d.slot) {
		d.wire.beats.Add(1)
	}
	if !m.Transactional && m.LSN <= d.from {
		return nil // the session began below the position, at a PREPARE
	}
	if m.Transactional || d.phase != outside {
		if deliver, err := d.ensureBegun(place); err != nil || !deliver {
			return err
		}
	}
	d.message = envelope.Message{Transactional: m.Transactional, Place: m.LSN, Detail: d.prepared, Prefix: m.Prefix, Content: m.Content}
	if d.altered != nil && m.Transactional && string(m.Prefix) == ddlPrefix {
		if d.message.Change, err = d.altered(d.ctx, m.Content); err != nil {
			return err
		}
	}
	return d.h.Message(&d.message)
}

// keepalive is told the place up to which the server has sent everything. Outside a transaction that is a
// place to resume from: whatever commits later has its commit record behind it, as PostgreSQL's own
// subscriber concludes (get_flush_position in worker.c). So the slot advances while captured tables are
// idle (P43); within a transaction it says nothing (P44). A place that was told is told again where somebody awaits it.
func (d *decoder) keepalive(end uint64) error {
	if d.phase != outside || end < d.end || end < d.idle {
		return nil
	}
	if (end == d.end || end == d.idle) && !d.wire.passes(end) {
		return nil
	}
	d.idle = end
	raise(&d.wire.read, end)
	return d.h.Idle(offsets.Position{Place: end, Detail: d.prepared})
}

// intern gives the same string for the same name without allocating: a stream has few origins.
func (d *decoder) intern(name []byte) string {
	if d.lastOrigin != string(name) {
		d.lastOrigin = string(name)
	}
	return d.lastOrigin
}

func (d *decoder) checked(place uint64, err error) error {
	if err != nil {
		return d.corrupt(place, err)
	}
	return nil
}

// corrupt is a message that does not say what the protocol says it must.
func (d *decoder) corrupt(place uint64, err error) error {
	return &fault.Error{Op: "decode the log", Object: fmt.Sprintf("of slot %q at %s", d.slot, lsnText(place)), Cause: err, Permanent: true}
}
