package kafka_test

import (
	"testing"

	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/sinktest"
)

// transactional is the configuration of a producer that sends in transactions.
func transactional(id string, brokers ...string) kafka.Config {
	c := kafka.NewConfig(brokers...)
	c.Transactions.ID, c.Transactions.Required = id, true
	c.Transactions.Positions = kafka.PositionsTopic{Name: "positions-of-" + id, Partitions: 2}
	return c
}

func TestTheProducerConformsInTransactions(t *testing.T) {
	sinktest.Transactional(t, func(t *testing.T) sinktest.TransactionalTarget {
		b := start(t)
		return sinktest.TransactionalTarget{Partitions: 3, Committed: sinktest.ReadCommitted(b.Addr()),
			Open: func(t *testing.T, name string, acks sinks.Acks) sinks.TransactionalProducer {
				return open(t, transactional(name, b.Addr()), partitions(3), acks)
			}}
	})
}

func TestAProducerInTransactionsKeepsWhatEveryProducerPromises(t *testing.T) {
	sinktest.Producer(t, func(t *testing.T) sinktest.Target {
		b := start(t)
		return sinktest.Target{Partitions: 3, Read: sinktest.ReadKafka(b.Addr()), Open: func(t *testing.T, acks sinks.Acks) sinks.Producer {
			p := open(t, transactional("conforms", b.Addr()), partitions(3), acks)
			if _, _, err := p.Positions(soon(t), func([]byte) bool { return true }); err != nil {
				t.Fatal(err)
			}
			return p
		}}
	})
}
