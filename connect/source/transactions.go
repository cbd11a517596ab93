package source

import (
	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/schema"
)

// messagesCollection is the name under which Debezium counts a transaction's logical messages
// (LogicalDecodingMessageId).
const messagesCollection = "LOGICAL_DECODING_MESSAGE"

// transactions numbers the events of a lane's transactions, and writes the transaction topic: BEGIN before a
// transaction's first event, END behind its last. What is skipped, and rows of a snapshot, are not counted; what a table
// that stopped would have is, and so are dead letters (missing.go). A transaction of nothing that counts is not in the
// topic. Counting an event allocates nothing.
type transactions struct {
	ownTopic
	id      envelope.TransactionID
	begun   bool
	total   int64
	touched []*collection // of the open transaction, in the order of their first events
	all     map[string]*collection
}

// collection is one table's count within the open transaction.
type collection struct {
	name    string
	count   int64
	missing bool // some of its events are not in its topic
}

func newTransactions(o *Own) *transactions {
	return &transactions{id: o.Origin.TransactionID, all: map[string]*collection{},
		ownTopic: ownTopic{Topic: records.Topic{Name: o.TransactionTopic}, keySchema: schema.TransactionKeySchema, valueSchema: schema.TransactionValueSchema}}
}

// reset forgets the counts of the transaction before.
func (t *transactions) reset() {
	for _, c := range t.touched {
		c.count, c.missing = 0, false
	}
	t.touched, t.total, t.begun = t.touched[:0], 0, false
}

// of is a collection by its name.
func (t *transactions) of(name string) *collection {
	c := t.all[name]
	if c == nil {
		c = &collection{name: name}
		t.all[name] = c
	}
	return c
}

// ofTable is the collection of an encoding's table; layouts of one table share it.
func (t *transactions) ofTable(x *encoding) *collection {
	if x.collection == nil {
		x.collection = t.of(x.Layout.Table.Schema + "." + x.Layout.Table.Name)
	}
	return x.collection
}

// next counts one event and gives it its numbers.
func (t *transactions) next(tx *envelope.Transaction, c *collection) {
	if c.count == 0 {
		t.touched = append(t.touched, c)
	}
	c.count++
	t.total++
	tx.Order, tx.TableOrder = t.total, c.count
}

// counted is where the counts stood before an event that may fail, of one collection.
type counted struct {
	begun        bool
	total, count int64
	touched      int
	of           *collection
}

func (t *transactions) mark(c *collection) counted {
	return counted{begun: t.begun, total: t.total, touched: len(t.touched), count: c.count, of: c}
}

// undo takes back what was counted since.
func (t *transactions) undo(to counted) {
	t.begun, t.total, t.touched = to.begun, to.total, t.touched[:to.touched]
	to.of.count = to.count
}

// beginTransaction writes BEGIN where the open transaction has none yet. place is that of its first event, which
// stands in for the transaction's first record where that is not known.
func (l *lane) beginTransaction(place uint64) error {
	t := l.own.transactions
	if t.begun || l.wasTold() {
		return nil
	}
	if l.tx.First != 0 {
		place = l.tx.First
	}
	s := l.openRecord(&t.ownTopic)
	l.batch.Arena = t.id.AppendTo(l.batch.Arena, &l.tx, place)
	if err := l.keyDone(&t.ownTopic, &s); err != nil {
		return err
	}
	l.batch.Arena = envelope.AppendTransactionBegin(l.batch.Arena, t.id, &l.tx, place)
	if err := l.closeRecord(&t.ownTopic, s, nil); err != nil {
		return err
	}
	t.begun = true
	return nil
}

// endTransaction writes END where the transaction has a BEGIN. place is the end of its commit record.
func (l *lane) endTransaction(place uint64) error {
	t := l.own.transactions
	if !t.begun {
		return nil
	}
	if err := l.open(&t.ownTopic); err != nil {
		return err
	}
	s := l.openRecord(&t.ownTopic)
	l.batch.Arena = t.id.AppendTo(l.batch.Arena, &l.tx, place)
	if err := l.keyDone(&t.ownTopic, &s); err != nil {
		return err
	}
	l.batch.Arena = envelope.AppendTransactionEnd(l.batch.Arena, t.id, &l.tx, place, len(t.touched), func(i int) envelope.TransactionCount {
		return envelope.TransactionCount{Table: t.touched[i].name, Events: t.touched[i].count}
	})
	t.begun = false
	return l.closeRecord(&t.ownTopic, s, t.incomplete())
}

// numbers says whether an event is counted in its transaction: rows of a snapshot are in none.
func (l *lane) numbers(e *envelope.Event) bool {
	return l.own != nil && l.own.transactions != nil && e.Op != envelope.Read
}

// transacted writes the records of one event, after BEGIN where it is its transaction's first. An event that
// fails leaves the counts as they were; the caller takes its records back.
func (l *lane) transacted(x *encoding, e *envelope.Event) error {
	if !l.numbers(e) {
		return l.append(x, e)
	}
	t := l.own.transactions
	before := t.mark(t.ofTable(x))
	err := l.beginTransaction(e.Place)
	if err == nil {
		err = l.append(x, e)
	}
	if err != nil {
		t.undo(before)
	} else if t.total == before.total {
		t.next(&l.tx, t.ofTable(x)) // a transform has left it out, or has made a tombstone of it: Debezium counts before that
	}
	return err
}
