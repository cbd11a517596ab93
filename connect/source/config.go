package source

import (
	"fmt"

	"rdip/configs"
	"rdip/connect/source/columns"
	"rdip/connect/source/deadletter"
	"rdip/connect/source/owntopics"
	"rdip/connect/source/records"
	"rdip/connect/source/routing"
	"rdip/connect/source/signals"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/schema"
)

// Config is what every source connector can be told, whatever its database.
type Config struct {
	Class         string
	Prefix        string
	Compatibility Compatibility
	Tombstones    bool
	Extended      bool
	Skipped       []string
	Own           owntopics.Config
	Errors        deadletter.Config
	Delivery      DeliveryConfig
	Signals       signals.Config

	Converters records.Converters

	columns    columns.Config
	transforms routing.TransformConfig
	chain      *routing.Chain
	topics     routing.Config
}

// Compatibility says whose way is taken where rdip differs from Debezium on purpose.
type Compatibility string

// The ways of compatibility.
const (
	CompatibleRdip     Compatibility = "rdip"
	CompatibleDebezium Compatibility = "debezium"
)

// Definition binds the keys to c and fills in the defaults.
func (c *Config) Definition() *configs.Definition {
	d := configs.NewDefinition("Source connector")
	d.Group("Connector")
	d.String(&c.Class, "connector.class", "Which database: `postgres`, or Debezium's name for it, `io.debezium.connector.postgresql.PostgresConnector`.",
		configs.Required(), configs.Rank(configs.High))
	d.String(&c.Prefix, "topic.prefix", "Logical name of the server: topics are `PREFIX.SCHEMA.TABLE`, and `source.name` of every event is it. Two connectors never share one.",
		configs.Required(), configs.Check(routing.CheckName), configs.Rank(configs.High))
	configs.Enum(d, &c.Compatibility, "compatibility", "Whose way is taken where rdip differs from Debezium on purpose (docs/TYPES.md lists where).", []configs.Choice{
		{Value: "rdip", Doc: "nothing is lost or invented."},
		{Value: "debezium", Doc: "byte for byte as Debezium 3.6 writes it, flaws included."}}, configs.Default("rdip"))
	d.Group("Events")
	d.Bool(&c.Tombstones, "tombstones.on.delete", "Whether a delete is followed by a record with a null value, which lets a compacted topic forget the key.", configs.Default("true"))
	d.List(&c.Skipped, "skipped.operations", "Operations that are not written: `c` creates, `u` updates, `d` deletes, `t` truncates; `none` for none.",
		configs.Default("t"), configs.Check(checkOperation))
	d.Bool(&c.Extended, "extended.headers.enabled", "Whether every record has Debezium's four `__debezium.context.*` headers. With `compatibility: debezium` the default is `true`, as Debezium's.",
		configs.Default("false"))
	c.columns.Define(d)
	c.topics.Define(d)
	c.transforms.Define(d)
	c.Own.Define(d)
	c.Signals.Define(d)
	c.Errors.Define(d)
	c.Delivery.define(d)
	return d
}

// Compatible completes what depends on compatibility; section is the connector's.
func (c *Config) Compatible(section *configs.Section) {
	if c.Compatibility == CompatibleDebezium && !section.Has("extended.headers.enabled") {
		c.Extended = true
	}
	if c.Compatibility == CompatibleDebezium {
		c.Own.Compatible(section)
	}
}

// Envelope is the choices that shape records.
func (c *Config) Envelope() envelope.Options {
	return envelope.Options{Debezium: c.Compatibility == CompatibleDebezium}
}

// Operations is the operations that are not written.
func (c *Config) Operations() Ops {
	var s Ops
	for _, op := range c.Skipped {
		if op != "none" {
			s = s.With(envelope.Op(op[0]))
		}
	}
	return s
}

func checkOperation(s string) error {
	switch s {
	case "c", "u", "d", "t", "none":
		return nil
	}
	return fmt.Errorf("c, u, d, t or none")
}

// CheckRows reports what the keys of columns and of topics' names do not show one by one. where names a key's
// place in the file, as configs.Section.Where does.
func (c *Config) CheckRows(where func(key string) string) fault.Findings {
	return append(c.columns.Check(where), c.topics.Check(where)...)
}

// Reshape is what the configuration changes of rows, nil for nothing.
func (c *Config) Reshape() *columns.Reshape {
	return c.columns.Reshape(c.Compatibility == CompatibleDebezium)
}

// SkipUnchanged is skip.messages.without.change.
func (c *Config) SkipUnchanged() bool { return c.columns.SkipUnchanged }

// Naming is how topics are named.
func (c *Config) Naming() routing.Naming {
	n := c.topics.Naming(c.Prefix)
	n.Transforms = c.chain
	return n
}

// Topic is the topic of a table's events.
func (c *Config) Topic(t *schema.Table) string {
	n := c.Naming()
	return n.Topic(t).Topic
}

// CheckRecords compiles the transforms, and reports what is wrong with them and with the converters. section is what c
// was decoded from.
func (c *Config) CheckRecords(section *configs.Section) fault.Findings {
	var findings fault.Findings
	c.chain, findings = c.transforms.Chain(section, c.Compatibility == CompatibleDebezium)
	return append(findings, c.Converters.Check(section, c.chain)...)
}

// Formats are how keys and values are written.
func (c *Config) Formats() (key, value records.Format) {
	return c.Converters.Formats(c.Compatibility == CompatibleDebezium)
}

// SignalTable is the table of signals, "" where it is not read.
func (c *Config) SignalTable() string { return c.Signals.DataTable() }

// SignalTopic is the topic of signals, "" where it is not read.
func (c *Config) SignalTopic() string { return c.Signals.TopicOf(c.Prefix) }

// CheckSignals reports a signal topic that is not in the cluster of the connector's own topics.
func (c *Config) CheckSignals(where func(key string) string, brokers []string) fault.Findings {
	return c.Signals.Check(where, brokers)
}
