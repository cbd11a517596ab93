package records

import (
	"context"

	"rdip/envelope"
	"rdip/sinks"
)

// Topic is a topic as one goroutine writes it, with the writers of its two subjects. Name and Target are set by whoever
// makes it; Register sets the others.
type Topic struct {
	Name         string
	Target       sinks.Topic
	Keys, Values Writer
}

// Register readies the writers of a topic that is there, for what schemas are not "". It blocks while the registry is
// away, and ends with ctx; a permanent error stops what needs the schemas.
func (t *Topic) Register(ctx context.Context, f *Formats, keySchema, valueSchema string) (err error) {
	if keySchema != "" {
		if t.Keys, err = f.writer(ctx, f.Keys, t.Name+"-key", keySchema); err != nil {
			return err
		}
	}
	if valueSchema != "" {
		t.Values, err = f.writer(ctx, f.Values, t.Name+"-value", valueSchema)
	}
	return err
}

// appendKey appends a row's own key as the topic has it; none of a table without a key, and of no row.
func (t *Topic) appendKey(b *Batch, x *envelope.Encoder, row envelope.Row, s *Span) error {
	s.Key, s.NullKey = len(b.Arena), true
	if !x.Layout.Table.HasKey() || row == nil {
		return nil
	}
	arena, err := x.AppendKey(b.Arena, row)
	b.Arena = arena
	if err != nil {
		return err
	}
	copy(arena[s.Key:], t.Keys.frame[:])
	s.NullKey = false
	b.Arena, err = t.Keys.Finish(arena, s.Key)
	return err
}
