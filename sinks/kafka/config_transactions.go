package kafka

import (
	"cmp"
	"fmt"
	"time"

	"rdip/configs"
)

// Transactions is what a producer is known by, and whether it sends in transactions.
type Transactions struct {
	// ID is the transactional id. With one, a new producer fences every earlier one of the same id: late batches
	// of theirs are refused (K12). Without one each producer has an id of its own.
	ID string
	// Required has the producer send in transactions (exactly.once.support: required): it takes an ID, and
	// Positions is asked before the first Prepare.
	Required bool
	// Timeout is how long a transaction may be open before the brokers abort it. Only with Required.
	Timeout time.Duration
	// Positions is the topic of positions. Only with Required.
	Positions PositionsTopic
}

// PositionsTopic is the compacted topic of positions, and how it is made where it does not exist.
type PositionsTopic struct {
	Name        string
	Partitions  int // of a new topic; 0: 1
	Replication int // of a new topic; 0 and -1: the broker's default.replication.factor
}

func (c *Config) transactions(d *configs.Definition) {
	d.Group("Transactions")
	d.String(&c.Transactions.ID, "transactional.id", "What the brokers know a connector's producer by, in both modes of delivery: a new producer of the same id fences the earlier one, so that nothing that a killed process left on its way comes behind what the next one writes. Without it: `rdip-CONNECTOR-PREFIX`. No two connectors may share it.",
		configs.Check(transactionalID), configs.Rank(configs.Low))
	d.Duration(&c.Transactions.Timeout, "transaction.timeout.ms", "With `exactly.once.support: required`: how long a Kafka transaction may be open before the brokers abort it. It bounds how long one transaction of the source may take to be sent. At most the brokers' `transaction.max.timeout.ms`, 15 minutes as they come.",
		configs.Default("15m"), configs.Between("1s", "24h"), configs.Rank(configs.Low))
}

// maxTransactionalID is what a string of Kafka's protocol holds, in bytes.
const maxTransactionalID = 32767

func transactionalID(s string) error {
	if len(s) > maxTransactionalID {
		return fmt.Errorf("at most %d bytes", maxTransactionalID)
	}
	return nil
}

// creation is how the topic of positions is made: compacted, whatever other topics are, and where nothing is said with
// as many replicas as they have, since no transaction is committed while it is away.
func (t *PositionsTopic) creation(others *Creation) *Creation {
	c := &Creation{Enable: true, Partitions: max(t.Partitions, 1), Replication: t.Replication, ReplicationKey: "offset.storage.replication.factor", Settings: map[string]string{"cleanup.policy": "compact"}}
	if c.Replication > 0 {
		return c
	}
	c.Replication = cmp.Or(others.Replication, -1)
	if inSync, ok := others.Settings["min.insync.replicas"]; ok {
		c.Settings["min.insync.replicas"] = inSync
	}
	return c
}
