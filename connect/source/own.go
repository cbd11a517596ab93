package source

import (
	"rdip/connect/source/owntopics"
	"rdip/envelope"
	"rdip/offsets"
)

// ownTopics are a stream lane's topics of no table; each is nil where nothing is to be written to it.
type ownTopics struct {
	transactions *owntopics.Transactions
	heartbeats   *owntopics.Heartbeats
	messages     *owntopics.Messages
	changes      *owntopics.Changes
	// since: what was committed before this place was delivered before; 0 for none.
	since uint64

	signals   []offsets.Signal // of the open transaction
	signalled uint64           // transactions up to this place had their signals taken
}

func newOwnTopics(r *run) *ownTopics {
	o := &r.task.Own
	made := &ownTopics{since: r.tables.since}
	if r.task.Signals.Table != "" {
		made.signalled = r.ledger.signals().Place
	}
	if o.Transactions {
		made.transactions = owntopics.NewTransactions(o)
	}
	if o.HeartbeatEvery > 0 {
		made.heartbeats = owntopics.NewHeartbeats(o, r.task.Prefix)
	}
	if o.Messages != nil {
		made.messages = owntopics.NewMessages(o)
	}
	if o.SchemaTopic != "" {
		made.changes = owntopics.NewChanges(o)
	}
	return made
}

// prepare makes the topic and registers its schemas, before its first record. What is refused for good ends the
// connector: leaving these records out would lose them without a word.
func (l *lane) prepare(o *owntopics.Topic) error {
	if o.IsReady() {
		return nil
	}
	if err := l.Flush(); err != nil { // Kafka or the registry may be away for long: what is gathered goes first
		return err
	}
	target, err := l.topic(o.Name)
	if err != nil {
		return err
	}
	f := l.run.task.formats()
	return o.Ready(l.ctx, target, &f)
}

// open makes sure that there is a batch with room, and that the topic is prepared.
func (l *lane) open(o *owntopics.Topic) error {
	if err := l.prepare(o); err != nil {
		return err
	}
	return l.room()
}

// sendFull sends the batch on where it is full.
func (l *lane) sendFull() error {
	if !l.batch.IsOpen() || !l.isFull() {
		return nil
	}
	return l.send()
}

// closing writes what is due at a transaction's end, whose commit record ends at place.
func (l *lane) closing(place uint64) error {
	l.ended = place
	if l.own == nil {
		return nil
	}
	l.takeSignals()
	if l.own.transactions != nil {
		if err := l.endTransaction(place); err != nil {
			return err
		}
	}
	if l.own.heartbeats != nil {
		return l.beat()
	}
	return nil
}

// beat writes a record of the heartbeat topic where the interval has passed since the last.
func (l *lane) beat() error {
	h := l.own.heartbeats
	if !h.IsDue() {
		return nil
	}
	if err := l.open(&h.Topic); err != nil {
		return err
	}
	return h.Append(&l.batch)
}

// schemaChange writes a schema change. It is no event of the transaction and is not counted there, as in Debezium.
func (l *lane) schemaChange(tx *envelope.Transaction, m *envelope.Message) error {
	o := l.own.changes
	if err := l.open(&o.Topic); err != nil {
		return err
	}
	if err := o.Append(&l.batch, tx, m, l.run.task.contextHeaders); err != nil {
		return err
	}
	return l.sendFull()
}
