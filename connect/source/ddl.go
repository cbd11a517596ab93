package source

import (
	"time"

	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/sinks"
)

// schemaChange writes a schema change to the topic that is named as the prefix: Debezium's record, with what it
// has no room for in headers. It is no event of the transaction and is not counted there, as in Debezium.
func (l *lane) schemaChange(tx *envelope.Transaction, m *envelope.Message) error {
	o := l.own.changes
	if err := l.open(o); err != nil {
		return err
	}
	origin := &l.run.task.Own.Origin
	s := l.openRecord(o)
	l.batch.Arena = envelope.AppendString(l.batch.Arena, origin.Database)
	if err := l.keyDone(o, &s); err != nil {
		return err
	}
	l.batch.Arena = envelope.AppendSchemaChange(l.batch.Arena, origin, tx, m, time.Now().UnixNano())
	if err := l.closeRecord(o, s, records.Joined(factHeaders(m.Change.Facts), l.run.task.contextHeaders)); err != nil {
		return err
	}
	return l.sendFull()
}

func factHeaders(facts []envelope.Fact) []sinks.Header {
	headers := make([]sinks.Header, len(facts))
	for i, f := range facts {
		headers[i] = sinks.Header{Key: f.Name, Value: []byte(f.Value)}
	}
	return headers
}
