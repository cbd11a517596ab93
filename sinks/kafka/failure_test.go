package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"rdip/internal/fault"
	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/sinktest"
)

// await waits until ok, and fails the test after 30 s.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func TestAfterOneRecordFailedForGoodTheProducerTakesNothingMore(t *testing.T) { // K3
	b := start(t)
	l := sinktest.NewLedger()
	p := open(t, kafka.NewConfig(b.Addr()), partitions(2), l.Ack)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{1}, Err: kerr.PolicyViolation})
	sent := 0
	var refused error
	await(t, "a Send that is refused", func() bool {
		refused = p.Send(soon(t), l.Batch(sinks.Record{Topic: "t", Partition: 0, Value: []byte("good")}, sinks.Record{Topic: "t", Partition: 1, Value: []byte("bad")}))
		if refused == nil {
			sent++
		}
		return refused != nil
	})
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
	n, failures := l.Reported()
	if n != sent || len(failures) == 0 {
		t.Fatalf("%d of %d batches were reported, %d as failed", n, sent, len(failures))
	}
	if !fault.IsPermanent(refused) || !strings.Contains(refused.Error(), `"t"`) || !errors.Is(failures[0], refused) {
		t.Errorf("Send was refused with %v, the batch failed with %v", refused, failures[0])
	}
	if _, err := p.Prepare(soon(t), "other"); err == nil {
		t.Error("a producer that failed prepares topics")
	}
}

func TestARecordTooLargeIsRefusedWithItsSizeTheLimitAndTheFix(t *testing.T) { // K4
	b := start(t)
	l := sinktest.NewLedger()
	topics := partitions(1)
	topics.Settings = map[string]string{"max.message.bytes": "20000"}
	p := open(t, kafka.NewConfig(b.Addr()), topics, l.Ack)
	if _, err := p.Prepare(soon(t), "shop.public.notes"); err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 30_000)
	err := p.Send(soon(t), l.Batch(sinks.Record{Topic: "shop.public.notes", Key: []byte("secret-key"), Value: value}))
	if err == nil || !fault.IsPermanent(err) {
		t.Fatalf("it was taken, or may be tried again: %v", err)
	}
	for _, part := range []string{`topic "shop.public.notes"`, "30046 bytes", "limit is 19936", "key hash ", "--entity-name shop.public.notes --add-config max.message.bytes=30110"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message lacks %q: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "secret-key") {
		t.Errorf("the key is shown: %v", err)
	}
	if err := p.Send(soon(t), l.Batch(sinks.Record{Topic: "shop.public.notes", Value: value[:19_900]})); err != nil {
		t.Errorf("the largest record was refused: %v", err)
	}
	l.Await(t, 1)
}

func TestTopicsWithDifferentLimitsEachTakeWhatTheyMay(t *testing.T) { // K4
	b := start(t)
	for name, limit := range map[string]string{"small": "10000", "large": "3000000"} {
		if err := b.Cluster().CreateTopic(name, 1, map[string]string{"max.message.bytes": limit}); err != nil {
			t.Fatal(err)
		}
	}
	l := sinktest.NewLedger()
	p := open(t, kafka.NewConfig(b.Addr()), partitions(1), l.Ack)
	for _, name := range []string{"small", "large"} {
		if _, err := p.Prepare(soon(t), name); err != nil {
			t.Fatal(err)
		}
	}
	var rs []sinks.Record
	for range 50 { // together far more than a batch of "small" may be
		rs = append(rs, sinks.Record{Topic: "small", Value: make([]byte, 3000)}, sinks.Record{Topic: "large", Value: make([]byte, 200_000)})
	}
	rs = append(rs, sinks.Record{Topic: "large", Value: make([]byte, 2_900_000)})
	if err := p.Send(soon(t), l.Batch(rs...)); err != nil {
		t.Fatal(err)
	}
	l.Await(t, 1)
	if n := len(sinktest.ReadKafka(b.Addr())(t, "large", 0)); n != 51 {
		t.Errorf("%d records of 51 arrived in large", n)
	}
}

func TestANullKeyOnACompactedTopicIsFoundBeforeTheStartAndRefusedAfterIt(t *testing.T) { // K10
	b := start(t)
	if err := b.Cluster().CreateTopic("compacted", 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	l := sinktest.NewLedger()
	made := partitions(1)
	made.Settings = map[string]string{"cleanup.policy": "compact,delete"}
	p := open(t, kafka.NewConfig(b.Addr()), made, l.Ack)
	found := p.CheckKeyless(soon(t), []string{"compacted", "to.be.made"})
	if len(found) != 2 || found[0].Case != "K10" || found[0].Severity != fault.Fatal || !strings.Contains(found[1].Seen, "compact,delete") {
		t.Errorf("found %v", found)
	}
	if _, err := p.Prepare(soon(t), "compacted"); err != nil {
		t.Fatal(err)
	}
	err := p.Send(soon(t), l.Batch(sinks.Record{Topic: "compacted", Value: []byte("v")}))
	if !fault.IsPermanent(err) || !strings.Contains(fmt.Sprint(err), "cleanup.policy") {
		t.Errorf("a null key: %v", err)
	}
}

func TestPartitionsAddedUnderWayAreToldAndKeysStay(t *testing.T) { // K9
	b := start(t)
	var mu sync.Mutex
	var notices []fault.Finding
	c := kafka.NewConfig(b.Addr())
	c.MetadataAge = 100 * time.Millisecond
	p, err := kafka.New(c, partitions(2), sinktest.NewLedger().Ack, func(f fault.Finding) {
		mu.Lock()
		defer mu.Unlock()
		notices = append(notices, f)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(soon(t))
	before, err := p.Prepare(soon(t), "t")
	if err != nil {
		t.Fatal(err)
	}
	addPartitions(t, b.Addr(), "t", 5)
	await(t, "a notice", func() bool { mu.Lock(); defer mu.Unlock(); return len(notices) > 0 })
	time.Sleep(4 * c.MetadataAge)
	mu.Lock()
	defer mu.Unlock()
	if len(notices) != 1 || notices[0].Case != "K9" || !strings.Contains(notices[0].Seen, "5 partitions, and had 2") {
		t.Errorf("told %v", notices)
	}
	if again, err := p.Prepare(soon(t), "t"); err != nil || again.Partitions != before.Partitions {
		t.Errorf("prepared again it has %d partitions (%v): keys would move within one run", again.Partitions, err)
	}
}

func addPartitions(t *testing.T, address, topic string, n int32) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	q := kmsg.NewPtrCreatePartitionsRequest()
	of := kmsg.NewCreatePartitionsRequestTopic()
	of.Topic, of.Count = topic, n
	q.Topics = append(q.Topics, of)
	if _, err := q.RequestWith(soon(t), client); err != nil {
		t.Fatal(err)
	}
}

func TestATopicDeletedOrMadeAnewUnderWayStopsTheProducer(t *testing.T) { // K5, K11
	for name, c := range map[string]struct {
		again bool
		part  string
	}{"deleted": {false, "was deleted (its id was"}, "made anew": {true, "was deleted and made anew"}} {
		t.Run(name, func(t *testing.T) {
			b := start(t)
			l := sinktest.NewLedger()
			config := kafka.NewConfig(b.Addr())
			config.MetadataAge = 50 * time.Millisecond
			config.Timeout = time.Second
			p := open(t, config, partitions(1), l.Ack)
			if _, err := p.Prepare(soon(t), "t"); err != nil {
				t.Fatal(err)
			}
			if err := b.Cluster().DeleteTopic("t"); err != nil {
				t.Fatal(err)
			}
			if c.again {
				if err := b.Cluster().CreateTopic("t", 1, nil); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			await(t, "the producer stops", func() bool {
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				defer cancel()
				err = p.Send(ctx, l.Batch(sinks.Record{Topic: "t", Value: []byte("v")}))
				return err != nil
			})
			if !strings.Contains(err.Error(), c.part) || fault.KindOf(err) != fault.PositionLost {
				t.Errorf("stopped with %v", err)
			}
			if err := p.Close(soon(t)); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
}

func TestCloseEndsWithItsContextWhileTheBrokerIsAwayAndEverythingIsReported(t *testing.T) { // K1
	b := start(t)
	l := sinktest.NewLedger()
	c := kafka.NewConfig(b.Addr())
	c.Buffer = 64 << 10
	p := open(t, c, partitions(1), l.Ack)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	sent := 0
	var err error
	for err == nil { // until the buffer is full: then Send waits, and ends with its context
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		if err = p.Send(ctx, l.Batch(sinks.Record{Topic: "t", Value: make([]byte, 8<<10)})); err == nil {
			sent++
		}
		cancel()
	}
	if !errors.Is(err, context.DeadlineExceeded) || sent == 0 || p.Inflight() == 0 || p.Inflight() > c.Buffer {
		t.Fatalf("%d batches were taken, %d bytes are under way, then %v", sent, p.Inflight(), err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := p.Close(ctx); fault.KindOf(err) != fault.NotDrained {
		t.Errorf("close: %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("close took %v", took)
	}
	if n, failures := l.Reported(); n != sent || len(failures) != sent || p.Inflight() != 0 {
		t.Errorf("%d of %d batches were reported, %d as failed, %d bytes are under way", n, sent, len(failures), p.Inflight())
	}
}

func TestATopicThatMayNotBeWrittenAnyMoreStopsTheProducerAtOnceAndNamesThePrivilege(t *testing.T) { // K6
	b := start(t)
	l := sinktest.NewLedger()
	p := open(t, kafka.NewConfig(b.Addr()), partitions(1), l.Ack)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	if err := p.Send(soon(t), l.Batch(sinks.Record{Topic: "t", Value: []byte("v")})); err != nil {
		t.Fatal(err)
	}
	await(t, "the batch is reported", func() bool { n, _ := l.Reported(); return n == 1 })
	_, failures := l.Reported()
	if len(failures) != 1 || !fault.IsPermanent(failures[0]) || !strings.Contains(failures[0].Error(), "kafka-acls.sh") {
		t.Errorf("it failed with %v", failures)
	}
}

func TestSequenceNumbersThatABrokerDoesNotExpectEndTheRunNotTheConnector(t *testing.T) { // K3, K7
	b := start(t)
	l := sinktest.NewLedger()
	p := open(t, kafka.NewConfig(b.Addr()), partitions(1), l.Ack)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	stream(t, p, l, "t", 5, func(int) {})
	l.Await(t, 5)
	p.BeginAt("t", 0, 1000) // as if the broker had lost what is between
	if err := p.Send(soon(t), l.Batch(sinks.Record{Topic: "t", Value: []byte("v")})); err != nil {
		t.Fatal(err)
	}
	await(t, "the batch is reported", func() bool { n, _ := l.Reported(); return n == 6 })
	_, failures := l.Reported()
	if len(failures) != 1 || fault.IsPermanent(failures[0]) {
		t.Errorf("it failed with %v", failures)
	}
	if err := p.Send(soon(t), l.Batch(sinks.Record{Topic: "t", Value: []byte("v")})); err == nil {
		t.Error("it takes more")
	}
}
