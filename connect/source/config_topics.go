package source

import (
	"rdip/configs"
	"rdip/connect/source/routing"
)

// OwnConfig is what a connector is told about the topics that belong to no table.
type OwnConfig struct {
	TransactionMetadata bool
	TransactionTopic    string // behind the prefix
	HeartbeatRecords    bool
	HeartbeatImplied    bool // HeartbeatRecords is compatibility's doing: an interval of 0 turns it off, as in Debezium
	HeartbeatPrefix     string
	HeartbeatName       string // the whole name in place of the prefix; "" for none
}

// defineOwn binds the keys of the topics that belong to no table.
func (c *OwnConfig) defineOwn(d *configs.Definition) {
	d.Group("Topics of its own")
	d.Bool(&c.TransactionMetadata, "provide.transaction.metadata", "Whether each event has a transaction block, with the transaction's id and the event's numbers in it, and the topic `PREFIX.transaction` has a record at the begin and the end of each transaction, with the counts of its events.",
		configs.Default("false"))
	d.String(&c.TransactionTopic, "topic.transaction", "Name of the transaction topic behind the prefix.", configs.Default("transaction"), configs.Check(routing.CheckName), configs.Rank(configs.Low))
	d.Bool(&c.HeartbeatRecords, "heartbeat.records.enabled", "Whether a record is written to the heartbeat topic every `heartbeat.interval.ms`. With `compatibility: debezium` the default is `true` where `heartbeat.interval.ms` is given, as Debezium's.",
		configs.Default("false"))
	d.String(&c.HeartbeatPrefix, "topic.heartbeat.prefix", "Begin of the heartbeat topic's name, before the prefix.", configs.Default("__debezium-heartbeat"), configs.Check(routing.CheckName), configs.Rank(configs.Low))
	d.String(&c.HeartbeatName, "topic.heartbeat.name", "Whole name of the heartbeat topic, in place of `topic.heartbeat.prefix` and the prefix.", configs.Default(""), configs.Check(routing.CheckNameOrNone), configs.Rank(configs.Low))
}

// compatible completes what depends on compatibility: debezium.
func (c *OwnConfig) compatible(section *configs.Section) {
	if section.Has("heartbeat.interval.ms") && !section.Has("heartbeat.records.enabled") {
		c.HeartbeatRecords, c.HeartbeatImplied = true, true
	}
}

// TransactionTopicName is the name of the transaction topic.
func (c *Config) TransactionTopicName() string {
	return c.renamed(c.Prefix + c.topics.Delimiter + c.Own.TransactionTopic)
}

// HeartbeatTopicName is the name of the heartbeat topic.
func (c *Config) HeartbeatTopicName() string {
	if c.Own.HeartbeatName != "" {
		return c.renamed(c.Own.HeartbeatName)
	}
	return c.renamed(c.Own.HeartbeatPrefix + c.topics.Delimiter + c.Prefix)
}

// MessageTopicName is the name of the topic of logical messages; Debezium fixes it, delimiter and all
// (LogicalDecodingMessageMonitor).
func (c *Config) MessageTopicName() string { return c.renamed(c.Prefix + ".message") }

// SchemaTopicName is the name of the topic of schema changes.
func (c *Config) SchemaTopicName() string { return c.renamed(c.Prefix) }

// renamed is the name of a topic of no table behind the routers that all records pass.
func (c *Config) renamed(topic string) string {
	n := c.Naming()
	return n.Renamed(topic)
}
