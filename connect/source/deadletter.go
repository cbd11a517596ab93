package source

import (
	"errors"
	"fmt"

	"rdip/connect/source/deadletter"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/sinks"
)

// deadLetters is one lane's way to the topic of dead letters. What it writes is in the batch of its lane, so that it
// is acknowledged, stored and told to the source as every other record: no dead letter is lost, and those of one key
// keep their order.
type deadLetters struct {
	target sinks.Topic
	ready  bool
	alike  deadletter.Alike
}

// undelivered decides about an event that could not be written: its table stops, or it becomes a dead letter.
// Where it is counted in its transaction it is counted as missing.
func (l *lane) undelivered(x *encoding, e *envelope.Event, why error, r deadletter.Reason) error {
	if !l.run.task.Errors.Tolerate {
		return l.gaveUp(x, e, why)
	}
	if err := l.deadEvent(x, e, why, r); err != nil {
		if stopsTable(err) && l.givesUp(err) {
			return l.gaveUp(x, e, err) // the topic of dead letters does not take it either
		}
		return err
	}
	return l.passOver(x, e, true)
}

// gaveUp stops the table of an event that could not be written, and counts the event.
func (l *lane) gaveUp(x *encoding, e *envelope.Event, why error) error {
	if err := l.stop(x, why); err != nil {
		return err
	}
	return l.passOver(x, e, true)
}

// refusedSchema decides about the first row of a layout whose schemas could not be registered. Where the registry refuses
// one for good, and dead letters are asked for, every row is one, until the table has another layout or the connector
// begins anew.
func (l *lane) refusedSchema(x *encoding, e *envelope.Event, err error) error {
	switch {
	case !l.givesUp(err):
		return err
	case l.run.task.Errors.Tolerate && isSchemaRefusal(err):
		x.refusal = deadletter.Told(err)
		x.table.refused.Store(true)
		l.run.task.Log.Error("the schema of a table is refused; its rows cannot be delivered", deadletter.WithSchemas(err, "table", x.table.id, "error", err)...)
		return l.undelivered(x, e, x.refusal, deadletter.ReasonSchema)
	default:
		return l.gaveUp(x, e, err)
	}
}

// refusedUnread decides about a change that the reader could not hand over.
func (l *lane) refusedUnread(x *encoding, known envelope.Row, why error) error {
	if !l.run.task.Errors.Tolerate {
		return errors.Join(l.stop(x, why), l.passRefused(x))
	}
	err := l.deadLetter(l.unreadLetter(x, known, why))
	if err != nil && stopsTable(err) && l.givesUp(err) {
		err = l.stop(x, err)
	}
	if err != nil {
		return err
	}
	return l.passRefused(x)
}

// unreadLetter is of a change that the reader could not hand over. Of a row of a snapshot it is known that it is one, and
// mostly its first columns.
func (l *lane) unreadLetter(x *encoding, known envelope.Row, why error) *deadletter.Letter {
	r := deadletter.ReasonRow
	if deadletter.ReasonOf(why) == deadletter.ReasonSize {
		r = deadletter.ReasonSize
	}
	m := &deadletter.Letter{Table: x.table.id, Topic: x.table.topic, Why: why, Reason: r, Body: deadletter.Unknown{}}
	if l.inStream() {
		return m
	}
	m.Op = envelope.Read
	if len(known) == len(x.Layout.Table.Columns) {
		m.Body = deadletter.Head{Whole: l.bodyOf(x, &envelope.Event{Op: envelope.Read, After: known})}
	}
	return m
}

// deadEvent writes the dead letters of an event. A changed key is two, each behind those of its key (P7).
func (l *lane) deadEvent(x *encoding, e *envelope.Event, why error, r deadletter.Reason) error {
	if !x.KeyChanged(e) {
		return l.deadLetter(l.eventLetter(x, e, why, r))
	}
	gone, made := split(e)
	if err := l.deadLetter(l.eventLetter(x, &gone, why, r)); err != nil {
		return err
	}
	return l.deadLetter(l.eventLetter(x, &made, why, r))
}

func (l *lane) eventLetter(x *encoding, e *envelope.Event, why error, r deadletter.Reason) *deadletter.Letter {
	return &deadletter.Letter{Table: x.table.id, Topic: x.table.topic, Why: why, Reason: r, Op: e.Op, Place: e.Place, Body: l.bodyOf(x, e)}
}

func (l *lane) bodyOf(x *encoding, e *envelope.Event) deadletter.Whole {
	if x.hidden == nil {
		x.hidden = l.run.task.Reshape.Hidden(x.Layout.Table)
	}
	return deadletter.Whole{Table: x.Layout.Table, Event: e, Hidden: x.hidden}
}

// deadLetter writes one letter, or skips what it is of where there is no topic for it, and counts it.
func (l *lane) deadLetter(m *deadletter.Letter) error {
	skipped := l.run.task.Errors.Topic == ""
	if !skipped {
		if err := l.openLetters(); err != nil {
			return err
		}
		if err := l.room(); err != nil {
			return err
		}
		if err := m.AppendTo(&l.batch, &l.letters.target, l.letterFrom(m)); err != nil {
			return err
		}
	}
	t := l.run.task
	log := t.Log
	if !t.Errors.Log {
		log = nil
	}
	t.lost.Count(m, skipped, log)
	return l.sendFull()
}

// letterFrom is where a letter comes from, for its headers; nil where it has none.
func (l *lane) letterFrom(m *deadletter.Letter) *deadletter.Origin {
	t := l.run.task
	if !t.Errors.Headers {
		return nil
	}
	from := &deadletter.Origin{Connector: t.Name, Alike: &l.letters.alike, Transaction: l.tx.ID}
	if m.Place != 0 && l.run.reader != nil {
		from.Position = l.run.reader.EncodePosition(offsets.Position{Place: m.Place})
	}
	return from
}

// openLetters makes or verifies the topic of dead letters, before a lane's first. It may be deleted between two starts,
// since nothing of the tables' is in it.
func (l *lane) openLetters() error {
	if l.letters.ready {
		return nil
	}
	if err := l.Flush(); err != nil { // Kafka may be away for long: what is gathered goes first
		return err
	}
	target, err := l.run.producer.Prepare(l.ctx, l.run.task.Errors.Topic)
	if err != nil {
		return err
	}
	l.letters.target, l.letters.ready = target, true
	return nil
}

// mayWriteLetters warns of a topic of dead letters that cannot be written, while nothing waits for it. One that is
// only away is found out about when it is needed.
func (r *run) mayWriteLetters() []fault.Finding {
	topic := r.task.Errors.Topic
	if topic == "" || !r.task.Errors.Tolerate {
		return nil
	}
	if _, err := r.producer.Prepare(r.work, topic); fault.IsPermanent(err) {
		f := refusal(err)
		f.Severity, f.Where = fault.Warning, fmt.Sprintf("dead letters, topic %q", topic)
		f.Need = "a topic that takes them: a table stops at its first row that cannot be delivered"
		return []fault.Finding{f}
	}
	return nil
}

// isSchemaRefusal says whether the registry, or the format, refuses a table's schema, and not us.
func isSchemaRefusal(err error) bool {
	return fault.IsPermanent(err) && fault.KindOf(err) == fault.Runtime
}
