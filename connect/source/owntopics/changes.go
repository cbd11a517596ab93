package owntopics

import (
	"slices"
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
	hides  func(column string) bool
}

// NewChanges is for one lane.
func NewChanges(o *Settings) *Changes {
	return &Changes{origin: &o.Origin, hides: o.Hides, Topic: Topic{Topic: records.Topic{Name: o.SchemaTopic},
		keySchema: schema.SchemaChangeKeySchema(o.Origin.Schema), valueSchema: schema.SchemaChangeValueSchema(o.Origin.Schema)}}
}

// Append writes a schema change; shared are the headers that every record has.
func (c *Changes) Append(b *records.Batch, tx *envelope.Transaction, m *envelope.Message, shared []sinks.Header) error {
	s := c.begin(b)
	b.Arena = envelope.AppendString(b.Arena, c.origin.Database)
	if err := c.keyDone(b, &s); err != nil {
		return err
	}
	told := *m
	told.Change = c.told(m.Change)
	b.Arena = envelope.AppendSchemaChange(b.Arena, c.origin, tx, &told, time.Now().UnixNano())
	return c.end(b, s, records.Joined(factHeaders(m.Change.Facts), shared))
}

// told is a change without the values that may not be told. The reader's own is not changed.
func (c *Changes) told(change *envelope.SchemaChange) *envelope.SchemaChange {
	if c.hides == nil {
		return change
	}
	out := *change
	out.DDL = withoutConstants(change.DDL)
	out.Tables = slices.Clone(change.Tables)
	for i := range out.Tables {
		t := &out.Tables[i]
		if t.Table == nil {
			continue
		}
		shape := *t.Table
		shape.Columns = slices.Clone(shape.Columns)
		for k := range shape.Columns {
			if column := &shape.Columns[k]; c.hides(t.Schema + "." + t.Name + "." + column.Name) {
				column.Default = nil
			}
		}
		t.Table = &shape
	}
	return &out
}

func factHeaders(facts []envelope.Fact) []sinks.Header {
	headers := make([]sinks.Header, len(facts))
	for i, f := range facts {
		headers[i] = sinks.Header{Key: f.Name, Value: []byte(f.Value)}
	}
	return headers
}
