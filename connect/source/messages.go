package source

import (
	"errors"
	"fmt"
	"time"

	"rdip/connect/source/deadletter"
	"rdip/connect/source/owntopics"
	"rdip/envelope"
	"rdip/internal/fault"
)

// Message is a logical message: the application's, or one of rdip's own, which needs no more than its commit
// unless it says of a schema change.
//
// P39: a message that is not transactional stands outside every transaction and is no position. It lies in the
// log behind every commit that was handed over before it and before every one that is handed over later, and
// the source sends it again with all that follows the place to start from; so it is safe with the next position.
func (l *lane) Message(m *envelope.Message) error {
	if l.own == nil {
		return nil
	}
	within := l.inside
	if err := l.enter(); err != nil {
		return err
	}
	if err := l.tell(m); err != nil || within {
		return err
	}
	l.reachMessage(m)
	l.leave()
	return nil
}

// tell writes a message that is wanted.
func (l *lane) tell(m *envelope.Message) error {
	tx := l.tx
	if !m.Transactional {
		tx = envelope.Transaction{Micros: time.Now().UnixMicro(), Place: m.Place, Previous: l.ended}
	}
	switch o := l.own; {
	case m.Change != nil && o.changes != nil && tx.Place >= o.since:
		return l.schemaChange(&tx, m)
	case o.messages == nil || !o.messages.Wants(m):
		return nil
	case tx.Place < o.since:
		if o.transactions != nil && m.Transactional { // so that rows behind it have their numbers
			o.transactions.Next(&tx, o.transactions.Of(owntopics.MessagesCollection))
		}
		return nil
	case m.Refused != nil:
		return l.unreadMessage(&tx, m)
	}
	return l.message(&tx, m)
}

// unreadMessage decides about a message that is too large to be read (P70). There is no table to stop: the connector does,
// unless dead letters or a loss were asked for.
func (l *lane) unreadMessage(tx *envelope.Transaction, m *envelope.Message) error {
	if !l.run.task.Errors.Tolerate {
		return refusedMessage(m, m.Refused)
	}
	if l.own.transactions != nil && m.Transactional {
		if err := l.count(tx, m.Place); err != nil {
			return err
		}
	}
	return l.deadMessage(m, m.Refused)
}

// deadMessage makes a dead letter of a message.
func (l *lane) deadMessage(m *envelope.Message, why error) error {
	if l.own.transactions != nil && m.Transactional {
		l.own.transactions.Of(owntopics.MessagesCollection).Missing = true
	}
	body := deadletter.Message{Prefix: m.Prefix, Content: m.Content}
	return l.deadLetter(&deadletter.Letter{Table: owntopics.MessagesCollection, Topic: l.own.messages.Name, Why: why, Reason: deadletter.ReasonSize, Op: envelope.Note, Place: m.Place, Body: body})
}

// message writes one message of the application's.
func (l *lane) message(tx *envelope.Transaction, m *envelope.Message) error {
	o := l.own.messages
	if !o.IsReady() {
		if err := l.run.tables.refusesMessages(o.Name); err != nil {
			return err
		}
	}
	if err := l.open(&o.Topic); err != nil {
		return err
	}
	if l.own.transactions != nil && m.Transactional {
		if err := l.count(tx, m.Place); err != nil {
			return err
		}
	}
	if err := o.Append(&l.batch, tx, m); err != nil {
		if l.run.task.Errors.Tolerate && fault.IsPermanent(err) {
			return l.deadMessage(m, err)
		}
		return refusedMessage(m, err)
	}
	return l.sendFull()
}

// count gives a message its numbers in its transaction, after BEGIN.
func (l *lane) count(tx *envelope.Transaction, place uint64) error {
	t := l.own.transactions
	if err := l.open(&t.Topic); err != nil { // may send the batch: first of all
		return err
	}
	if err := l.beginTransaction(place); err != nil {
		return err
	}
	t.Next(tx, t.Of(owntopics.MessagesCollection))
	return nil
}

// refusedMessage is a message that cannot be delivered: there is no table to stop, so the connector does.
func refusedMessage(m *envelope.Message, err error) error {
	e := &fault.Error{Op: "deliver", Object: fmt.Sprintf("the logical message with prefix %q", m.Prefix), Cause: err, Permanent: fault.IsPermanent(err) || m.Refused != nil,
		Hint: "leave the prefix out with message.prefix.exclude.list; or errors.tolerance: all, which makes it a dead letter"}
	var why *fault.Error
	if errors.As(err, &why) && why.Hint != "" {
		e.Hint = why.Hint + "; or " + e.Hint
	}
	return e
}

// refusesMessages is an error where the topic of logical messages is a table's. That none is emitted nobody can tell
// before, so the first one stops the connector, and not the table before it.
func (ts *tables) refusesMessages(topic string) error {
	for _, t := range ts.all() {
		if shown, _ := t.shown(); shown.Name == topic {
			return &fault.Error{Kind: fault.Configuration, Op: "write", Object: "a logical message", Permanent: true,
				Cause: fmt.Errorf("its topic %s is that of table %s too (K8)", topic, t.id), Hint: "name the table's topic otherwise with topic.naming, or message.prefix.exclude.list: .* to leave messages out"}
		}
	}
	return nil
}
