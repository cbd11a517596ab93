package source

import (
	"time"

	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/sinks"
)

// write appends the records of one event to the batch, all of them or none.
func (l *lane) write(x *encoding, e *envelope.Event) error {
	before := l.batch.Mark()
	if err := l.transacted(x, e); err != nil {
		l.batch.Back(before)
		return err
	}
	l.counted.add(x.table, e)
	return nil
}

// append appends the records of one event. A changed key is what it is to whoever reads by key: the old row's delete, its
// tombstone, the new row's create (P7).
func (l *lane) append(x *encoding, e *envelope.Event) error {
	if !x.splits(e) {
		return l.appendEvent(x, e, nil)
	}
	oldKey, newKey, err := keyTexts(x, e)
	if err != nil {
		return err
	}
	gone, made := split(e)
	if err := l.appendHalf(x, &gone, []sinks.Header{{Key: envelope.NewKeyHeader, Value: newKey}}); err != nil {
		return err
	}
	return l.appendHalf(x, &made, []sinks.Header{{Key: envelope.OldKeyHeader, Value: oldKey}})
}

// appendHalf appends one of the two events of a changed key, and counts the other key that it names.
func (l *lane) appendHalf(x *encoding, e *envelope.Event, own []sinks.Header) error {
	err := l.appendEvent(x, e, own)
	if err == nil {
		l.batch.Holds(own, 0)
	}
	return err
}

// splits says whether an event is written as two, for its key is another. An outbox takes no updates.
func (x *encoding) splits(e *envelope.Event) bool {
	plan := x.table.to.Plan
	return (plan == nil || plan.Flat != nil) && x.KeyChanged(e)
}

// split is the two events that a changed key is.
func split(e *envelope.Event) (gone, made envelope.Event) {
	gone, made = *e, *e
	gone.Op, gone.After = envelope.Delete, nil
	made.Op, made.Before = envelope.Create, nil
	return gone, made
}

// appendEvent appends the records of one event in its shape; own are headers of its own.
func (l *lane) appendEvent(x *encoding, e *envelope.Event, own []sinks.Header) error {
	l.number(x, e)
	headers := l.headers(x, e, own)
	if x.shape != nil {
		return x.shape.Append(&l.batch, &l.tx, e, own, headers)
	}
	if err := l.appendRecord(x, e, headers); err != nil {
		return err
	}
	if e.Op == envelope.Delete && l.run.task.Tombstones {
		return l.appendTombstone(x, e.Before, records.Joined(own, l.run.task.contextHeaders))
	}
	return nil
}

// appendRecord writes one record with the event's key and envelope.
func (l *lane) appendRecord(x *encoding, e *envelope.Event, headers []sinks.Header) error {
	s := records.Span{Key: len(l.batch.Arena), NullKey: true}
	row := e.After
	if row == nil {
		row = e.Before
	}
	arena := l.batch.Arena
	var err error
	if x.Layout.Table.HasKey() && row != nil { // a TRUNCATE has no key
		s.NullKey = false
		if arena, err = x.AppendKey(arena, row); err == nil {
			arena, err = x.to.Keys.Finish(arena, s.Key)
		}
	}
	s.Value = len(arena)
	now := time.Now().UnixNano()
	if err == nil {
		arena, err = x.AppendValue(arena, &l.tx, e, now)
	}
	if err == nil {
		arena, err = x.to.Values.Finish(arena, s.Value)
	}
	l.batch.Arena = arena
	if err != nil {
		return err
	}
	s.End = len(arena)
	return l.batch.Add(&x.to, s, headers, now/1e3)
}

// number gives an event its place in the transaction's block, where blocks are written. What a transform leaves out is
// counted too: Debezium counts before that.
func (l *lane) number(x *encoding, e *envelope.Event) {
	l.tx.Order = 0
	if l.numbers(e) {
		l.own.transactions.Next(&l.tx, x.countedIn(l.own.transactions))
	}
}

func (l *lane) appendTombstone(x *encoding, row envelope.Row, headers []sinks.Header) error {
	s := records.Span{Key: len(l.batch.Arena), NullKey: true, NullValue: true}
	if x.Layout.Table.HasKey() {
		arena, err := x.AppendKey(l.batch.Arena, row)
		if err == nil {
			arena, err = x.to.Keys.Finish(arena, s.Key)
		}
		l.batch.Arena = arena
		if err != nil {
			return err
		}
		s.NullKey = false
	}
	s.Value, s.End = len(l.batch.Arena), len(l.batch.Arena)
	return l.batch.Add(&x.to, s, headers, time.Now().UnixMicro())
}
