package source

import (
	"errors"
	"fmt"
	"time"

	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/sinks"
)

// Errors is what becomes of a row that cannot be delivered. The zero value: its table stops.
type Errors struct {
	Tolerate bool   // the row becomes a dead letter, or is skipped and counted, and the table goes on
	Topic    string // of dead letters; "": rows are skipped
	Headers  bool   // dead letters say why they are
	Log      bool
	// MostRetained is how much log the source may keep for one table that stopped, in bytes; 0: no limit.
	MostRetained int64
}

// reason is why a row could not be delivered, in one word: a label of the metrics.
type reason string

const (
	reasonValue  reason = "value"  // it cannot be written as its schema says
	reasonSchema reason = "schema" // the registry refuses its schema
	reasonSize   reason = "size"   // it is too large, for the topic or for the reader
	reasonRow    reason = "row"    // the reader could not read it, such as one whose key is not in the log
)

// tooLarge is a cause that is a size, of a reader or a producer.
type tooLarge interface {
	error
	TooLarge() int64 // bytes of what is refused
}

// deadLetters is one lane's way to the topic of dead letters. What it writes is in the batch of its lane, so that it
// is acknowledged, stored and told to the source as every other record: no dead letter is lost, and those of one key
// keep their order.
type deadLetters struct {
	target sinks.Topic
	ready  bool
}

// letter is what is known of something that cannot be delivered. Its parts are borrowed until it is written.
type letter struct {
	table  string // schema.table, or what stands for a table
	topic  string // where it would have gone
	why    error
	reason reason
	op     envelope.Op // 0: not known
	place  uint64      // in the log; 0: not known
	body   letterBody
}

// letterBody writes a letter's key and value, or either as nothing where it gives back what it got.
type letterBody interface {
	appendKey(dst []byte) []byte
	appendValue(dst []byte) []byte
}

// undelivered decides about an event that could not be written: its table stops, or it becomes a dead letter.
// Where it is counted in its transaction it is counted as missing.
func (l *lane) undelivered(x *encoding, e *envelope.Event, why error, r reason) error {
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
		x.refusal = err
		x.table.refused.Store(true)
		l.run.task.Log.Error("the schema of a table is refused; its rows cannot be delivered", withSchemas(err, "table", x.table.id, "error", err)...)
		return l.undelivered(x, e, err, reasonSchema)
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
func (l *lane) unreadLetter(x *encoding, known envelope.Row, why error) *letter {
	r := reasonRow
	if reasonOf(why) == reasonSize {
		r = reasonSize
	}
	m := &letter{table: x.table.id, topic: x.table.topic, why: why, reason: r, body: noBody{}}
	if l.inStream() {
		return m
	}
	m.op = envelope.Read
	if len(known) == len(x.Layout.Table.Columns) {
		m.body = headBody{l.bodyOf(x, &envelope.Event{Op: envelope.Read, After: known})}
	}
	return m
}

// deadEvent writes the dead letters of an event. A changed key is two, each behind those of its key (P7).
func (l *lane) deadEvent(x *encoding, e *envelope.Event, why error, r reason) error {
	if !x.KeyChanged(e) {
		return l.deadLetter(l.eventLetter(x, e, why, r))
	}
	gone, made := split(e)
	if err := l.deadLetter(l.eventLetter(x, &gone, why, r)); err != nil {
		return err
	}
	return l.deadLetter(l.eventLetter(x, &made, why, r))
}

func (l *lane) eventLetter(x *encoding, e *envelope.Event, why error, r reason) *letter {
	return &letter{table: x.table.id, topic: x.table.topic, why: why, reason: r, op: e.Op, place: e.Place, body: l.bodyOf(x, e)}
}

func (l *lane) bodyOf(x *encoding, e *envelope.Event) rowBody {
	if x.hidden == nil {
		x.hidden = l.run.task.Reshape.Hidden(x.Layout.Table)
	}
	return rowBody{table: x.Layout.Table, event: e, hidden: x.hidden}
}

// deadLetter writes one letter, or skips what it is of where there is no topic for it, and counts it.
func (l *lane) deadLetter(m *letter) error {
	skipped := l.run.task.Errors.Topic == ""
	if !skipped {
		if err := l.openLetters(); err != nil {
			return err
		}
		if err := l.room(); err != nil {
			return err
		}
		if err := l.appendLetter(m); err != nil {
			return err
		}
	}
	l.run.task.lost.count(l.run.task, m, skipped)
	return l.sendFull()
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
	l.letters = deadLetters{target: target, ready: true}
	return nil
}

// appendLetter puts a letter's record at the end of the batch. What is too large for the topic is left out: the value,
// then the key; the error is of what is left, and leaves the batch as it was.
func (l *lane) appendLetter(m *letter) error {
	s := records.Span{Key: len(l.batch.Arena)}
	l.batch.Arena = m.body.appendKey(l.batch.Arena)
	s.Value = len(l.batch.Arena)
	s.NullKey = s.Value == s.Key
	l.batch.Arena = m.body.appendValue(l.batch.Arena)
	s.End = len(l.batch.Arena)
	s.NullValue = s.End == s.Value
	record := sinks.Record{Topic: l.letters.target.Name, Micros: time.Now().UnixMicro(), Headers: l.letterHeaders(m, 0)}
	s.Point(&record, l.batch.Arena)
	record.Partition = l.letters.target.Partition(record.Key)
	err := l.takesLetter(&record)
	if err != nil && !s.NullValue {
		record.Headers = l.letterHeaders(m, s.End-s.Value)
		record.Value, s.NullValue, s.End = nil, true, s.Value
		err = l.takesLetter(&record)
	}
	if err != nil && !s.NullKey {
		record.Key, s.NullKey, s.Value, s.End = nil, true, s.Key, s.Key
		err = l.takesLetter(&record)
	}
	if err != nil {
		l.batch.Arena = l.batch.Arena[:s.Key]
		return err
	}
	l.batch.Arena = l.batch.Arena[:s.End]
	l.batch.Append(s, &record)
	return nil
}

func (l *lane) takesLetter(r *sinks.Record) error {
	if l.letters.target.Refuses == nil {
		return nil
	}
	return l.letters.target.Refuses(r)
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
