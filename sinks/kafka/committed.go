package kafka

import (
	"cmp"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"

	"github.com/IBM/sarama"

	"rdip/sinks"
)

// What take says in place of an offset.
const (
	nothing int64 = -1 // the broker has nothing from there on that it may show
	partial int64 = -2 // the first batch that has records did not fit into the fetch
)

// take keeps the newest record of each key that is wanted from what was fetched, and says which offset comes next.
//
// What belongs to an aborted transaction is passed over as Kafka's consumers do it
// (org.apache.kafka.clients.consumer.internals.CompletedFetch): the broker names aborted transactions by producer id
// and first offset, and each one's marker ends it.
func (p *progress) take(block *sarama.FetchResponseBlock) (next int64, err error) {
	aborted := slices.Clone(block.AbortedTransactions)
	slices.SortFunc(aborted, func(a, b *sarama.AbortedTransaction) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	aborting := map[int64]bool{}
	next = nothing
	for _, set := range block.RecordsSet {
		b := set.RecordBatch
		if b == nil {
			return 0, errors.New("the topic holds records in a format from before Kafka 0.11: copy it into a new topic")
		}
		if b.PartialTrailingRecord {
			return partial, nil // it is the only one: sarama leaves it out behind others
		}
		for len(aborted) > 0 && aborted[0].FirstOffset <= b.LastOffset() {
			aborting[aborted[0].ProducerID] = true
			aborted = aborted[1:]
		}
		switch {
		case b.Control:
			if isAbortMarker(b) {
				delete(aborting, b.ProducerID)
			}
		case !b.IsTransactional || !aborting[b.ProducerID]:
			p.keepNewest(b)
		}
		next = b.LastOffset() + 1
	}
	if next == nothing {
		return behindEmpty(block)
	}
	return next, nil
}

// keepNewest keeps copies: the batch's bytes are as large as the fetch.
func (p *progress) keepNewest(b *sarama.RecordBatch) {
	for _, r := range b.Records {
		if b.FirstOffset+r.OffsetDelta < p.next || r.Key == nil || !p.wanted(r.Key) { // a batch may begin before what was asked for
			continue
		}
		p.newest.add(sinks.Record{Topic: p.topic, Partition: p.partition, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value),
			Micros: b.FirstTimestamp.Add(r.TimestampDelta).UnixMicro()})
	}
}

// isAbortMarker reads a control record's key: its version and its type, 0 for an abort
// (https://kafka.apache.org/documentation/#controlbatch).
func isAbortMarker(b *sarama.RecordBatch) bool {
	return len(b.Records) > 0 && len(b.Records[0].Key) >= 4 && binary.BigEndian.Uint16(b.Records[0].Key[2:]) == 0
}

// behindEmpty is the offset behind batches without records, which compaction leaves where a producer's last record
// was: a segment may hold nothing else, with newer ones behind it. sarama leaves them out of the answer and keeps
// where they end in a field of its own, which its own consumer goes on from.
func behindEmpty(block *sarama.FetchResponseBlock) (int64, error) {
	field := reflect.ValueOf(block).Elem().FieldByName("recordsNextOffset")
	if field.Kind() != reflect.Pointer || field.Type().Elem().Kind() != reflect.Int64 {
		return 0, errors.New("sarama does not say where empty batches end: a bug in rdip")
	}
	if field.IsNil() {
		return nothing, nil
	}
	return field.Elem().Int(), nil
}
