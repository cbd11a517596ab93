package owntopics

import (
	"context"
	"time"

	"rdip/connect/source/records"
	"rdip/sinks"
)

// Topic is one topic of no table, as one lane writes it: fixed schemas, all records in one partition, so that
// their order holds.
type Topic struct {
	records.Topic
	keySchema, valueSchema string
	ready                  bool
}

// IsReady says whether records can be written.
func (o *Topic) IsReady() bool { return o.ready }

// Ready registers the schemas of the topic, which is there. It may wait for the registry, and ends with ctx.
func (o *Topic) Ready(ctx context.Context, target sinks.Topic, f *records.Formats) error {
	if err := o.Register(ctx, f, o.keySchema, o.valueSchema); err != nil {
		return err
	}
	o.Target, o.ready = target, true
	return nil
}

// begin opens a record behind what the batch holds. The caller appends the key to the arena, calls keyDone, appends the
// value, and calls end.
func (o *Topic) begin(b *records.Batch) records.Span {
	s := records.Span{Key: len(b.Arena)}
	b.Arena = o.Keys.Begin(b.Arena)
	return s
}

// keyDone ends the record's key, in the format of keys.
func (o *Topic) keyDone(b *records.Batch, s *records.Span) error {
	arena, err := o.Keys.Finish(b.Arena, s.Key)
	s.Value = len(arena)
	b.Arena = o.Values.Begin(arena)
	return err
}

// end ends the record's value, and puts the record at the end of the batch. A record that the topic will never take is an
// error and leaves the batch as it was.
func (o *Topic) end(b *records.Batch, s records.Span, headers []sinks.Header) error {
	arena, err := o.Values.Finish(b.Arena, s.Value)
	b.Arena, s.End = arena, len(arena)
	if err != nil {
		return err
	}
	err = b.AddInOne(&o.Topic, s, headers, time.Now().UnixMicro())
	if err != nil {
		b.BackTo(b.Count() - 1)
		return err
	}
	b.Holds(headers, 0)
	return nil
}
