package kafka_test

import (
	"testing"

	"rdip/integration/testenv"
	"rdip/sinks"
	"rdip/sinks/sinktest"
)

func TestTheProducerConformsInTransactionsOnApacheKafka(t *testing.T) {
	c := testenv.SharedKafka(t)
	sinktest.Transactional(t, func(*testing.T) sinktest.TransactionalTarget {
		return sinktest.TransactionalTarget{Partitions: 3, Committed: sinktest.ReadCommitted(c.Bootstrap()),
			Open: func(t *testing.T, name string, acks sinks.Acks) sinks.TransactionalProducer {
				return open(t, transactional(name, c.Bootstrap()), partitions(3), acks)
			}}
	})
}

func TestAProducerInTransactionsKeepsWhatEveryProducerPromisesOnApacheKafka(t *testing.T) {
	c := testenv.SharedKafka(t)
	sinktest.Producer(t, func(t *testing.T) sinktest.Target {
		return sinktest.Target{Partitions: 3, Read: sinktest.ReadKafka(c.Bootstrap()), Open: func(t *testing.T, acks sinks.Acks) sinks.Producer {
			p := open(t, transactional(testenv.Name("id"), c.Bootstrap()), partitions(3), acks)
			if _, _, err := p.Positions(soon(t), func([]byte) bool { return true }); err != nil {
				t.Fatal(err)
			}
			return p
		}}
	})
}
