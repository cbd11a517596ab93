package source

import (
	"context"
	"slices"
	"time"

	"rdip/envelope"
	"rdip/snapshot"
)

// The two modes of delivery differ in who makes positions durable: a loop behind the acknowledgements (commit.go), or
// the ends of Kafka transactions (exactly_once.go).

// keepPositions keeps the positions of a stream, until the function that it gives is called, which may be called again.
func (r *run) keepPositions(l *lane) (quit func()) {
	if r.exact == nil {
		return loops(func(over <-chan struct{}) { r.commitLoop(l, over) })
	}
	r.exact.serve(l)
	return r.exact.start(func() time.Duration { return r.exact.options.Interval })
}

// keepLast keeps what a stream that has ended leaves behind.
func (r *run) keepLast(l *lane) error {
	if r.exact == nil {
		return r.commit(l)
	}
	return r.exact.finish()
}

// keepChunks keeps what the lanes of a first snapshot deliver, until the function that it gives is called, which may be
// called again.
func (r *run) keepChunks(lanes []*lane) (quit func()) {
	if r.exact == nil {
		all := make([]func(<-chan struct{}), len(lanes))
		for i, l := range lanes {
			all[i] = func(over <-chan struct{}) { r.chunkLoop(l, over) }
		}
		return loops(all...)
	}
	r.exact.serve(lanes...)
	ended := r.exact.start(r.exact.snapshotPause)
	return func() {
		if slices.ContainsFunc(lanes, func(l *lane) bool { return l.inside }) {
			r.exact.gate.Lose()
		}
		ended()
	}
}

// copyAll is how a first snapshot is copied.
func (r *run) copyAll() func(context.Context, snapshot.Source, []envelope.Handler, *snapshot.Progress, context.CancelCauseFunc) error {
	if r.exact == nil {
		return snapshot.Run
	}
	return snapshot.RunWhole
}

// untilBoundary is the context of a stream, as until gives it; end ends the stream as a stop does. Where delivery is exactly
// once both wait until the stream is between two transactions of the source, so that nothing has to be taken back.
func (r *run) untilBoundary(stop context.Context) (ctx context.Context, cancel, end context.CancelFunc) {
	if r.exact == nil {
		ctx, cancel = r.until(stop)
		return ctx, cancel, cancel
	}
	ctx, over := context.WithCancelCause(r.work)
	end = r.exact.endAtBoundary(func() { over(context.Canceled) })
	release := context.AfterFunc(stop, end)
	return ctx, func() {
		release()
		over(context.Canceled)
	}, end
}
