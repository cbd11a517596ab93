package kafka

import (
	"math"
	"time"
)

// entry is one record that waits: its place in its batch, and its size as recordSize has it.
type entry struct {
	flight *flight
	index  int32
	size   int32 // bytes
}

// place is where a queue is. It is in one place at a time, so that a partition has at most one record batch
// under way: that is what keeps order across retries.
type place int8

const (
	nowhere  place = iota // it has nothing to send
	unrouted              // in Producer.unrouted: its leader is looked for
	ready                 // in its sender's ready
	busy                  // in its sender's request
	outside               // in transaction.outside, or being made a part of the transaction
)

// queue is one partition's records in the order in which they were sent. Guarded by Producer.mu.
type queue struct {
	topic     *topic
	partition int32
	place     place
	sender    *sender // of the leader; nil until it is found
	waiting   []entry // from head on
	head      int
	bytes     int       // of waiting
	since     time.Time // when the oldest that waits came, at the latest
	sequence  int32     // of the next record
	enrolled  uint64    // the number of the transaction that it is a part of
	// sent is the record batch that was sent and is not resolved. A retry sends the same records under the same
	// sequence numbers, which is how the broker tells that it has them; nothing behind it is sent before.
	sent     *group
	attempts int   // in a row that failed, for the backoff
	cause    error // of the last of them
	refusals int   // of sent, by brokers that answered
	due      time.Time
}

// take makes the next record batch of what waits, at most `most` bytes before compression; a larger record
// goes alone. The caller holds Producer.mu.
func (q *queue) take(most int, spare *spares) *group {
	waiting := q.waiting[q.head:]
	n, size := 0, 0
	for n < len(waiting) && (n == 0 || size+int(waiting[n].size) <= most) {
		size += int(waiting[n].size)
		n++
	}
	g := newGroup(q, waiting[:n], size)
	q.sequence = advance(q.sequence, n)
	q.bytes -= size
	clear(waiting[:n])
	q.head += n
	switch rest := len(waiting) - n; {
	case rest == 0:
		spare.put(q.waiting)
		q.waiting, q.head = nil, 0
	case q.head > rest:
		copy(q.waiting, q.waiting[q.head:])
		clear(q.waiting[rest:])
		q.waiting, q.head = q.waiting[:rest], 0
	}
	return g
}

// empty takes everything that waits.
func (q *queue) empty() []entry {
	waiting := q.waiting[q.head:]
	q.waiting, q.head, q.bytes = nil, 0, 0
	return waiting
}

func (q *queue) isEmpty() bool { return q.head == len(q.waiting) }

// advance is the sequence number n records later: they are 31 bits and begin again at 0
// (org.apache.kafka.common.record.DefaultRecordBatch.incrementSequence).
func advance(sequence int32, n int) int32 {
	return int32((int64(sequence) + int64(n)) & math.MaxInt32)
}

// spares keeps the room of queues that are empty for those that are not: with many partitions few have
// something waiting at a time. Guarded by Producer.mu.
type spares [][]entry

const maxSpares = 64

func (s *spares) put(e []entry) {
	if cap(e) > 0 && len(*s) < maxSpares {
		*s = append(*s, e[:0])
	}
}

func (s *spares) get() []entry {
	n := len(*s)
	if n == 0 {
		return nil
	}
	e := (*s)[n-1]
	*s = (*s)[:n-1]
	return e
}
