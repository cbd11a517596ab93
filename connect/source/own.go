package source

import (
	"time"

	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/offsets"
	"rdip/schema"
	"rdip/sinks"
)

// Own is what a connector writes beside its tables' topics. The zero value is nothing.
type Own struct {
	Origin           envelope.Origin
	Transactions     bool // provide.transaction.metadata: a block in each event, and the transaction topic
	TransactionTopic string
	HeartbeatEvery   time.Duration // between two records of the heartbeat topic; 0 for none
	HeartbeatTopic   string
	// Messages says whether the application's logical messages of a prefix are written; nil for none.
	Messages     func(prefix string) bool
	MessageTopic string
	// MessageText turns a message's content into text; nil where it is written as bytes.
	MessageText func(dst, content []byte) []byte
	// SchemaTopic takes the schema changes that the reader hands over.
	SchemaTopic string
	// DeadLetterTopic is that of Errors, which no table may have.
	DeadLetterTopic string
	// PositionsTopic is that of exactly once, which no table may have either; "" where delivery is at least once.
	PositionsTopic string
}

// Topics is the names of the topics that may be written to, for checks before the start. Whether there will be
// a message, nobody can tell before.
func (o *Own) Topics() []string {
	var names []string
	if o.Messages != nil {
		names = append(names, o.MessageTopic)
	}
	if o.Transactions {
		names = append(names, o.TransactionTopic)
	}
	if o.HeartbeatEvery > 0 {
		names = append(names, o.HeartbeatTopic)
	}
	if o.SchemaTopic != "" {
		names = append(names, o.SchemaTopic)
	}
	return names
}

// ownTopics are a stream lane's topics of no table; each is nil where nothing is to be written to it.
type ownTopics struct {
	transactions *transactions
	heartbeats   *heartbeats
	messages     *messages
	changes      *ownTopic
	// since: what was committed before this place was delivered before; 0 for none.
	since uint64

	signals   []offsets.Signal // of the open transaction
	signalled uint64           // transactions up to this place had their signals taken
}

func newOwnTopics(r *run) *ownTopics {
	o := &r.task.Own
	own := &ownTopics{since: r.tables.since}
	if r.task.Signals.Table != "" {
		own.signalled = r.ledger.signals().Place
	}
	if o.Transactions {
		own.transactions = newTransactions(o)
	}
	if o.HeartbeatEvery > 0 {
		own.heartbeats = newHeartbeats(o, r.task.Prefix)
	}
	if o.Messages != nil {
		own.messages = newMessages(o)
	}
	if o.SchemaTopic != "" {
		own.changes = &ownTopic{Topic: records.Topic{Name: o.SchemaTopic}, keySchema: schema.SchemaChangeKeySchema(o.Origin.Schema),
			valueSchema: schema.SchemaChangeValueSchema(o.Origin.Schema)}
	}
	return own
}

// ownTopic is one topic of no table, as one lane writes it: fixed schemas, all records in one partition, so that
// their order holds.
type ownTopic struct {
	records.Topic
	keySchema, valueSchema string
	ready                  bool
}

// prepare makes the topic and registers its schemas, before its first record. What is refused for good ends the
// connector: leaving these records out would lose them without a word.
func (l *lane) prepare(o *ownTopic) error {
	if o.ready {
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
	if err := o.Register(l.ctx, &f, o.keySchema, o.valueSchema); err != nil {
		return err
	}
	o.Target, o.ready = target, true
	return nil
}

// openRecord opens a record of a prepared topic behind what the batch holds. The caller appends the key to the
// arena, calls keyDone, appends the value, and calls closeRecord.
func (l *lane) openRecord(o *ownTopic) records.Span {
	s := records.Span{Key: len(l.batch.Arena)}
	l.batch.Arena = o.Keys.Begin(l.batch.Arena)
	return s
}

// keyDone ends the record's key, in the format of keys.
func (l *lane) keyDone(o *ownTopic, s *records.Span) error {
	arena, err := o.Keys.Finish(l.batch.Arena, s.Key)
	s.Value = len(arena)
	l.batch.Arena = o.Values.Begin(arena)
	return err
}

// closeRecord ends the record's value, and puts the record at the end of the batch. A record that the topic will never
// take is an error and leaves the batch as it was.
func (l *lane) closeRecord(o *ownTopic, s records.Span, headers []sinks.Header) error {
	arena, err := o.Values.Finish(l.batch.Arena, s.Value)
	l.batch.Arena, s.End = arena, len(arena)
	if err != nil {
		return err
	}
	err = l.batch.AddInOne(&o.Topic, s, headers, time.Now().UnixMicro())
	if err != nil {
		l.batch.BackTo(l.batch.Count() - 1)
	}
	return err
}

// open makes sure that there is a batch with room, and that the topic is prepared.
func (l *lane) open(o *ownTopic) error {
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
