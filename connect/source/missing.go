package source

import (
	"rdip/envelope"
)

// passOver counts an event that is not written to its table's topic. It is missing where it never was: its table
// stopped, or it is a dead letter. Else it was delivered before.
func (l *lane) passOver(x *encoding, e *envelope.Event, missing bool) error {
	if !l.numbers(e) {
		return nil
	}
	n := 1
	if x.splits(e) {
		n = 2 // as it would have been written
	}
	return l.countPassed(x, n, e.Place, missing)
}

// inStream says whether what is handed over is of a transaction of the log, and not of a snapshot or a window, whose
// transaction has no first record.
func (l *lane) inStream() bool { return l.own != nil && l.tx.First != 0 }

// passRefused counts a change that the reader could not hand over, as one event; rows of a snapshot are in no
// transaction.
func (l *lane) passRefused(x *encoding) error {
	if !l.inStream() || l.own.transactions == nil {
		return nil
	}
	return l.countPassed(x, 1, l.tx.First, true)
}

func (l *lane) countPassed(x *encoding, n int, place uint64, missing bool) error {
	t := l.own.transactions
	if err := l.open(&t.Topic); err != nil {
		return err
	}
	if err := l.beginTransaction(place); err != nil {
		return err
	}
	c := x.countedIn(t)
	for range n {
		t.Next(&l.tx, c)
	}
	c.Missing = c.Missing || missing
	return l.sendFull()
}

// wasTold says whether the open transaction's BEGIN and END were written before, by a run that went further: it is read
// again for a table that goes on from an older place, whose rows have the numbers that they would have had then.
func (l *lane) wasTold() bool { return l.tx.Place < l.own.since }
