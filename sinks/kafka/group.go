package kafka

import (
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// group is the records of one record batch, from when they are taken from their queue until the brokers have
// them or never will. Its room is used again.
type group struct {
	queue    *queue
	entries  []entry
	size     int   // bytes before compression
	sequence int32 // of the first record
	isBuilt  bool

	batch   sarama.RecordBatch
	records []sarama.Record
	refs    []*sarama.Record
}

var groups = sync.Pool{New: func() any { return new(group) }}

// newGroup copies the entries; the sequence is the queue's next.
func newGroup(q *queue, entries []entry, size int) *group {
	g := groups.Get().(*group)
	g.queue, g.size, g.sequence, g.isBuilt = q, size, q.sequence, false
	g.entries = append(g.entries[:0], entries...)
	return g
}

// recycle lets go of the records. Nobody else may know the group any more.
func (g *group) recycle() {
	clear(g.entries)
	clear(g.records)
	g.queue, g.batch = nil, sarama.RecordBatch{}
	groups.Put(g)
}

// identity is what the brokers know a producer by: its records are numbered under it.
type identity struct {
	producer        int64
	epoch           int16
	isTransactional bool // its record batches belong to transactions
	isNamed         bool // it is that of the transactional id
}

// build makes the record batch, once: sarama keeps the encoded records within it, so that a retry is the same
// to the byte and reads no record again. The records' bytes are borrowed.
func (g *group) build(id identity, codec sarama.CompressionCodec) {
	if g.isBuilt {
		return
	}
	n := len(g.entries)
	if cap(g.records) < n {
		g.records, g.refs = make([]sarama.Record, n), make([]*sarama.Record, n)
		for i := range g.records {
			g.refs[i] = &g.records[i]
		}
	}
	g.records, g.refs = g.records[:n], g.refs[:n]
	first := g.millis(0)
	last := first
	for i := range g.records {
		ms := g.millis(i)
		last = max(last, ms)
		g.fill(i, ms-first)
	}
	g.batch = sarama.RecordBatch{Version: 2, Codec: codec, CompressionLevel: sarama.CompressionLevelDefault,
		ProducerID: id.producer, ProducerEpoch: id.epoch, FirstSequence: g.sequence, IsTransactional: id.isTransactional, LastOffsetDelta: int32(n - 1),
		FirstTimestamp: time.UnixMilli(first), MaxTimestamp: time.UnixMilli(last), Records: g.refs}
	g.isBuilt = true
}

// millis is record i's timestamp. Kafka has none before 1970.
func (g *group) millis(i int) int64 {
	e := &g.entries[i]
	return max(0, e.flight.batch.Records[e.index].Micros/1000)
}

func (g *group) fill(i int, delta int64) {
	e := &g.entries[i]
	from, to := &e.flight.batch.Records[e.index], &g.records[i]
	*to = sarama.Record{TimestampDelta: time.Duration(delta) * time.Millisecond, OffsetDelta: int64(i), Key: from.Key, Value: from.Value}
	if len(from.Headers) == 0 {
		return
	}
	if i > 0 { // records that share their headers do here too
		e := &g.entries[i-1]
		before := e.flight.batch.Records[e.index].Headers
		if len(before) == len(from.Headers) && &before[0] == &from.Headers[0] {
			to.Headers = g.records[i-1].Headers
			return
		}
	}
	headers := make([]sarama.RecordHeader, len(from.Headers))
	to.Headers = make([]*sarama.RecordHeader, len(from.Headers))
	for j, h := range from.Headers {
		headers[j] = sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value}
		to.Headers[j] = &headers[j]
	}
}
