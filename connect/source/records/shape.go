package records

import (
	"context"
	"log/slog"

	"rdip/connect/source/routing"
	"rdip/envelope"
	"rdip/sinks"
)

// Shape makes the records of one layout where they are no envelopes: flattened rows, outbox messages. It makes
// them from the envelope that the encoder writes, so that a reader knows one encoding. It serves one goroutine.
type Shape interface {
	// Prepare compiles what the layout needs, before its first row; own is the table's own topic. It may wait for the
	// registry, and ends with ctx. A permanent error stops the table.
	Prepare(ctx context.Context, x *envelope.Encoder, table string, own *Topic) error
	// Append appends the records of one event to the batch, or a part of them with an error, which the caller takes
	// back. all are the record's headers, own those of them that are the event's own. An *Unrouted error asks for a
	// topic first.
	Append(b *Batch, tx *envelope.Transaction, e *envelope.Event, own, all []sinks.Header) error
}

// Options are what shapes are told of their connector.
type Options struct {
	Formats
	Tombstones bool           // tombstones.on.delete
	Headers    []sinks.Header // of every record
	Log        *slog.Logger
}

// NewShape is the shape of a table's records; nil for the envelope.
func NewShape(p *routing.Plan, o Options) Shape {
	switch {
	case p == nil:
		return nil
	case p.Flat != nil:
		return &flatShape{Options: o, o: p.Flat, plan: p}
	default:
		return &outboxShape{Options: o, o: p.Outbox, plan: p}
	}
}

// mostKept bounds what a buffer keeps for the next row, in bytes: there is one a table, and they would add up.
const mostKept = 256 << 10

// reusable is a buffer for the next row, unless one row made it large.
func reusable(buffer []byte) []byte {
	if cap(buffer) > mostKept {
		return nil
	}
	return buffer
}
