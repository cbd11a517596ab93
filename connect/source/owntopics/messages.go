package owntopics

import (
	"bytes"
	"time"

	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/schema"
)

// ownPrefix begins the prefixes of rdip's own logical messages: heartbeats, watermarks, schema changes. They
// never leave.
var ownPrefix = []byte("rdip.")

// Messages writes the application's logical messages (pg_logical_emit_message).
type Messages struct {
	Topic
	origin *envelope.Origin
	source envelope.SourceEncoder
	wanted func(prefix string) bool
	text   func(dst, content []byte) []byte
}

// NewMessages is for one lane.
func NewMessages(o *Settings) *Messages {
	kind := schema.Bytes
	if o.MessageText != nil {
		kind = schema.String
	}
	return &Messages{origin: &o.Origin, source: o.Origin.Source("", ""), wanted: o.Messages, text: o.MessageText,
		Topic: Topic{Topic: records.Topic{Name: o.MessageTopic}, keySchema: schema.MessageKeySchema(o.Origin.Schema), valueSchema: schema.MessageValueSchema(o.Origin.Schema, kind)}}
}

// Wants says whether a message is written: the application's, with a prefix that was asked for.
func (o *Messages) Wants(m *envelope.Message) bool {
	return !bytes.HasPrefix(m.Prefix, ownPrefix) && o.wanted(string(m.Prefix))
}

// Append writes a message.
func (o *Messages) Append(b *records.Batch, tx *envelope.Transaction, m *envelope.Message) error {
	s := o.begin(b)
	b.Arena = envelope.AppendString(append(b.Arena, 2), m.Prefix)
	if err := o.keyDone(b, &s); err != nil {
		return err
	}
	b.Arena = envelope.AppendMessage(b.Arena, o.origin, o.source, tx, m, o.text, time.Now().UnixNano())
	return o.end(b, s, nil)
}
