package owntopics

import (
	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/schema"
	"rdip/sinks"
)

// incompleteHeader is on the END of a transaction of which not every counted event is in its table's topic: a JSON array
// of these tables, as data_collections names them. Debezium's schema of END has no place for it.
const incompleteHeader = "__rdip.incomplete"

// MessagesCollection is the name under which Debezium counts a transaction's logical messages
// (LogicalDecodingMessageId).
const MessagesCollection = "LOGICAL_DECODING_MESSAGE"

// Transactions numbers the events of a lane's transactions, and writes the transaction topic: BEGIN before a
// transaction's first event, END behind its last. What is skipped, and rows of a snapshot, are not counted; what a table
// that stopped would have is, and so are dead letters. A transaction of nothing that counts is not in the
// topic. Counting an event allocates nothing.
type Transactions struct {
	Topic
	id      envelope.TransactionID
	begun   bool
	total   int64
	touched []*Collection // of the open transaction, in the order of their first events
	all     map[string]*Collection
}

// Collection is one table's count within the open transaction.
type Collection struct {
	name    string
	count   int64
	Missing bool // some of its events are not in its topic
}

// NewTransactions is for one lane.
func NewTransactions(o *Settings) *Transactions {
	return &Transactions{id: o.Origin.TransactionID, all: map[string]*Collection{},
		Topic: Topic{Topic: records.Topic{Name: o.TransactionTopic}, keySchema: schema.TransactionKeySchema, valueSchema: schema.TransactionValueSchema}}
}

// Reset forgets the counts of the transaction before.
func (t *Transactions) Reset() {
	for _, c := range t.touched {
		c.count, c.Missing = 0, false
	}
	t.touched, t.total, t.begun = t.touched[:0], 0, false
}

// Of is a collection by its name.
func (t *Transactions) Of(name string) *Collection {
	c := t.all[name]
	if c == nil {
		c = &Collection{name: name}
		t.all[name] = c
	}
	return c
}

// Next counts one event and gives it its numbers.
func (t *Transactions) Next(tx *envelope.Transaction, c *Collection) {
	if c.count == 0 {
		t.touched = append(t.touched, c)
	}
	c.count++
	t.total++
	tx.Order, tx.TableOrder = t.total, c.count
}

// Counted is where the counts stood before an event that may fail, of one collection.
type Counted struct {
	begun        bool
	total, count int64
	touched      int
	of           *Collection
}

// Mark is where the counts stand, to go back to with Undo.
func (t *Transactions) Mark(c *Collection) Counted {
	return Counted{begun: t.begun, total: t.total, touched: len(t.touched), count: c.count, of: c}
}

// Undo takes back what was counted since.
func (t *Transactions) Undo(to Counted) {
	t.begun, t.total, t.touched = to.begun, to.total, t.touched[:to.touched]
	to.of.count = to.count
}

// IsBegun says whether the open transaction has its BEGIN.
func (t *Transactions) IsBegun() bool { return t.begun }

// AppendBegin writes BEGIN. place is that of the transaction's first event, which stands in for its first record where
// that is not known.
func (t *Transactions) AppendBegin(b *records.Batch, tx *envelope.Transaction, place uint64) error {
	if tx.First != 0 {
		place = tx.First
	}
	s := t.begin(b)
	b.Arena = t.id.AppendTo(b.Arena, tx, place)
	if err := t.keyDone(b, &s); err != nil {
		return err
	}
	b.Arena = envelope.AppendTransactionBegin(b.Arena, t.id, tx, place)
	if err := t.end(b, s, nil); err != nil {
		return err
	}
	t.begun = true
	return nil
}

// AppendEnd writes END. place is the end of the transaction's commit record.
func (t *Transactions) AppendEnd(b *records.Batch, tx *envelope.Transaction, place uint64) error {
	s := t.begin(b)
	b.Arena = t.id.AppendTo(b.Arena, tx, place)
	if err := t.keyDone(b, &s); err != nil {
		return err
	}
	b.Arena = envelope.AppendTransactionEnd(b.Arena, t.id, tx, place, len(t.touched), func(i int) envelope.TransactionCount {
		return envelope.TransactionCount{Table: t.touched[i].name, Events: t.touched[i].count}
	})
	t.begun = false
	return t.end(b, s, t.incomplete())
}

// incomplete is the header of an END with tables that are not complete; nil for none.
func (t *Transactions) incomplete() []sinks.Header {
	var names []byte
	for _, c := range t.touched {
		if !c.Missing {
			continue
		}
		open := byte(',')
		if names == nil {
			open = '['
		}
		names = records.AppendText(append(names, open), []byte(c.name))
	}
	if names == nil {
		return nil
	}
	return []sinks.Header{{Key: incompleteHeader, Value: append(names, ']')}}
}
