package source

import (
	"fmt"

	"rdip/internal/fault"
)

// refuses is an error where a table's topic is one that the configuration asks for beside the tables' (K8): JSON
// would mix them without a word, and the registry would refuse whichever comes later.
func (o *Own) refuses(topic, table string) error {
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

// refusesMessages is an error where the topic of logical messages is a table's. That none is emitted nobody can tell
// before, so the first one stops the connector, and not the table before it.
func (ts *tables) refusesMessages(topic string) error {
	for _, t := range ts.all() {
		if shown, _ := t.shown(); shown.Name == topic {
			return &fault.Error{Kind: fault.Configuration, Op: "write", Object: "a logical message", Permanent: true,
				Cause: fmt.Errorf("its topic %s is that of table %s too (K8)", topic, t.id), Hint: "name the table's topic otherwise with topic.naming, or message.prefix.exclude.list: .* to leave messages out"}
		}
	}
	return nil
}
