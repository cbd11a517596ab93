package kafka

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"rdip/sinks"
)

const (
	// recordOverhead is what sarama counts for a record beside its key, value and headers: each varint at
	// its longest, and the attributes byte.
	recordOverhead = 36
	// headerOverhead is the same for a header: two varints.
	headerOverhead = 10
	// batchOverhead is the header of a record batch, 61 bytes, rounded up.
	batchOverhead = 64
	// held is about what the producer keeps in memory beside a record's own bytes: its message, sarama's
	// record, and their places in slices.
	held = 384
)

// recordSize is the record's size as sarama counts it before it sends, never less than on the wire.
func recordSize(r *sinks.Record) int {
	size := recordOverhead + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		size += headerOverhead + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return size
}

// borrowed is bytes as sarama asks for them. sarama reads them when it gathers a record into a request and
// when it encodes the request, both before the request is written; a retry encodes the same record again,
// and the message comes back only after the last.
type borrowed struct{ bytes []byte }

func (b *borrowed) Encode() ([]byte, error) { return b.bytes, nil }
func (b *borrowed) Length() int             { return len(b.bytes) }

// message is one record on its way through sarama, without an allocation of its own.
type message struct {
	out        sarama.ProducerMessage
	key, value borrowed
	headers    []sarama.RecordHeader
}

// flight is one batch on its way. It is used again for another batch once its own is reported.
type flight struct {
	batch    *sinks.Batch
	cost     int64 // taken from the budget
	messages []message
	failure  atomic.Pointer[error] // the first
}

var flights = sync.Pool{New: func() any { return new(flight) }}

func newFlight(b *sinks.Batch, cost int64) *flight {
	f := flights.Get().(*flight)
	f.batch, f.cost = b, cost
	if cap(f.messages) < len(b.Records) {
		f.messages = make([]message, len(b.Records))
	}
	f.messages = f.messages[:len(b.Records)]
	f.failure.Store(nil)
	return f
}

// recycle lets go of the batch's bytes. A flight that failed is left to the garbage collector: sarama
// v1.61.1 still reads a message's retries after it has given the message back with an error
// (partitionProducer.updateLeaderIfBrokerProducerIsNil).
func (f *flight) recycle() {
	if f.failure.Load() != nil {
		return
	}
	f.batch = nil
	for i := range f.messages {
		m := &f.messages[i]
		headers := m.headers[:0]
		clear(m.headers)
		*m = message{headers: headers}
	}
	flights.Put(f)
}

// fill makes record i's message.
func (f *flight) fill(i int) *sarama.ProducerMessage {
	r, m := &f.batch.Records[i], &f.messages[i]
	m.out = sarama.ProducerMessage{Topic: r.Topic, Partition: r.Partition, Timestamp: time.UnixMicro(r.Micros), Metadata: f}
	if r.Key != nil {
		m.key.bytes = r.Key
		m.out.Key = &m.key
	}
	if r.Value != nil {
		m.value.bytes = r.Value
		m.out.Value = &m.value
	}
	m.headers = m.headers[:0]
	for _, h := range r.Headers {
		m.headers = append(m.headers, sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	m.out.Headers = m.headers
	return &m.out
}

// fail keeps the first failure.
func (f *flight) fail(err error) { f.failure.CompareAndSwap(nil, &err) }

// landed counts n records as reported and says whether they were the last.
func (f *flight) landed(n int32) bool { return atomic.AddInt32(&f.batch.Pending, -n) == 0 }
