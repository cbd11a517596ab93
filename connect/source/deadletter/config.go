package deadletter

import (
	"rdip/configs"
	"rdip/connect/source/routing"
	"rdip/internal/fault"
)

// Tolerance says what becomes of a row that cannot be delivered.
type Tolerance string

// The tolerances, by Kafka Connect's names.
const (
	TolerateNone Tolerance = "none" // its table stops
	TolerateAll  Tolerance = "all"  // it becomes a dead letter, or is skipped and counted
)

// Errors is what becomes of a row that cannot be delivered. The zero value: its table stops.
type Errors struct {
	Tolerate bool   // the row becomes a dead letter, or is skipped and counted, and the table goes on
	Topic    string // of dead letters; "": rows are skipped
	Headers  bool   // dead letters say why they are
	Log      bool
	// MostRetained is how much log the source may keep for one table that stopped, in bytes; 0: no limit.
	MostRetained int64
}

// Config is what a connector is told about rows that cannot be delivered, and about tables that stop.
type Config struct {
	Tolerance   Tolerance
	Topic       string // of dead letters; "" for none
	Replication int    // of that topic, where it is made
	Headers     bool
	Log         bool
	MostBytes   int64 // that the source keeps for a table that stopped; 0: no limit
}

// Define binds the keys. Their names are Kafka Connect's, which has dead letters for its sinks only.
func (c *Config) Define(d *configs.Definition) {
	d.Group("Rows that cannot be delivered")
	configs.Enum(d, &c.Tolerance, "errors.tolerance", "What becomes of a row that cannot be written as its schema says, whose schema the registry refuses for good, or that is too large (docs/DELIVERY.md, \"Tables that stop, and dead letters\").", []configs.Choice{
		{Value: "none", Doc: "its table stops, and the others go on; nothing is lost, since the source keeps the log for that table until `rdip resume CONNECTOR TABLE`."},
		{Value: "all", Doc: "the row goes to `errors.deadletterqueue.topic.name`, or where that is not set **is skipped**; both are counted, and the table goes on."}}, configs.Default("none"))
	d.String(&c.Topic, "errors.deadletterqueue.topic.name", "Whole name of the topic that takes what cannot be delivered, with `errors.tolerance: all`. A record's key is the row's key, its value the row as text, both JSON; columns that are left out, masked, hashed or cut are not in it.",
		configs.Default(""), configs.Check(routing.CheckNameOrNone))
	d.Int(&c.Replication, "errors.deadletterqueue.topic.replication.factor", "Replicas of that topic where it is made; -1: the broker's `default.replication.factor`.",
		configs.Default("3"), configs.Check(configs.CheckReplicas), configs.Rank(configs.Low))
	d.Bool(&c.Headers, "errors.deadletterqueue.context.headers.enable", "Whether a dead letter has headers that say why it is one and where the row comes from. Kafka Connect's default is `false`, and its dead letters then do not say it.",
		configs.Default("true"), configs.Rank(configs.Low))
	d.Bool(&c.Log, "errors.log.enable", "Whether dead letters and skipped rows are logged, of each table at most one a second with the number of those before; never with row data. A table that stops is always logged.",
		configs.Default("true"), configs.Rank(configs.Low))
	d.Bytes(&c.MostBytes, "quarantine.max.retained.bytes", "Most log that the source may keep because one table has stopped. Beyond it the table is given up by name: the source is held for it no longer, and `rdip resume CONNECTOR TABLE` takes a new snapshot of it. 0: no limit; the source's own, such as `max_slot_wal_keep_size`, would stop the whole connector.",
		configs.Default("0"))
}

// Check finds what the keys say against each other. where names a key's place in the file.
func (c *Config) Check(where func(key string) string) fault.Findings {
	switch {
	case c.Tolerance == TolerateNone && c.Topic != "":
		return fault.Findings{{Kind: fault.Configuration, Where: where("errors.deadletterqueue.topic.name"), Seen: "a topic, and errors.tolerance is none: a table stops at the first row that it is for",
			Need: "errors.tolerance: all, or no topic", Fix: "errors.tolerance: all"}}
	case c.Tolerance == TolerateAll && c.Topic == "":
		return fault.Findings{{Severity: fault.Warning, Kind: fault.Configuration, Where: where("errors.tolerance"), Case: "D8",
			Seen: "all, and no topic for dead letters: a row that cannot be delivered is skipped and counted, and is then lost",
			Need: "a topic that keeps them, or errors.tolerance: none", Fix: "errors.deadletterqueue.topic.name: NAME"}}
	default:
		return nil
	}
}

// Errors is what becomes of a row that cannot be delivered.
func (c *Config) Errors() Errors {
	return Errors{Tolerate: c.Tolerance == TolerateAll, Topic: c.Topic, Headers: c.Headers, Log: c.Log, MostRetained: c.MostBytes}
}
