package source

import (
	"time"

	"rdip/envelope"
	"rdip/sinks"
)

// write appends the records of one event to the batch, all of them or none.
func (l *lane) write(x *encoding, e *envelope.Event) error {
	records, bytes := len(l.batch.Records), len(l.batch.Arena)
	err := l.transacted(x, e)
	if err != nil {
		l.batch.Records, l.spans, l.batch.Arena = l.batch.Records[:records], l.spans[:records], l.batch.Arena[:bytes]
		return err
	}
	l.counted.add(x.table, e)
	return nil
}

func (l *lane) append(x *encoding, e *envelope.Event) error {
	if x.shape != nil {
		return x.shape.append(l, x, e)
	}
	if x.KeyChanged(e) {
		return l.appendKeyChange(x, e)
	}
	if err := l.appendRecord(x, e, l.headers(x, e, nil)); err != nil {
		return err
	}
	if e.Op == envelope.Delete && l.run.task.Tombstones {
		return l.appendTombstone(x, e.Before, l.run.task.contextHeaders)
	}
	return nil
}

// appendKeyChange writes a changed key as what it is to whoever reads by key: the old row's delete, its
// tombstone, the new row's create (P7).
func (l *lane) appendKeyChange(x *encoding, e *envelope.Event) error {
	oldKey, newKey, err := keyTexts(x, e)
	if err != nil {
		return err
	}
	gone, made := *e, *e
	gone.Op, gone.After = envelope.Delete, nil
	made.Op, made.Before = envelope.Create, nil
	to := []sinks.Header{{Key: envelope.NewKeyHeader, Value: newKey}}
	if err := l.appendRecord(x, &gone, l.headers(x, &gone, to)); err != nil {
		return err
	}
	if l.run.task.Tombstones {
		if err := l.appendTombstone(x, e.Before, joined(to, l.run.task.contextHeaders)); err != nil {
			return err
		}
	}
	from := []sinks.Header{{Key: envelope.OldKeyHeader, Value: oldKey}}
	return l.appendRecord(x, &made, l.headers(x, &made, from))
}

// appendRecord writes one record with the event's key and envelope.
func (l *lane) appendRecord(x *encoding, e *envelope.Event, headers []sinks.Header) error {
	s := span{key: len(l.batch.Arena), nullKey: true}
	l.number(x, e)
	row := e.After
	if row == nil {
		row = e.Before
	}
	arena := l.batch.Arena
	var err error
	if x.Layout.Table.HasKey() && row != nil { // a TRUNCATE has no key
		s.nullKey = false
		if arena, err = x.AppendKey(arena, row); err == nil {
			arena, err = x.keys.finish(arena, s.key)
		}
	}
	s.value = len(arena)
	now := time.Now().UnixNano()
	if err == nil {
		arena, err = x.AppendValue(arena, &l.tx, e, now)
	}
	if err == nil {
		arena, err = x.values.finish(arena, s.value)
	}
	l.batch.Arena = arena
	if err != nil {
		return err
	}
	s.end = len(arena)
	return l.add(x, s, headers, now/1e3)
}

// number gives an event its place in the transaction's block, where blocks are written.
func (l *lane) number(x *encoding, e *envelope.Event) {
	l.tx.Order = 0
	if l.numbers(e) {
		l.own.transactions.next(&l.tx, l.own.transactions.ofTable(x))
	}
}

func (l *lane) appendTombstone(x *encoding, row envelope.Row, headers []sinks.Header) error {
	s := span{key: len(l.batch.Arena), nullKey: true, nullValue: true}
	if x.Layout.Table.HasKey() {
		arena, err := x.AppendKey(l.batch.Arena, row)
		if err == nil {
			arena, err = x.keys.finish(arena, s.key)
		}
		l.batch.Arena = arena
		if err != nil {
			return err
		}
		s.nullKey = false
	}
	s.value, s.end = len(l.batch.Arena), len(l.batch.Arena)
	return l.add(x, s, headers, time.Now().UnixMicro())
}

// add puts a record at the end of the batch, unless its topic will never take it. Its bytes are set again
// when the batch is sealed, since the arena may still move.
func (l *lane) add(x *encoding, s span, headers []sinks.Header, micros int64) error {
	r := sinks.Record{Topic: x.table.topic, Headers: headers, Micros: micros}
	s.point(&r, l.batch.Arena)
	r.Partition = x.table.target.Partition(r.Key)
	l.spans = append(l.spans, s)
	l.batch.Records = append(l.batch.Records, r)
	if refuses := x.table.target.Refuses; refuses != nil {
		return refuses(&l.batch.Records[len(l.batch.Records)-1])
	}
	return nil
}
