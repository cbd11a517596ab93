// Package deadletter is what becomes of rows and messages that cannot be delivered: the records that stand for them, why,
// and how many there were. When something is one, and what else comes of it, is package source's. Its keys are errors.* and
// quarantine.max.retained.bytes.
package deadletter

import (
	"time"

	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/sinks"
)

// Letter is what is known of something that cannot be delivered. Its parts are borrowed until it is written.
type Letter struct {
	Table  string // schema.table, or what stands for a table
	Topic  string // where it would have gone
	Why    error
	Reason Reason
	Op     envelope.Op // 0: not known
	Place  uint64      // in the log; 0: not known
	Body   Body
}

// Body writes a letter's key and value, or either as nothing where it gives back what it got: Whole, Head, Message or
// Unknown.
type Body interface {
	appendKey(dst []byte) []byte
	appendValue(dst []byte) []byte
}

// AppendTo puts the letter's record at the end of a batch, with headers where from is not nil. What is too large for the
// topic is left out: the value, then the key; the error is of what is left, and leaves the batch as it was.
func (m *Letter) AppendTo(b *records.Batch, to *sinks.Topic, from *Origin) error {
	s := records.Span{Key: len(b.Arena)}
	b.Arena = m.Body.appendKey(b.Arena)
	s.Value = len(b.Arena)
	s.NullKey = s.Value == s.Key
	b.Arena = m.Body.appendValue(b.Arena)
	s.End = len(b.Arena)
	s.NullValue = s.End == s.Value
	headers, alike := m.headers(from, 0)
	record := sinks.Record{Topic: to.Name, Micros: time.Now().UnixMicro(), Headers: headers}
	s.Point(&record, b.Arena)
	record.Partition = to.Partition(record.Key)
	err := takes(to, &record)
	if err != nil && !s.NullValue {
		record.Headers, _ = m.headers(from, s.End-s.Value)
		record.Value, s.NullValue, s.End = nil, true, s.Value
		err = takes(to, &record)
	}
	if err != nil && !s.NullKey {
		record.Key, s.NullKey, s.Value, s.End = nil, true, s.Key, s.Key
		err = takes(to, &record)
	}
	if err != nil {
		b.Arena = b.Arena[:s.Key]
		return err
	}
	b.Arena = b.Arena[:s.End]
	b.Append(s, &record)
	b.Holds(record.Headers, alike)
	return nil
}

func takes(to *sinks.Topic, r *sinks.Record) error {
	if to.Refuses == nil {
		return nil
	}
	return to.Refuses(r)
}
