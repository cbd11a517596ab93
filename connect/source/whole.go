package source

import (
	"errors"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
)

// What a lane does so that Kafka transactions hold source transactions and chunks as a whole. All of it is nothing
// where delivery is at least once.

// enter has the lane's goroutine inside the gate, until leave.
func (l *lane) enter() error {
	x := l.run.exact
	if x == nil || l.inside {
		return nil
	}
	if err := x.gate.Enter(l.ctx); err != nil {
		return err
	}
	l.inside, l.entered = true, l.handed()
	return nil
}

func (l *lane) leave() {
	if l.inside {
		l.inside = false
		l.run.exact.gate.Leave()
	}
}

// handed is how many records were written, sent or not: it tells moments apart between which something was.
func (l *lane) handed() int { return l.records + l.batch.Count() }

// enterAnew enters for what begins now. What began before and was not ended, such as a table without a key whose
// reading failed, is to be taken back if anything was written of it.
func (l *lane) enterAnew() error {
	if l.inside && l.handed() != l.entered {
		return &fault.Error{Op: "write", Object: "connector " + l.run.task.Name,
			Cause: errors.New("the reading of a table was given up in its middle; what was sent of it is taken back, and the connector starts again from its durable position")}
	}
	return l.enter()
}

// reach notes that everything before p was handed over.
func (l *lane) reach(p offsets.Position) {
	if l.run.exact == nil {
		return
	}
	if l.reached.position != p {
		l.run.exact.moved.Store(true)
	}
	l.reached.position = p
	l.reached.tx = Reached{ID: l.tx.ID, Micros: l.tx.Micros}
	if l.inside && l.handed() != l.entered {
		l.reached.newest = l.tx.Micros
	}
}

// reachMessage notes that a message outside every transaction was written. Its place is where it ends in the log: the
// source sends it again to whoever starts before that, and a commit that follows at once begins there (logicalmsg_decode
// in decode.c: buf->endptr).
func (l *lane) reachMessage(m *envelope.Message) {
	if l.run.exact == nil || l.handed() == l.entered || m.Place < l.reached.position.Place {
		return
	}
	l.reached.position = offsets.Position{Place: m.Place, Detail: m.Detail}
}

// stopOf is how a table stops here. What was delivered of it before is known exactly where all of it, and that the table
// stopped, is in one Kafka transaction.
func (l *lane) stopOf(t *table, reason error) *Stop {
	s := &Stop{Reason: reason, InSnapshot: l.snapshot}
	if l.run.exact == nil || l.snapshot {
		return s
	}
	if at := l.reached.position; !at.IsZero() {
		s.Place, s.Position = at.Place, l.run.reader.EncodePosition(at)
	}
	if l.inside && t.told.within == l.tx.Place && t.told.rows > 0 {
		s.Within, s.Rows = l.tx.Place, t.told.rows
	}
	return s
}

// told counts a table's rows of the transaction under way, as the source sends them, so that one in whose middle the
// table stopped is gone on with in that place. A source sends a transaction's rows in the same order each time.
type told struct {
	within uint64 // the transaction's place
	rows   int64

	before uint64 // of the transaction in which the table stopped,
	first  int64  // as many rows were delivered
}

// resumed takes over where the table stopped.
func (t *told) resumed(s *offsets.StoppedTable) { t.before, t.first = s.Within, s.Rows }

// stopAt is stopOf at a row, which is counted and not delivered.
func (l *lane) stopAt(t *table, reason error) *Stop {
	s := l.stopOf(t, reason)
	s.Rows = max(s.Rows-1, 0)
	return s
}

// wasDelivered counts a row, and says whether it was delivered before its table stopped.
func (l *lane) wasDelivered(x *encoding) bool {
	if l.run.exact == nil || l.snapshot || x.silent {
		return false
	}
	t := &x.table.told
	if t.within != l.tx.Place {
		t.within, t.rows = l.tx.Place, 0
	}
	t.rows++
	return t.before == l.tx.Place && t.rows <= t.first
}
