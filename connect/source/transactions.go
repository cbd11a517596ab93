package source

import (
	"rdip/connect/source/owntopics"
	"rdip/envelope"
)

// beginTransaction writes BEGIN where the open transaction has none yet. place is that of its first event, which
// stands in for the transaction's first record where that is not known.
func (l *lane) beginTransaction(place uint64) error {
	t := l.own.transactions
	if t.IsBegun() || l.wasTold() {
		return nil
	}
	return t.AppendBegin(&l.batch, &l.tx, place)
}

// endTransaction writes END where the transaction has a BEGIN. place is the end of its commit record.
func (l *lane) endTransaction(place uint64) error {
	t := l.own.transactions
	if !t.IsBegun() {
		return nil
	}
	if err := l.open(&t.Topic); err != nil {
		return err
	}
	return t.AppendEnd(&l.batch, &l.tx, place)
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
	before := t.Mark(x.countedIn(t))
	err := l.beginTransaction(e.Place)
	if err == nil {
		err = l.append(x, e)
	}
	if err != nil {
		t.Undo(before)
	}
	return err
}

// countedIn is the collection of the encoding's table; layouts of one table share it.
func (x *encoding) countedIn(t *owntopics.Transactions) *owntopics.Collection {
	if x.collection == nil {
		x.collection = t.Of(x.Layout.Table.Schema + "." + x.Layout.Table.Name)
	}
	return x.collection
}
