package owntopics

import (
	"time"

	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/schema"
	"rdip/sinks"
)

// Changes writes schema changes to the topic that is named as the prefix: Debezium's record, with what it has no room for
// in headers.
type Changes struct {
	Topic
	origin *envelope.Origin
}

// NewChanges is for one lane.
func NewChanges(o *Settings) *Changes {
	return &Changes{origin: &o.Origin, Topic: Topic{Topic: records.Topic{Name: o.SchemaTopic},
		keySchema: schema.SchemaChangeKeySchema(o.Origin.Schema), valueSchema: schema.SchemaChangeValueSchema(o.Origin.Schema)}}
}

// Append writes a schema change; shared are the headers that every record has.
func (c *Changes) Append(b *records.Batch, tx *envelope.Transaction, m *envelope.Message, shared []sinks.Header) error {
	s := c.begin(b)
	b.Arena = envelope.AppendString(b.Arena, c.origin.Database)
	if err := c.keyDone(b, &s); err != nil {
		return err
	}
	b.Arena = envelope.AppendSchemaChange(b.Arena, c.origin, tx, m, time.Now().UnixNano())
	return c.end(b, s, records.Joined(factHeaders(m.Change.Facts), shared))
}

func factHeaders(facts []envelope.Fact) []sinks.Header {
	headers := make([]sinks.Header, len(facts))
	for i, f := range facts {
		headers[i] = sinks.Header{Key: f.Name, Value: []byte(f.Value)}
	}
	return headers
}
