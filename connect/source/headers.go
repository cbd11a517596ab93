package source

import (
	"errors"

	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/sinks"
)

// contextHeaders are the four headers that Debezium puts on every record (extended.headers.enabled).
func contextHeaders(prefix, connector, runID string) []sinks.Header {
	return []sinks.Header{
		{Key: "__debezium.context.connectorLogicalName", Value: []byte(prefix)},
		{Key: "__debezium.context.taskId", Value: []byte("0")},
		{Key: "__debezium.context.connectorName", Value: []byte(connector)},
		{Key: "__debezium.context.runId", Value: []byte(runID)},
	}
}

var errNotAnnounced = errors.New("its layout was not announced before it")

// headers are an event's headers: own first, then rdip's marks, then those that every record has. Nothing
// is allocated where own is empty and the marks are those of the row before.
func (l *lane) headers(x *encoding, e *envelope.Event, own []sinks.Header) []sinks.Header {
	return records.Joined(own, l.marks(x, e))
}

// marks are the headers that every such row has: what is known of it, and the connector's own.
func (l *lane) marks(x *encoding, e *envelope.Event) []sinks.Header {
	t := l.run.task
	if t.Envelope.Debezium {
		return t.contextHeaders
	}
	if e.Before != nil && e.KeyOnly {
		if e.After == nil {
			return t.keyOnlyHeaders
		}
		return records.Joined(t.keyOnlyHeaders[:1], l.unavailable(x, e.After))
	}
	if e.After != nil {
		return l.unavailable(x, e.After)
	}
	return t.contextHeaders
}

// unavailable remembers the headers of the last set of columns that the log did not carry.
func (l *lane) unavailable(x *encoding, row envelope.Row) []sinks.Header {
	names := x.Unavailable(row)
	if names == nil {
		return l.run.task.contextHeaders
	}
	if x.unsent == nil || &names[0] != &x.unsent[0].Value[0] {
		own := []sinks.Header{{Key: envelope.UnavailableHeader, Value: names}}
		x.unsent = records.Joined(own, l.run.task.contextHeaders)
		l.batch.Holds(own, 0)
	}
	return x.unsent
}

// keyTexts are the old and the new key as Debezium's headers hold them.
func keyTexts(x *encoding, e *envelope.Event) (oldKey, newKey []byte, err error) {
	if oldKey, err = keyText(x, e.Before); err != nil {
		return nil, nil, err
	}
	newKey, err = keyText(x, e.After)
	return oldKey, newKey, err
}

func keyText(x *encoding, row envelope.Row) ([]byte, error) {
	avro, err := x.AppendKey(nil, row)
	if err != nil {
		return nil, err
	}
	return x.AppendKeyJSON(nil, avro)
}
