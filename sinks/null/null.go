// Package null is a producer that takes everything at once and keeps nothing: the far end of a benchmark of
// what comes before Kafka. It delivers nothing and is never offered to a user.
package null

import (
	"context"
	"errors"
	"sync/atomic"

	"rdip/internal/fault"
	"rdip/sinks"
)

// Producer reports each batch as acknowledged before Send returns, from Send's goroutine. All methods are
// safe for concurrent use.
type Producer struct {
	acks       sinks.Acks
	partitions int32
	records    atomic.Int64
	bytes      atomic.Int64
	closed     atomic.Bool
}

var _ sinks.Producer = (*Producer)(nil)

// New makes a producer whose topics all exist, with that many partitions.
func New(partitions int32, acks sinks.Acks) *Producer {
	return &Producer{acks: acks, partitions: partitions}
}

// Check finds nothing.
func (p *Producer) Check(context.Context, []string) []fault.Finding { return nil }

// Prepare gives a topic whose id is its name; every key goes to partition 0.
func (p *Producer) Prepare(_ context.Context, topic string) (sinks.Topic, error) {
	return sinks.Topic{Name: topic, ID: topic, Partitions: p.partitions, Partition: func([]byte) int32 { return 0 }}, nil
}

// Send counts the batch and reports it.
func (p *Producer) Send(ctx context.Context, b *sinks.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.closed.Load() {
		return &fault.Error{Op: "send", Cause: errors.New("the producer is closed")}
	}
	n := 0
	for i := range b.Records {
		n += len(b.Records[i].Key) + len(b.Records[i].Value)
	}
	p.records.Add(int64(len(b.Records)))
	p.bytes.Add(int64(n))
	p.acks(b, nil)
	return nil
}

// Identity is a name that no cluster has.
func (p *Producer) Identity(context.Context) (string, error) { return "null", nil }

// Close refuses what comes after it.
func (p *Producer) Close(context.Context) error {
	p.closed.Store(true)
	return nil
}

// Records is how many were taken.
func (p *Producer) Records() int64 { return p.records.Load() }

// Bytes is the size of their keys and values.
func (p *Producer) Bytes() int64 { return p.bytes.Load() }
