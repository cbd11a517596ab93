package source

import (
	"fmt"
	"time"

	"rdip/configs"
	"rdip/internal/fault"
)

// DeliveryConfig is how often a change may come, and how Kafka transactions are cut. The keys are Kafka Connect's.
type DeliveryConfig struct {
	Support  Support
	Boundary string
	Interval time.Duration
	Bytes    int64
	Topic    string // of positions; "" is the worker's
}

// Support is a value of exactly.once.support.
type Support string

// What a connector can ask for.
const (
	Requested Support = "requested"
	Required  Support = "required"
)

func (c *DeliveryConfig) define(d *configs.Definition) {
	d.Group("Delivery")
	configs.Enum(d, &c.Support, "exactly.once.support", "How often a change may be in Kafka. Without it: `required` where the worker has `exactly.once.source.support: enabled`.", []configs.Choice{
		{Value: "requested", Doc: "at least once: after a crash the newest changes may come again."},
		{Value: "required", Doc: "exactly once, for consumers with `isolation.level=read_committed`: changes, positions and finished parts of snapshots are in one Kafka transaction (docs/DELIVERY.md)."}},
		configs.Default("requested"), configs.Rank(configs.High))
	configs.Enum(d, &c.Boundary, "transaction.boundary", "Where Kafka transactions end. Always between two transactions of the source, or two parts of a snapshot.", []configs.Choice{
		{Value: "interval", Doc: "once `transaction.boundary.interval.ms` or `transaction.boundary.bytes` has passed.", Aliases: []string{"poll"}},
		{Value: "connector", Refused: "a Kafka transaction a transaction of the source is not built", Instead: "transaction.boundary: interval, in which a transaction of the source is never cut"}},
		configs.Default("interval"), configs.Rank(configs.Low))
	d.Duration(&c.Interval, "transaction.boundary.interval.ms", "Time between the ends of two Kafka transactions at least, and while rows come without a pause at most. On a quiet source a row is committed at once. A first snapshot has at least a second.",
		configs.Default("100ms"), configs.Between("1ms", "10m"), configs.Rank(configs.Low))
	d.Bytes(&c.Bytes, "transaction.boundary.bytes", "Bytes of records after which a Kafka transaction ends sooner.",
		configs.Default("16MiB"), configs.Between("64KiB", "16GiB"), configs.Rank(configs.Low))
	d.String(&c.Topic, "offsets.storage.topic", "The connector's own topic of positions, instead of the worker's `offset.storage.topic`.", configs.Rank(configs.Low))
}

// IsExactlyOnce says how the connector delivers; enabled is the worker's choice for those that do not say.
func (c *DeliveryConfig) IsExactlyOnce(section *configs.Section, enabled bool) bool {
	if section.Has("exactly.once.support") {
		return c.Support == Required
	}
	return enabled
}

// CheckDelivery finds what no single key shows: an interval that the brokers' limit does not allow.
func (c *DeliveryConfig) CheckDelivery(where func(string) string, timeout time.Duration) fault.Findings {
	if c.Interval < timeout/2 {
		return nil
	}
	return fault.Findings{{Kind: fault.Configuration, Where: where("transaction.boundary.interval.ms"), Seen: fmt.Sprintf("%v, and transaction.timeout.ms is %v", c.Interval, timeout),
		Need: "less than half of transaction.timeout.ms, in which a transaction has to end", Fix: "transaction.boundary.interval.ms: 100"}}
}
