// Package owntopics is what a connector writes beside its tables' topics: transactions' begins and ends with the counts of
// their events, heartbeats, the application's logical messages, schema changes. When they are written is package source's.
// Its keys are provide.transaction.metadata, topic.transaction, topic.heartbeat.* and heartbeat.records.enabled.
package owntopics

import (
	"fmt"
	"time"

	"rdip/envelope"
	"rdip/internal/fault"
)

// Settings is what a connector writes beside its tables' topics. The zero value is nothing.
type Settings struct {
	Origin           envelope.Origin
	Transactions     bool // provide.transaction.metadata: a block in each event, and the transaction topic
	TransactionTopic string
	HeartbeatEvery   time.Duration // between two records of the heartbeat topic; 0 for none
	HeartbeatTopic   string
	// Messages says whether the application's logical messages of a prefix are written; nil for none.
	Messages     func(prefix string) bool
	MessageTopic string
	// MessageText turns a message's content into text; nil where it is written as bytes.
	MessageText func(dst, content []byte) []byte
	// SchemaTopic takes the schema changes that the reader hands over.
	SchemaTopic string
	// Hides says of a column, as schema.table.column, whether its values may not be told: defaults of such columns are left
	// out of schema changes, and so are the constants of all statements, since any of them may be such a value. Nil where
	// every column may be told.
	Hides func(column string) bool
	// DeadLetterTopic is that of Errors, which no table may have.
	DeadLetterTopic string
	// PositionsTopic is that of exactly once, which no table may have either; "" where delivery is at least once.
	PositionsTopic string
}

// Names are those of the topics that may be written to, for checks before the start. Whether there will be
// a message, nobody can tell before.
func (o *Settings) Names() []string {
	var names []string
	if o.Messages != nil {
		names = append(names, o.MessageTopic)
	}
	if o.Transactions {
		names = append(names, o.TransactionTopic)
	}
	if o.HeartbeatEvery > 0 {
		names = append(names, o.HeartbeatTopic)
	}
	if o.SchemaTopic != "" {
		names = append(names, o.SchemaTopic)
	}
	return names
}

// Refuses is an error where a table's topic is one that the configuration asks for beside the tables' (K8): JSON
// would mix them without a word, and the registry would refuse whichever comes later.
func (o *Settings) Refuses(topic, table string) error {
	var what, key string
	switch {
	case o.Transactions && topic == o.TransactionTopic:
		what, key = "transactions", "topic.transaction"
	case o.HeartbeatEvery > 0 && topic == o.HeartbeatTopic:
		what, key = "heartbeats", "topic.heartbeat.name"
	case o.SchemaTopic != "" && topic == o.SchemaTopic:
		what, key = "schema changes", "topic.prefix"
	case o.DeadLetterTopic != "" && topic == o.DeadLetterTopic:
		what, key = "dead letters", "errors.deadletterqueue.topic.name"
	case o.PositionsTopic != "" && topic == o.PositionsTopic:
		what, key = "positions", "offset.storage.topic"
	default:
		return nil
	}
	return &fault.Error{Kind: fault.Configuration, Op: "route", Object: "table " + table, Permanent: true,
		Cause: fmt.Errorf("its topic %s is that of %s too (K8)", topic, what), Hint: "name the table's topic otherwise with topic.naming, or that of " + what + " with " + key}
}
