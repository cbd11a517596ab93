package kafkaserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// readWithin bounds one reading of a topic, brokers that do not answer included.
const readWithin = 2 * time.Minute

// decidedWithin is how long a reading waits for transactions that are under way when it begins: a transaction's end is
// answered before its markers lie in the partitions. One that hangs for longer is not read.
const decidedWithin = 3 * time.Second

// Isolation levels (KIP-98): to a reader of committed records a partition ends before the first transaction that is
// not decided, to others behind its last record.
const (
	readUncommitted int8 = iota
	readCommitted
)

// Record is one record as it lies in a topic. Key and Value are nil, not empty, when Kafka has null.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Time      time.Time
	Key       []byte
	Value     []byte
	Headers   []sarama.RecordHeader
}

// Read is every committed record of a topic up to its present end, partition by partition, each in offset order.
func (c *Cluster) Read(ctx context.Context, topic string) ([]Record, error) {
	var partitions [][]Record
	err := c.Each(ctx, topic, func(r Record) error {
		for int(r.Partition) >= len(partitions) {
			partitions = append(partitions, nil)
		}
		partitions[r.Partition] = append(partitions[r.Partition], r)
		return nil
	})
	return slices.Concat(partitions...), err
}

// Each gives every committed record of a topic up to its present end, as a consumer with isolation.level=read_committed
// gets them: what a transaction that is still open holds is behind that end. Records of one partition come in
// offset order, those of several mixed. It reads with franz-go, which is not what rdip writes with.
func (c *Cluster) Each(ctx context.Context, topic string, fn func(Record) error) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.addresses()...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer client.Close()
	ends, err := stableEnds(ctx, client, topic)
	for ; errors.Is(err, kerr.LeaderNotAvailable) && ctx.Err() == nil; ends, err = stableEnds(ctx, client, topic) {
		time.Sleep(20 * time.Millisecond) // a broker that has just started has not taken the lead yet
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", topic, err)
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: beginnings(ends)})
	for len(ends) > 0 {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read %s: %d partitions are not read to their ends: %w", topic, len(ends), err)
		}
		if err := take(fetches, ends, fn); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
	}
	return nil
}

// take hands over what lies before the ends, and forgets the partitions that came to theirs.
func take(fetches kgo.Fetches, ends map[int32]int64, fn func(Record) error) error {
	var failed error
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if p.Err != nil && !kerr.IsRetriable(p.Err) {
			failed = errors.Join(failed, p.Err)
		}
		for _, r := range p.Records {
			end, wanted := ends[r.Partition]
			if !wanted {
				return
			}
			if r.Offset < end && !r.Attrs.IsControl() && failed == nil {
				failed = fn(newRecord(r))
			}
			if r.Offset+1 >= end {
				delete(ends, r.Partition)
			}
		}
	})
	return failed
}

// stableEnds are the offsets behind the last record that is decided, of each partition that has any.
func stableEnds(ctx context.Context, client *kgo.Client, topic string) (map[int32]int64, error) {
	partitions, err := partitionsOf(ctx, client, topic)
	if err != nil {
		return nil, err
	}
	list := func(at int64, isolation int8) map[int32]int64 {
		var offsets map[int32]int64
		if err == nil {
			offsets, err = listOffsets(ctx, client, topic, partitions, at, isolation)
		}
		return offsets
	}
	first, written := list(-2, readUncommitted), list(-1, readUncommitted)
	ends := list(-1, readCommitted)
	for deadline := time.Now().Add(decidedWithin); err == nil && behind(ends, written) && time.Now().Before(deadline); ends = list(-1, readCommitted) {
		time.Sleep(20 * time.Millisecond)
	}
	maps.DeleteFunc(ends, func(p int32, end int64) bool { return end <= first[p] })
	return ends, err
}

func behind(ends, written map[int32]int64) bool {
	for p, end := range written {
		if ends[p] < end {
			return true
		}
	}
	return false
}

func partitionsOf(ctx context.Context, client *kgo.Client, topic string) ([]int32, error) {
	req := kmsg.NewMetadataRequest()
	req.AllowAutoTopicCreation = false
	one := kmsg.NewMetadataRequestTopic()
	one.Topic = &topic
	req.Topics = append(req.Topics, one)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	var out []int32
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return nil, err
		}
		for _, p := range t.Partitions {
			out = append(out, p.Partition)
		}
	}
	return out, nil
}

// listOffsets asks for the offsets at a timestamp, of which -1 is the end and -2 the beginning.
func listOffsets(ctx context.Context, client *kgo.Client, topic string, partitions []int32, at int64, isolation int8) (map[int32]int64, error) {
	req := kmsg.NewListOffsetsRequest()
	req.IsolationLevel = isolation
	one := kmsg.NewListOffsetsRequestTopic()
	one.Topic = topic
	for _, number := range partitions {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = number, at
		one.Partitions = append(one.Partitions, p)
	}
	req.Topics = append(req.Topics, one)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	out := map[int32]int64{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("partition %d: %w", p.Partition, err)
			}
			out[p.Partition] = p.Offset
		}
	}
	return out, nil
}

func beginnings(ends map[int32]int64) map[int32]kgo.Offset {
	out := map[int32]kgo.Offset{}
	for p := range ends {
		out[p] = kgo.NewOffset().AtStart()
	}
	return out
}

func newRecord(r *kgo.Record) Record {
	out := Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: r.Timestamp, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	return out
}
