// Package sinktest is the conformance suite that every sinks.Producer passes: order, one report a batch,
// borrowed bytes, what a record may hold, and how Send and Close end. A producer's own tests call Producer with
// a Target, on a real broker or the embedded one.
package sinktest

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"rdip/sinks"
)

// patience is how long anything may take before a test calls it lost.
const patience = 60 * time.Second

// Target is one producer under test and what it writes to.
type Target struct {
	// Open makes a producer whose topics get Partitions partitions; the suite closes it.
	Open func(t *testing.T, acks sinks.Acks) sinks.Producer
	// Partitions is how many partitions Prepare gives a new topic: at least 2.
	Partitions int32
	// Read is everything that is in a partition, in order, by a consumer that is not the producer's.
	Read func(t *testing.T, topic string, partition int32) []sinks.Record
}

// ReadKafka is a Target.Read for a broker, by franz-go's consumer. It reads what is not committed as well.
func ReadKafka(address string, options ...kgo.Opt) func(*testing.T, string, int32) []sinks.Record {
	return readKafka(address, readUncommitted, options)
}

// ReadCommitted is a TransactionalTarget.Committed for a broker: up to the first transaction that is open.
func ReadCommitted(address string) func(*testing.T, string, int32) []sinks.Record {
	return readKafka(address, readCommitted, []kgo.Opt{kgo.FetchIsolationLevel(kgo.ReadCommitted())})
}

// Isolation levels of Kafka's protocol.
const (
	readUncommitted int8 = 0
	readCommitted   int8 = 1
)

func readKafka(address string, isolation int8, options []kgo.Opt) func(*testing.T, string, int32) []sinks.Record {
	return func(t *testing.T, topic string, partition int32) []sinks.Record {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		at := map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(0)}}
		client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(address), kgo.ConsumePartitions(at), kgo.KeepControlRecords()}, options...)...)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		end := endOffset(ctx, t, client, isolation, topic, partition)
		var records []sinks.Record
		for next := int64(0); next < end; {
			fetches := client.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				t.Fatalf("read %s/%d at %d of %d: %v", topic, partition, next, end, err)
			}
			fetches.EachRecord(func(r *kgo.Record) {
				if !r.Attrs.IsControl() { // a transaction's marker
					records = append(records, fromKafka(r))
				}
				next = r.Offset + 1
			})
		}
		return records
	}
}

func fromKafka(r *kgo.Record) sinks.Record {
	out := sinks.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Micros: r.Timestamp.UnixMicro()}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, sinks.Header{Key: h.Key, Value: h.Value})
	}
	return out
}

func endOffset(ctx context.Context, t *testing.T, client *kgo.Client, isolation int8, topic string, partition int32) int64 {
	t.Helper()
	q := kmsg.NewPtrListOffsetsRequest()
	q.ReplicaID, q.IsolationLevel = -1, isolation
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = partition, -1 // -1: the end
	of := kmsg.NewListOffsetsRequestTopic()
	of.Topic, of.Partitions = topic, append(of.Partitions, p)
	q.Topics = append(q.Topics, of)
	answer, err := q.RequestWith(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	a := answer.Topics[0].Partitions[0]
	if a.ErrorCode != 0 {
		t.Fatalf("the end of %s/%d: Kafka's error %d", topic, partition, a.ErrorCode)
	}
	return a.Offset
}
