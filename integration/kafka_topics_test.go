package integration

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"rdip/integration/testenv"
	"rdip/integration/testenv/foreign"
	"rdip/integration/testenv/kafkaserver"
	"rdip/internal/fault"
	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/kafka/embedded"
	"rdip/sinks/sinktest"
)

func kafkaAdmin(t *testing.T, c *kafkaserver.Cluster) sarama.ClusterAdmin {
	t.Helper()
	admin, err := sarama.NewClusterAdmin([]string{c.Bootstrap()}, kafkaserver.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	return admin
}

func within30s(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func TestPartitionsAddedToAKafkaTopicUnderWayAreTold(t *testing.T) { // K9
	c := testenv.SharedKafka(t)
	config := kafka.NewConfig(c.Bootstrap())
	config.MetadataAge = time.Second
	var mu sync.Mutex
	var told []string
	p, err := kafka.New(config, kafkaTopics(2), sinktest.NewLedger().Ack, func(f fault.Finding) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, f.Case+" "+f.Seen)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(context.Background())
	topic, err := p.Prepare(t.Context(), testenv.Name("grows"))
	if err != nil {
		t.Fatal(err)
	}
	if err := kafkaAdmin(t, c).CreatePartitions(topic.Name, 5, nil, false); err != nil {
		t.Fatal(err)
	}
	within30s(t, "a notice of K9", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(told) == 1 && strings.HasPrefix(told[0], "K9 it has 5 partitions, and had 2")
	})
}

func TestAKafkaTopicDeletedUnderWayStopsTheProducer(t *testing.T) { // K5, K11
	c := testenv.SharedKafka(t)
	config := kafka.NewConfig(c.Bootstrap())
	config.MetadataAge, config.Timeout = time.Second, 2*time.Second
	s := openKafkaSink(t, config, kafkaTopics(1))
	topic := s.prepare(t, testenv.Name("deleted")).Name
	s.number(t, topic, 1)
	s.ledger.Await(t, 1)
	if err := kafkaAdmin(t, c).DeleteTopic(topic); err != nil {
		t.Fatal(err)
	}
	var err error
	within30s(t, "the producer stops", func() bool {
		err = s.Send(t.Context(), s.ledger.Batch(sinks.Record{Topic: topic, Value: []byte("v")}))
		return err != nil
	})
	if fault.KindOf(err) != fault.PositionLost || !strings.Contains(err.Error(), topic) {
		t.Errorf("it stopped with %v", err)
	}
}

func TestForeignClientsReadTheEmbeddedBroker(t *testing.T) {
	b, err := embedded.Start(embedded.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	config := kafka.NewConfig(b.Addr())
	config.Compression = kafka.Zstd
	s := openKafkaSink(t, config, kafkaTopics(1))
	topic := s.prepare(t, "shop.public.orders").Name
	s.number(t, topic, 5)
	s.ledger.Await(t, 5)
	if got := testenv.KcatSizes(t, b.Addr(), topic); len(got) != 100 {
		t.Errorf("kcat read %d records of 100", len(got))
	}
	if got := testenv.Consume(t, foreign.Request{Bootstrap: b.Addr(), Topics: []string{topic}, Format: foreign.Raw}); len(got) != 100 {
		t.Errorf("Confluent's client read %d records of 100", len(got))
	}
}
