// Package records puts records into batches: keys and values one behind the other in a batch's arena, in the formats that a
// connector's converters say, and of rows that transforms have changed in their shape. Its keys are key.converter* and
// value.converter*. Which topic a row's record goes to is package routing's; when a batch is sent is package source's.
package records

import "rdip/sinks"

// Batch is a batch that records are put into: a record's key and value are appended to Arena, and Add makes a record of
// them. The zero value is none; Open begins one. It serves one goroutine.
type Batch struct {
	*sinks.Batch // nil while there is none
	spans        []Span
}

// Open begins a batch, which is empty; nil: none.
func (b *Batch) Open(batch *sinks.Batch) { b.Batch = batch }

// IsOpen says whether there is a batch.
func (b *Batch) IsOpen() bool { return b.Batch != nil }

// Count is how many records are gathered.
func (b *Batch) Count() int {
	if b.Batch == nil {
		return 0
	}
	return len(b.Records)
}

// Add puts a record at the end; its key says the partition. The error is the topic's, which will never take the record
// (K4): the record is there nevertheless, and the caller goes back.
func (b *Batch) Add(to *Topic, s Span, headers []sinks.Header, micros int64) error {
	r := sinks.Record{Topic: to.Name, Headers: headers, Micros: micros}
	s.Point(&r, b.Arena)
	r.Partition = to.Target.Partition(r.Key)
	return b.put(to, s, &r)
}

// AddInOne is Add for a topic whose records all go to one partition, so that their order holds.
func (b *Batch) AddInOne(to *Topic, s Span, headers []sinks.Header, micros int64) error {
	r := sinks.Record{Topic: to.Name, Headers: headers, Micros: micros, Partition: to.Target.Partition(nil)}
	s.Point(&r, b.Arena)
	return b.put(to, s, &r)
}

// put puts a record at the end. Its bytes are set again when the batch is sealed, since the arena may still move.
func (b *Batch) put(to *Topic, s Span, r *sinks.Record) error {
	b.Append(s, r)
	if to.Target.Refuses != nil {
		return to.Target.Refuses(&b.Records[len(b.Records)-1])
	}
	return nil
}

// Append puts a record at the end that its topic takes.
func (b *Batch) Append(s Span, r *sinks.Record) {
	s.beside = b.Beside
	b.spans = append(b.spans, s)
	b.Records = append(b.Records, *r)
}

// headerBytes is what a header takes beside its bytes: its place in the record's list.
const headerBytes = 40

// Holds counts what the newest record's headers take; the first of them, as many as shared says, are in memory once for
// many records, and only their places count.
func (b *Batch) Holds(headers []sinks.Header, shared int) {
	b.Beside += headerBytes * len(headers)
	for _, h := range headers[shared:] {
		b.Beside += len(h.Key) + len(h.Value)
	}
}

// Size is how many bytes the batch holds, in its arena and beside it.
func (b *Batch) Size() int { return len(b.Arena) + b.Beside }

// Mark is a place in a batch, between two records.
type Mark struct{ records, bytes, beside int }

// Mark is where the batch ends.
func (b *Batch) Mark() Mark { return Mark{len(b.Records), len(b.Arena), b.Beside} }

// Back takes out what came behind a place.
func (b *Batch) Back(to Mark) {
	clear(b.Records[to.records:])
	b.Records, b.spans, b.Arena, b.Beside = b.Records[:to.records], b.spans[:to.records], b.Arena[:to.bytes], to.beside
}

// BackTo takes out all but the first records.
func (b *Batch) BackTo(records int) {
	b.Back(Mark{records, b.spans[records].Key, b.spans[records].beside})
}

// Seal ends the batch: its records point into the arena, which moves no more.
func (b *Batch) Seal() {
	for i, s := range b.spans {
		s.Point(&b.Records[i], b.Arena)
	}
	b.Batch, b.spans = nil, b.spans[:0]
}
