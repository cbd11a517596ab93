package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/rcrowley/go-metrics"
	"rdip/integration/testenv"
	"rdip/internal/fault"
	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/kafka/embedded"
	"rdip/sinks/sinktest"
)

func TestMain(m *testing.M) {
	metrics.UseNilMetrics = true // as cmd does
	testenv.Main(m)
}

func start(t *testing.T) *embedded.Broker {
	t.Helper()
	b, err := embedded.Start(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func open(t *testing.T, c kafka.Config, topics kafka.Creation, acks sinks.Acks) *kafka.Producer {
	t.Helper()
	p, err := kafka.New(c, topics, acks, func(f fault.Finding) { t.Logf("notice: %v", f) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(soon(t)) })
	return p
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func partitions(n int) kafka.Creation {
	c := kafka.NewCreation()
	c.Partitions = n
	return c
}

func TestTheProducerConforms(t *testing.T) {
	sinktest.Producer(t, func(t *testing.T) sinktest.Target {
		b := start(t)
		return sinktest.Target{Partitions: 3, Read: sinktest.ReadKafka(b.Addr()), Open: func(t *testing.T, acks sinks.Acks) sinks.Producer {
			return open(t, kafka.NewConfig(b.Addr()), partitions(3), acks)
		}}
	})
}
