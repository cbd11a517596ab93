package main

import (
	"cmp"
	"fmt"

	"rdip/configs"
	"rdip/connect/rest"
	"rdip/connect/source"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers/postgres"
	"rdip/sinks/kafka"
)

// checkDelivery finds out how a connector delivers, and what does not go with that.
func (s *settings) checkDelivery(c *connectorSettings, section *configs.Section) fault.Findings {
	d := &c.source.Delivery
	if c.once = d.IsExactlyOnce(section, s.worker.Positions.Support == configs.SupportEnabled); !c.once {
		return nil
	}
	c.positions = cmp.Or(d.Topic, s.worker.Positions.Topic)
	if s.worker.Embedded {
		return fault.Findings{{Kind: fault.Configuration, Where: section.Where("exactly.once.support"), Seen: "exactly once, and embedded is true",
			Need: "a Kafka cluster: the embedded broker is not durable, and outside the delivery guarantees", Fix: "exactly.once.support: requested, or bootstrap.servers in place of embedded"}}
	}
	return d.CheckDelivery(section.Where, s.kafka.Transactions.Timeout)
}

// exactlyOnce is how a connector cuts Kafka transactions; nil where it delivers at least once.
func (s *settings) exactlyOnce(c *connectorSettings) *source.ExactlyOnce {
	if !c.once {
		return nil
	}
	d := &c.source.Delivery
	return &source.ExactlyOnce{Interval: d.Interval, Bytes: d.Bytes, Timeout: s.kafka.Transactions.Timeout, Form: postgres.ConnectOffsets{}}
}

// kafkaOf is the Kafka client's configuration for one connector. Its producer has a name in both modes of delivery, so
// that what a killed process left on its way is refused (K12).
func (s *settings) kafkaOf(c *connectorSettings) kafka.Config {
	k, p := s.kafka, &s.worker.Positions
	k.Transactions.ID = cmp.Or(k.Transactions.ID, "rdip-"+c.name+"-"+c.source.Prefix)
	k.Transactions.Required = c.once
	if c.once {
		k.Transactions.Positions = kafka.PositionsTopic{Name: c.positions, Partitions: p.Partitions, Replication: p.Replication}
	}
	return k
}

// sharedName refuses one transactional id for several connectors: each would fence the others.
func (s *settings) sharedName() fault.Findings {
	if s.kafka.Transactions.ID == "" || len(s.connectors) < 2 {
		return nil
	}
	return fault.Findings{{Kind: fault.Configuration, Where: s.file.Worker.Where("transactional.id"), Seen: fmt.Sprintf("%q for %d connectors", s.kafka.Transactions.ID, len(s.connectors)),
		Need: "a transactional id for each: of two producers with one, the brokers refuse the first", Fix: "remove transactional.id; each connector then has rdip-CONNECTOR-PREFIX", Case: "D7"}}
}

// deliveryOf is how a connector last delivered, and who knows its position then, for people.
func deliveryOf(r *offsets.Record) string {
	switch {
	case r.ByHand:
		return "set by hand"
	case r.ExactlyOnce:
		return "exactly once (a copy)"
	default:
		return "at least once"
	}
}

// deliveryLine is how a running connector delivers, for people.
func deliveryLine(d *rest.Details) string {
	if d.Positions == "" {
		return d.Delivery
	}
	return fmt.Sprintf("%s; positions in topic %s; %d Kafka transactions, committed in %.4gms (p50)", d.Delivery, d.Positions, d.Transactions, d.CommitP50ms)
}
