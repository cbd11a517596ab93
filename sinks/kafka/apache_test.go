package kafka_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
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

func TestTransactionsGoThroughAKilledAndAStoppedBroker(t *testing.T) { // K1, K7
	c := testenv.Kafka(t, kafkaserver.Options{})
	config := transactional(testenv.Name("id"), c.Bootstrap())
	config.Timeout = 2 * time.Second
	l := sinktest.NewLedger()
	p := begin(t, config, l)
	topic := testenv.Name("outage")
	if _, err := p.Prepare(soon(t), topic); err != nil {
		t.Fatal(err)
	}
	sent := 0
	one := func() {
		var rs []sinks.Record
		for j := range 20 {
			rs = append(rs, sinks.Record{Topic: topic, Key: []byte("k"), Value: fmt.Appendf(nil, "%08d", sent*20+j)})
		}
		if err := p.Send(t.Context(), l.Batch(rs...)); err != nil {
			t.Fatal(err)
		}
		sent++
	}
	position := sinks.Record{Topic: config.Transactions.Positions.Name, Key: []byte("shop")}
	for _, away := range []func() error{
		func() error { return errors.Join(c.Kill(), c.Start(t.Context())) },
		func() error { return errors.Join(c.Stop(), c.Start(t.Context())) },
	} {
		back := make(chan error, 1)
		go func() { back <- away() }()
		for more := true; more; {
			one()
			position.Value = fmt.Append(nil, sent)
			ended := make(chan error, 1)
			if err := p.Commit(t.Context(), []sinks.Record{position}, func(err error) { ended <- err }); err != nil {
				t.Fatal(err)
			}
			one() // for the next transaction
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-back:
				if err != nil {
					t.Fatal(err)
				}
				more = false
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	mustCommit(t, p, position)
	mustHoldCommitted(t, c.Bootstrap(), topic, sent*20)
	if _, found, err := open(t, config, partitions(1), l.Ack).Positions(soon(t), func([]byte) bool { return true }); err != nil || len(found) != 1 || string(found[0].Value) != string(position.Value) {
		t.Errorf("found %v, %v; the last is %s", found, err, position.Value)
	}
}
