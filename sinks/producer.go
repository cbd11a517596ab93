// Package sinks holds the contracts of where events go: a Producer appends records to topics, in order,
// and says when each batch is safe.
package sinks

import (
	"context"

	"rdip/internal/fault"
	"rdip/offsets"
)

// Producer appends batches to topics. Send and Prepare may be called by several goroutines at once; the
// records of one Send call, and of calls that follow each other on one goroutine, keep their order within a
// partition, across retries too.
type Producer interface {
	// Check reports every finding about the cluster and the topics, and changes nothing.
	Check(ctx context.Context, topics []string) []fault.Finding
	// Prepare makes the topic, or verifies it, and says how many partitions it has. It is asked once a
	// topic, before its first record.
	Prepare(ctx context.Context, topic string) (Topic, error)
	// Send takes the whole batch. The producer borrows its records and their bytes until it has reported
	// the batch through the Acks that it was opened with, and not longer. Send blocks for room in the
	// producer's own bounds and ends with ctx. With an error it has taken nothing, and the task must start
	// again, or end where the error is permanent: what concerns one table only was asked of Topic.Refuses.
	Send(ctx context.Context, b *Batch) error
	// Identity names the cluster ("cluster id"); a position stored for another cluster is not ours.
	Identity(ctx context.Context) (string, error)
	// Close waits until every batch that was sent has been reported, or until ctx ends.
	Close(ctx context.Context) error
}

// Acks is told, from any goroutine and in any order, that a batch is safe: acknowledged by all in-sync
// replicas, every record of it. With an error the batch failed for good, some of its records may be in the
// topic and some not, and the task must start again from its durable position.
type Acks func(b *Batch, err error)

// Topic is a topic as it was found or made.
type Topic struct {
	Name       string
	ID         string // Kafka's topic id (a UUID), which tells a topic from one deleted and made anew
	Partitions int32
	// Partition says where a record with this key goes; a nil key is a table without one, whose records all
	// go to the same partition so that their order holds. Safe for concurrent use, allocates nothing.
	Partition func(key []byte) int32
	// Refuses says why the topic will never take a record, as long as both are as they are: a permanent error
	// that names the fix. Send refuses a whole batch for one such record; whoever asks before can leave it
	// out. Nil where the topic takes everything. Safe for concurrent use, allocates nothing for a record that
	// is taken.
	Refuses func(r *Record) error
}

// Batch is a unit of budget, of acknowledgement and of reuse. Its Records point into its arena.
type Batch struct {
	Token   offsets.Token
	Records []Record
	Arena   []byte // the bytes of keys and values, one behind the other
	Beside  int    // bytes that the records hold outside of the arena, each for itself: headers of their own
	// Owner is the sender's own reference (its lane); the producer does not touch it.
	Owner any
	// Pending is the producer's own count of records not yet acknowledged.
	Pending int32
}

// Record is one Kafka record. Nil Key or Value is Kafka's null.
type Record struct {
	Topic     string
	Partition int32
	Key       []byte
	Value     []byte
	Headers   []Header // may be shared between records; read only
	Micros    int64    // the record's timestamp, µs since 1970 UTC
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}
