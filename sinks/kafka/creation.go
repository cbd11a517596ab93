package kafka

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/IBM/sarama"

	"rdip/configs"
)

// Creation says how topics that do not exist are made. Its keys are those of Kafka Connect (KIP-158).
type Creation struct {
	Enable      bool
	Partitions  int
	Replication int // -1: the broker's default.replication.factor
	// ReplicationKey is the key that Replication is from; "": topic.creation.default.replication.factor.
	ReplicationKey string
	// Settings are the topic's own configuration, such as cleanup.policy and retention.ms; what is not here
	// is the broker's default.
	Settings map[string]string
	// Apart are topics that are made in another way, by name. Enable is that of all.
	Apart map[string]Creation
}

// of is how a topic is made.
func (c *Creation) of(topic string) *Creation {
	if apart, ok := c.Apart[topic]; ok {
		return &apart
	}
	return c
}

// NewCreation is the defaults.
func NewCreation() Creation {
	var c Creation
	c.Definition()
	return c
}

// Definition is the keys of topic creation, of a connector or of the worker for all of its connectors.
func (c *Creation) Definition() *configs.Definition {
	d := configs.NewDefinition("Topic creation")
	d.Group("Topics")
	d.Bool(&c.Enable, "topic.creation.enable", "Make topics that do not exist. With `false` a missing topic stops its connector, which prints the command that makes it. The brokers' own `auto.create.topics.enable` is never used.",
		configs.Default("true"), configs.Rank(configs.High))
	d.Int(&c.Partitions, "topic.creation.default.partitions", "Partitions of a topic that is made. A key's records stay in one partition; records of a table without a key all go to partition 0. Adding partitions later moves keys, and breaks their order once.",
		configs.Default("1"), configs.Between("1", "100000"), configs.Rank(configs.High))
	d.Int(&c.Replication, "topic.creation.default.replication.factor", "Replicas of a topic that is made. -1: the broker's `default.replication.factor`.",
		configs.Default("-1"), configs.Check(configs.CheckReplicas), configs.Rank(configs.High))
	d.Prefix(&c.Settings, "topic.creation.default.", "Any other setting of a topic that is made, by Kafka's name: `topic.creation.default.cleanup.policy: compact`, `topic.creation.default.retention.ms: \"-1\"`. What is not set is the broker's default, which for retention is 7 days in Kafka (`log.retention.hours=168`): **a reader that comes later than that finds no snapshot and only the newest changes.** For topics that new readers begin with, use `cleanup.policy: compact` (the newest state of each key stays for ever; not for tables without a key) or `retention.ms: \"-1\"` (everything stays).")
	return d
}

// detail is what CreateTopics asks for.
func (c *Creation) detail() *sarama.TopicDetail {
	d := &sarama.TopicDetail{NumPartitions: int32(c.Partitions), ReplicationFactor: int16(c.Replication), ConfigEntries: map[string]*string{}}
	for name, value := range c.Settings {
		d.ConfigEntries[name] = &value
	}
	return d
}

// settings is the topic settings as name=value, sorted.
func (c *Creation) settings() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		out = append(out, name+"="+c.Settings[name])
	}
	return out
}

// isCompacted says whether a cleanup policy keeps the newest record of each key.
func isCompacted(policy string) bool { return strings.Contains(policy, "compact") }

// String is what a topic will be made with, in words.
func (c *Creation) String() string {
	parts := []string{fmt.Sprintf("partitions=%d", c.Partitions)}
	if c.Replication > 0 {
		parts = append(parts, fmt.Sprintf("replication.factor=%d", c.Replication))
	}
	parts = append(parts, c.settings()...)
	return strings.Join(parts, ", ") + ", and the brokers' defaults"
}
