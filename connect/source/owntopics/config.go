package owntopics

import (
	"rdip/configs"
	"rdip/connect/source/routing"
)

// Config is what a connector is told about the topics that belong to no table.
type Config struct {
	TransactionMetadata bool
	TransactionTopic    string // behind the prefix
	HeartbeatRecords    bool
	HeartbeatImplied    bool // HeartbeatRecords is compatibility's doing: an interval of 0 turns it off, as in Debezium
	HeartbeatPrefix     string
	HeartbeatName       string // the whole name in place of the prefix; "" for none
}

// Define binds the keys of the topics that belong to no table.
func (c *Config) Define(d *configs.Definition) {
	d.Group("Topics of its own")
	d.Bool(&c.TransactionMetadata, "provide.transaction.metadata", "Whether each event has a transaction block, with the transaction's id and the event's numbers in it, and the topic `PREFIX.transaction` has a record at the begin and the end of each transaction, with the counts of its events.",
		configs.Default("false"))
	d.String(&c.TransactionTopic, "topic.transaction", "Name of the transaction topic behind the prefix.", configs.Default("transaction"), configs.Check(routing.CheckName), configs.Rank(configs.Low))
	d.Bool(&c.HeartbeatRecords, "heartbeat.records.enabled", "Whether a record is written to the heartbeat topic every `heartbeat.interval.ms`. With `compatibility: debezium` the default is `true` where `heartbeat.interval.ms` is given, as Debezium's.",
		configs.Default("false"))
	d.String(&c.HeartbeatPrefix, "topic.heartbeat.prefix", "Begin of the heartbeat topic's name, before the prefix.", configs.Default("__debezium-heartbeat"), configs.Check(routing.CheckName), configs.Rank(configs.Low))
	d.String(&c.HeartbeatName, "topic.heartbeat.name", "Whole name of the heartbeat topic, in place of `topic.heartbeat.prefix` and the prefix.", configs.Default(""), configs.Check(routing.CheckNameOrNone), configs.Rank(configs.Low))
}

// Compatible completes what depends on compatibility: debezium.
func (c *Config) Compatible(section *configs.Section) {
	if section.Has("heartbeat.interval.ms") && !section.Has("heartbeat.records.enabled") {
		c.HeartbeatRecords, c.HeartbeatImplied = true, true
	}
}
