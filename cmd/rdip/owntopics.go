package main

import (
	"rdip/connect/source"
	"rdip/internal/fault"
)

// own is what the connector writes beside its tables' topics.
func (c *connectorSettings) own() source.Own {
	o := source.Own{Origin: c.postgres.Origin(), Transactions: c.source.Own.TransactionMetadata, TransactionTopic: c.source.TransactionTopicName(),
		HeartbeatTopic: c.source.HeartbeatTopicName(), Messages: c.postgres.Events.WantsMessage, MessageTopic: c.source.MessageTopicName(),
		MessageText: c.postgres.MessageText(), DeadLetterTopic: c.source.Errors.Topic}
	if c.source.Own.HeartbeatRecords {
		o.HeartbeatEvery = c.postgres.HeartbeatInterval
	}
	if c.postgres.Events.DDL {
		o.SchemaTopic = c.source.SchemaTopicName()
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
