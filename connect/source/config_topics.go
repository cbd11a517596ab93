package source

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
