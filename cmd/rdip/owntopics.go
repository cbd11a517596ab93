package main

import (
	"fmt"
	"slices"

	"rdip/connect/source/owntopics"
	"rdip/internal/fault"
)

// own is what the connector writes beside its tables' topics.
func (c *connectorSettings) own() owntopics.Settings {
	o := owntopics.Settings{Origin: c.postgres.Origin(), Transactions: c.source.Own.TransactionMetadata, TransactionTopic: c.source.TransactionTopicName(),
		HeartbeatTopic: c.source.HeartbeatTopicName(), Messages: c.postgres.Events.WantsMessage, MessageTopic: c.source.MessageTopicName(),
		MessageText: c.postgres.MessageText(), DeadLetterTopic: c.source.Errors.Topic, PositionsTopic: c.positions}
	if c.source.Own.HeartbeatRecords {
		o.HeartbeatEvery = c.postgres.HeartbeatInterval
	}
	if c.postgres.Events.DDL {
		o.SchemaTopic, o.Hides = c.source.SchemaTopicName(), c.source.Reshape().Hides()
	}
	return o
}

// checkOwn finds what two groups of keys say against each other.
func (c *connectorSettings) checkOwn(where func(key string) string) fault.Findings {
	if own := c.source.Own; !own.HeartbeatRecords || own.HeartbeatImplied || c.postgres.HeartbeatInterval > 0 {
		return nil
	}
	return fault.Findings{{Kind: fault.Configuration, Where: where("heartbeat.records.enabled"), Seen: "true, and heartbeat.interval.ms is 0",
		Need: "an interval: a heartbeat record is written once in each", Fix: "heartbeat.interval.ms: 10000"}}
}

// apart are the topics that nothing else may be written to, by the key that names them: what is in them is lost, or is not
// understood, where other records are between.
func (c *connectorSettings) apart() []apartTopic {
	topics := []apartTopic{{key: "errors.deadletterqueue.topic.name", name: c.source.Errors.Topic}, {key: "offsets.storage.topic", name: c.positions}}
	return slices.DeleteFunc(topics, func(t apartTopic) bool { return t.name == "" })
}

type apartTopic struct{ key, name string }

// checkApart refuses a topic apart that the configuration alone shows to be another's too (K8).
func (c *connectorSettings) checkApart(where func(key string) string) fault.Findings {
	own := c.own()
	taken := own.Names()
	var found fault.Findings
	for _, t := range c.apart() {
		if slices.Contains(taken, t.name) {
			found = append(found, t.refused(where(t.key), "the connector writes other records to it too"))
		}
		taken = append(taken, t.name)
	}
	return found
}

// refused is that something else is in the topic.
func (t apartTopic) refused(where, seen string) fault.Finding {
	return fault.Finding{Kind: fault.Configuration, Case: "K8", Where: where, Seen: fmt.Sprintf("topic %s: %s", t.name, seen),
		Need: "a topic that nothing else is written to", Fix: t.key + ": NAME"}
}
