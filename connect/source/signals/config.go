package signals

import (
	"fmt"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
)

// Config is what a connector is told about signals.
type Config struct {
	Channels []string
	Table    string // as schema.table
	Topic    string
	Servers  []string // must be the worker's own
}

// Define binds the keys of signals.
func (c *Config) Define(d *configs.Definition) {
	d.Group("Signals")
	d.List(&c.Channels, "signal.enabled.channels", "Where signals are taken from, which ask for snapshots in Debezium's form: `source`, the table `signal.data.collection`; `kafka`, the topic `signal.kafka.topic`.",
		configs.Default("source"), configs.Check(checkChannel))
	d.String(&c.Table, "signal.data.collection", "Table whose inserted rows are signals, as `schema.table`; it is captured without being in `table.include.list`, and goes to no topic then. Its columns are `id varchar(42) PRIMARY KEY, type varchar(32), data varchar(2048)`.",
		configs.Check(checkSignalTable))
	d.String(&c.Topic, "signal.kafka.topic", "Topic of signals, of one partition: the key of a record is `topic.prefix`, its value JSON. Without it: `topic.prefix` and `-signal`. A connector begins at the end that the topic has when it first reads it, and then goes on from where it was.")
	d.List(&c.Servers, "signal.kafka.bootstrap.servers", "Brokers of the signal topic: those of `bootstrap.servers`, and no others.", configs.Rank(configs.Low))
}

func checkChannel(s string) error {
	switch strings.TrimSpace(s) {
	case FromTable, fromTopic:
		return nil
	case "file", "jmx", "in-process":
		return &configs.Problem{Need: "source or kafka: the channel " + s + " is not supported", Fix: `write "signal.enabled.channels: source,kafka"; rdip snapshot asks by hand`}
	}
	return fmt.Errorf("source or kafka")
}

func checkSignalTable(s string) error {
	if schema, table, ok := strings.Cut(s, "."); s != "" && (!ok || schema == "" || table == "" || strings.Contains(s, ",")) {
		return &configs.Problem{Need: "one table as schema.table", Fix: "write a name such as \"public.debezium_signal\""}
	}
	return nil
}

func (c *Config) has(channel string) bool { return slices.Contains(c.Channels, channel) }

// DataTable is the table of signals, "" where it is not read.
func (c *Config) DataTable() string {
	if !c.has(FromTable) {
		return ""
	}
	return c.Table
}

// TopicOf is the topic of signals of a connector with a prefix, "" where it is not read.
func (c *Config) TopicOf(prefix string) string {
	switch {
	case !c.has(fromTopic):
		return ""
	case c.Topic == "":
		return prefix + "-signal"
	default:
		return c.Topic
	}
}

// Check reports a signal topic that is not in the cluster of the connector's own topics.
func (c *Config) Check(where func(key string) string, brokers []string) fault.Findings {
	for _, s := range c.Servers {
		if len(brokers) > 0 && !slices.Contains(brokers, s) {
			return fault.Findings{{Kind: fault.Configuration, Where: where("signal.kafka.bootstrap.servers"), Seen: fmt.Sprintf("%q, which is not in bootstrap.servers", s),
				Need: "the cluster that the events go to: signals of another one are not read", Fix: "signal.kafka.bootstrap.servers: " + strings.Join(brokers, ",")}}
		}
	}
	return nil
}
