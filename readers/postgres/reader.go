package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"rdip/envelope"
	"rdip/offsets"
	"rdip/readers"
	"rdip/snapshot"
)

// Reader captures one database of a PostgreSQL server.
type Reader struct {
	name     string // of the connector, as commands in hints name it
	cfg      *Config
	wire     *progress
	streamer *streamer
	live     *live

	slotPatience time.Duration // how long the making of a slot may wait
	pollEvery    time.Duration // how often the server is asked for the slot's state, for Status

	mu     sync.Mutex
	source *snapshotSource // the snapshot that Open took; nil without one
	copied bool            // Open took one
	watch  *watch          // nil before Open
}

var _ readers.Reader = (*Reader)(nil)

// New is a reader for the connector of that name, which is not connected yet. cfg belongs to it from then on.
func New(name string, cfg Config) *Reader {
	r := &Reader{name: name, cfg: &cfg, wire: newProgress(), slotPatience: slotPatience, pollEvery: pollEvery}
	r.streamer = newStreamer(r.cfg, r.wire)
	r.live = newLive(r)
	return r
}

// Live reads tables while the log is streamed.
func (r *Reader) Live() snapshot.Live { return r.live }

// Snapshot is the state that Open took; nil where Resume did not ask for a snapshot.
func (r *Reader) Snapshot() snapshot.Source {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.source == nil {
		return nil
	}
	return r.source
}

// Stream reads the log from a position, after a first snapshot as late as streaming.delay.ms says.
func (r *Reader) Stream(ctx context.Context, from offsets.Position, h envelope.Handler) error {
	r.mu.Lock()
	copied := r.copied
	r.copied = false
	r.mu.Unlock()
	if copied && r.cfg.StreamingDelay > 0 {
		if err := pause(ctx, r.cfg.StreamingDelay); err != nil {
			return err
		}
	}
	return r.streamer.run(ctx, from, h)
}

// Confirm says that everything before p is durable.
func (r *Reader) Confirm(p offsets.Position) { r.wire.confirm(p.Place) }

// Close lets the snapshot and every connection go. Stream must have ended.
func (r *Reader) Close(ctx context.Context) error {
	r.mu.Lock()
	watch := r.watch
	r.watch = nil
	r.mu.Unlock()
	if watch != nil {
		watch.stop()
	}
	r.live.close()
	return r.dropSnapshot(ctx)
}

// dropSnapshot closes the snapshot that Open took, if any is open.
func (r *Reader) dropSnapshot(ctx context.Context) error {
	r.mu.Lock()
	source := r.source
	r.source = nil
	r.mu.Unlock()
	if source == nil {
		return nil
	}
	if err := source.Close(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return serverFault("close", r.cfg.object(), err)
	}
	return nil
}
