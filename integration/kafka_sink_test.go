package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rdip/configs"
	"rdip/integration/testenv"
	"rdip/integration/testenv/foreign"
	"rdip/integration/testenv/kafkaserver"
	"rdip/internal/fault"
	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/sinktest"
)

// kafkaSink is a producer on a real cluster, and the ledger of what it reports.
type kafkaSink struct {
	*kafka.Producer
	ledger *sinktest.Ledger
	sent   int
}

func openKafkaSink(t *testing.T, c kafka.Config, topics kafka.Creation) *kafkaSink {
	t.Helper()
	s := &kafkaSink{ledger: sinktest.NewLedger()}
	var err error
	s.Producer, err = kafka.New(c, topics, s.ledger.Ack, func(f fault.Finding) { t.Logf("notice: %v", f) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_ = s.Close(ctx)
	})
	return s
}

func kafkaTopics(partitions int) kafka.Creation {
	c := kafka.NewCreation()
	c.Partitions = partitions
	return c
}

func (s *kafkaSink) prepare(t *testing.T, topic string) sinks.Topic {
	t.Helper()
	found, err := s.Prepare(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// number sends n batches of 20 records to partition 0, numbered on from the last.
func (s *kafkaSink) number(t *testing.T, topic string, n int) {
	t.Helper()
	for range n {
		var rs []sinks.Record
		for j := range 20 {
			rs = append(rs, sinks.Record{Topic: topic, Key: []byte("k"), Value: fmt.Appendf(nil, "%08d", s.sent*20+j), Micros: time.Now().UnixMicro()})
		}
		if err := s.Send(t.Context(), s.ledger.Batch(rs...)); err != nil {
			t.Fatal(err)
		}
		s.sent++
	}
}

// mustHoldAll waits for every report and checks that the topic holds every number once, in order.
func (s *kafkaSink) mustHoldAll(t *testing.T, c *kafkaserver.Cluster, topic string) {
	t.Helper()
	s.ledger.Await(t, s.sent)
	got, err := c.Read(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range got {
		if want := fmt.Sprintf("%08d", i); string(r.Value) != want {
			t.Fatalf("record %d is %s, not %s", i, r.Value, want)
		}
	}
	if len(got) != s.sent*20 {
		t.Fatalf("%d records arrived of %d", len(got), s.sent*20)
	}
}

func TestTheKafkaProducerConformsOnApacheKafka(t *testing.T) {
	c := testenv.SharedKafka(t)
	sinktest.Producer(t, func(t *testing.T) sinktest.Target {
		return sinktest.Target{Partitions: 3, Read: sinktest.ReadKafka(c.Bootstrap()), Open: func(t *testing.T, acks sinks.Acks) sinks.Producer {
			p, err := kafka.New(kafka.NewConfig(c.Bootstrap()), kafkaTopics(3), acks, nil)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}}
	})
}

func TestNothingIsLostOrReorderedWhileApacheKafkaIsFrozenKilledAndBack(t *testing.T) { // K1
	c := testenv.Kafka(t, kafkaserver.Options{})
	config := kafka.NewConfig(c.Bootstrap())
	config.Timeout = 2 * time.Second // so that a frozen broker is called dead within the test
	s := openKafkaSink(t, config, kafkaTopics(1))
	topic := s.prepare(t, testenv.Name("outage")).Name
	s.number(t, topic, 50)
	for what, away := range map[string]func() error{
		"frozen past the timeout": func() error { return errors.Join(c.Pause(), wait(9*time.Second), c.Resume()) },
		"killed":                  func() error { return errors.Join(c.Kill(), wait(3*time.Second), c.Start(t.Context())) },
		"stopped":                 func() error { return errors.Join(c.Stop(), c.Start(t.Context())) },
	} {
		done := make(chan error, 1)
		go func() { done <- away() }()
		for ended := false; !ended; {
			s.number(t, topic, 1)
			select {
			case err := <-done:
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				ended = true
			case <-time.After(20 * time.Millisecond):
			}
		}
		s.number(t, topic, 20)
	}
	s.mustHoldAll(t, c, topic)
}

func wait(d time.Duration) error { time.Sleep(d); return nil }

func TestOrderHoldsWhenTheLeaderDies(t *testing.T) { // K2
	c := testenv.Kafka(t, kafkaserver.Options{Brokers: 3})
	config := kafka.NewConfig(strings.Split(c.Bootstrap(), ",")...)
	config.Timeout = 3 * time.Second
	topics := kafkaTopics(1)
	topics.Replication = 3
	topics.Settings = map[string]string{"min.insync.replicas": "2"}
	s := openKafkaSink(t, config, topics)
	topic := s.prepare(t, testenv.Name("leader")).Name
	for _, b := range c.Brokers {
		s.number(t, topic, 30)
		if err := b.Kill(); err != nil {
			t.Fatal(err)
		}
		s.number(t, topic, 30)
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.mustHoldAll(t, c, topic)
}

func TestApacheKafkaTakesTheLargestRecordAndOneMoreByteIsRefusedHere(t *testing.T) { // K4
	c := testenv.SharedKafka(t)
	topic := testenv.Name("large")
	if err := c.CreateTopic(topic, 1, map[string]string{"max.message.bytes": "50000"}); err != nil {
		t.Fatal(err)
	}
	s := openKafkaSink(t, kafka.NewConfig(c.Bootstrap()), kafkaTopics(1))
	s.prepare(t, topic)
	const largest = 50_000 - 64 - 36 - 1 // batch and record overhead, and the key
	if err := s.Send(t.Context(), s.ledger.Batch(sinks.Record{Topic: topic, Key: []byte("k"), Value: make([]byte, largest)})); err != nil {
		t.Fatal(err)
	}
	s.ledger.Await(t, 1)
	err := s.Send(t.Context(), s.ledger.Batch(sinks.Record{Topic: topic, Key: []byte("k"), Value: make([]byte, largest+1)}))
	if !fault.IsPermanent(err) || !strings.Contains(err.Error(), "max.message.bytes=") {
		t.Errorf("one byte more: %v", err)
	}
}

func TestAMissingTopicIsNamedOrMadeAsConfigured(t *testing.T) { // K5
	c := testenv.SharedKafka(t)
	topic := testenv.Name("made")
	never := kafka.NewCreation()
	never.Enable = false
	s := openKafkaSink(t, kafka.NewConfig(c.Bootstrap()), never)
	_, err := s.Prepare(t.Context(), topic)
	if !fault.IsPermanent(err) || !strings.Contains(err.Error(), "kafka-topics.sh") || !strings.Contains(err.Error(), topic) {
		t.Errorf("not allowed to make it: %v", err)
	}
	if found := s.Check(t.Context(), []string{topic}); len(found) != 1 || found[0].Case != "K5" {
		t.Errorf("found %v", found)
	}
	made := kafkaTopics(4)
	made.Settings = map[string]string{"cleanup.policy": "compact", "retention.ms": "-1"}
	s = openKafkaSink(t, kafka.NewConfig(c.Bootstrap()), made)
	if found := s.Check(t.Context(), []string{topic}); len(found) != 1 || found[0].Severity != fault.Notice {
		t.Errorf("found %v", found)
	}
	if _, _, exists, _ := c.Topic(topic); exists {
		t.Error("the check made the topic")
	}
	s.prepare(t, topic)
	n, settings, _, err := c.Topic(topic)
	if err != nil || n != 4 || settings["cleanup.policy"] != "compact" || settings["retention.ms"] != "-1" {
		t.Errorf("made with %d partitions and %v, %v", n, settings, err)
	}
	if found := s.CheckKeyless(t.Context(), []string{topic}); len(found) != 1 || found[0].Case != "K10" {
		t.Errorf("found %v", found) // K10
	}
	bad := kafkaTopics(1)
	bad.Settings = map[string]string{"cleanup.policy": "shrink"}
	s = openKafkaSink(t, kafka.NewConfig(c.Bootstrap()), bad)
	if _, err := s.Prepare(t.Context(), testenv.Name("bad")); !fault.IsPermanent(err) || !strings.Contains(err.Error(), "cleanup.policy") {
		t.Errorf("a setting that Kafka refuses: %v", err)
	}
}

func TestTheClusterAndTheTopicHaveIdsThatChangeWhenTheyAreMadeAnew(t *testing.T) { // K11
	c := testenv.SharedKafka(t)
	s := openKafkaSink(t, kafka.NewConfig(c.Bootstrap()), kafkaTopics(1))
	a, b := s.prepare(t, testenv.Name("a")), s.prepare(t, testenv.Name("b"))
	again := s.prepare(t, a.Name)
	if a.ID == "" || a.ID == b.ID || a.ID != again.ID {
		t.Errorf("ids %q, %q, and %q again", a.ID, b.ID, again.ID)
	}
	if id, err := s.Identity(t.Context()); err != nil || len(id) < 20 {
		t.Errorf("the cluster's id is %q, %v", id, err)
	}
}

func TestEveryCodecIsReadByAConsumerThatIsNotOurs(t *testing.T) {
	c := testenv.SharedKafka(t)
	for _, codec := range []kafka.Compression{kafka.None, kafka.Gzip, kafka.Snappy, kafka.LZ4, kafka.Zstd} {
		t.Run(string(codec), func(t *testing.T) {
			config := kafka.NewConfig(c.Bootstrap())
			config.Compression = codec
			s := openKafkaSink(t, config, kafkaTopics(1))
			topic := s.prepare(t, testenv.Name("codec")).Name
			s.number(t, topic, 10)
			s.ledger.Await(t, 10)
			got := testenv.Consume(t, foreign.Request{Bootstrap: c.Bootstrap(), Topics: []string{topic}, Format: foreign.Raw})
			if len(got) != 200 {
				t.Errorf("%d records of 200 were read", len(got))
			}
		})
	}
}

func TestMissingPrivilegesAreNamedWithTheCommandThatGrantsThem(t *testing.T) { // K6
	c := testenv.Kafka(t, kafkaserver.Options{Users: map[string]string{"rdip": "pw"}, ACLs: true})
	if err := c.CreateTopic("there", 1, nil); err != nil {
		t.Fatal(err)
	}
	config := kafka.NewConfig(c.SASLBootstrap())
	config.Mechanism, config.User, config.Password = kafka.ScramSHA512, "rdip", configs.NewSecret("pw")
	s := openKafkaSink(t, config, kafkaTopics(1))
	for _, topic := range []string{"there", "not.there"} {
		_, err := s.Prepare(t.Context(), topic)
		if !fault.IsPermanent(err) || !strings.Contains(err.Error(), "--add --allow-principal User:rdip --operation") || !strings.Contains(err.Error(), "--topic "+topic) {
			t.Errorf("%s: %v", topic, err)
		}
	}
	found := s.Check(t.Context(), []string{"there", "not.there"})
	denied := 0
	for _, f := range found {
		if f.Case == "K6" && f.Severity == fault.Fatal && strings.Contains(f.Fix, "User:rdip") {
			denied++
		}
	}
	if denied != 2 {
		t.Errorf("found %v", found)
	}
}

func TestEachMechanismLetsInTheRightPasswordAndNamesTheWrongOneWithoutShowingIt(t *testing.T) {
	c := testenv.Kafka(t, kafkaserver.Options{Users: map[string]string{"rdip": "right-pw"}, TLS: true})
	for _, mechanism := range []kafka.Mechanism{kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512} {
		for _, withTLS := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s tls=%v", mechanism, withTLS), func(t *testing.T) {
				config := kafka.NewConfig(c.SASLBootstrap())
				if withTLS {
					config = kafka.NewConfig(c.SASLTLSBootstrap())
					config.Protocol, config.CAFile = kafka.SASLSSL, c.CAFile()
				}
				config.Mechanism, config.User, config.Password = mechanism, "rdip", configs.NewSecret("right-pw")
				s := openKafkaSink(t, config, kafkaTopics(1))
				topic := s.prepare(t, testenv.Name("sasl")).Name
				s.number(t, topic, 3)
				s.mustHoldAll(t, c, topic)

				config.Password = configs.NewSecret("wrong-pw")
				s = openKafkaSink(t, config, kafkaTopics(1))
				_, err := s.Prepare(t.Context(), topic)
				if !fault.IsPermanent(err) || !strings.Contains(err.Error(), `"rdip"`) || !strings.Contains(err.Error(), "sasl.password") || strings.Contains(err.Error(), "-pw") {
					t.Errorf("a wrong password: %v", err)
				}
			})
		}
	}
}

func TestTLSIsVerifiedInFull(t *testing.T) {
	c := testenv.Kafka(t, kafkaserver.Options{ClientCerts: true})
	pair, err := c.ClientCert("rdip")
	if err != nil {
		t.Fatal(err)
	}
	good := kafka.NewConfig(c.TLSBootstrap())
	good.Protocol, good.CAFile, good.CertFile, good.KeyFile = kafka.SSL, c.CAFile(), pair.CertFile, pair.KeyFile
	s := openKafkaSink(t, good, kafkaTopics(1))
	topic := s.prepare(t, testenv.Name("tls")).Name
	s.number(t, topic, 3)
	s.mustHoldAll(t, c, topic)

	unknown := good
	unknown.CAFile = ""
	_, err = openKafkaSink(t, unknown, kafkaTopics(1)).Prepare(t.Context(), topic)
	if !fault.IsPermanent(err) || !strings.Contains(err.Error(), "ssl.ca.location") {
		t.Errorf("an authority that is not known: %v", err)
	}
	anonymous := good
	anonymous.CertFile, anonymous.KeyFile = "", ""
	if _, err = openKafkaSink(t, anonymous, kafkaTopics(1)).Prepare(t.Context(), topic); err == nil {
		t.Error("a client without a certificate was let in")
	}
	skipped := unknown
	skipped.Verify = false
	openKafkaSink(t, skipped, kafkaTopics(1)).prepare(t, topic)
	if found := skipped.Check(nil); len(found) != 1 || found[0].Severity != fault.Warning {
		t.Errorf("skipping verification is not told: %v", found)
	}
}
