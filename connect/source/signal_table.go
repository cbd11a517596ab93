package source

import (
	"fmt"

	"rdip/connect/source/signals"
	"rdip/envelope"
	"rdip/offsets"
)

// A table's inserted rows are signals where the configuration says so: id, type and data are its first three columns,
// whatever their names (CommonConnectorConfig.parseSignallingMessage). They are kept until their transaction ends, and
// taken then, all at once, before any position behind it can be stored.

// silent makes the encoding of a table whose rows go to no topic.
func (l *lane) silent(layout *envelope.Layout) {
	l.run.tables.mu.Lock()
	t := l.run.tables.entry(layout.Table.ID())
	l.run.tables.mu.Unlock()
	l.forget(layout)
	l.encodings[layout] = &encoding{table: t, signals: true, silent: true}
	l.layout, l.current = nil, nil
}

// signal keeps a row that is a signal.
func (l *lane) signal(e *envelope.Event) {
	if e.Op != envelope.Create || l.tx.Place <= l.own.signalled {
		return
	}
	if len(e.After) != 3 {
		l.run.task.warn(aboutSignals, signalNotices, fmt.Sprintf("table %s has %d columns, and a signal has three: id, type, data. CREATE TABLE %[1]s (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048) NULL)",
			l.run.task.Signals.Table, len(e.After)))
		return
	}
	l.own.signals = append(l.own.signals, offsets.Signal{Channel: signals.FromTable, ID: string(e.After[0].Wire), Type: string(e.After[1].Wire), Data: string(e.After[2].Wire)})
}

// takeSignals takes the signals of the transaction that ends.
func (l *lane) takeSignals() {
	if len(l.own.signals) == 0 {
		return
	}
	place := l.tx.Place
	l.run.ledger.take(l.own.signals, func(s *offsets.Signals) { s.Place = place })
	l.own.signals, l.own.signalled = nil, place
}
