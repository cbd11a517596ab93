package source

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rdip/connect/source/signals"
	"rdip/internal/fault"
	"rdip/offsets"
)

const (
	signalRetryFirst = 500 * time.Millisecond
	signalRetryLast  = 30 * time.Second
	signalNotices    = 5 // how many of them status keeps

	aboutSignals, aboutSignalTopic = "signals", "signal topic"
)

// actOnSignals acts on signals, one after the other, until ctx ends. What fails for a while is tried again; what
// cannot be done is a notice, and never stops the stream.
func (r *run) actOnSignals(ctx context.Context) {
	for ctx.Err() == nil {
		if s, ok := r.ledger.signal(); ok {
			r.actUntilDone(ctx, s)
			continue
		}
		select {
		case <-r.ledger.signalled:
		case <-ctx.Done():
		}
	}
}

func (r *run) actUntilDone(ctx context.Context, s offsets.Signal) {
	for pause := signalRetryFirst; ; pause = min(2*pause, signalRetryLast) {
		err := r.act(ctx, s)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			return
		}
		if fault.IsPermanent(err) {
			r.task.warn(aboutSignals, signalNotices, fmt.Sprintf("signal %s is not acted upon: %v", signals.Name(s), err))
			if err = r.ledger.drop(s.Number); err == nil {
				return
			}
		}
		r.task.Log.Warn("a signal is tried again", "signal", s.ID, "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// readSignalTopic takes the signals of the topic until ctx ends. Its offset is in the connector's record, and not a
// consumer group's: so it is stored in one with the signals, and each is acted upon once.
func (r *run) readSignalTopic(ctx context.Context) {
	for pause := signalRetryFirst; ctx.Err() == nil; pause = min(2*pause, signalRetryLast) {
		err := r.followSignalTopic(ctx, func() { pause = signalRetryFirst })
		if ctx.Err() != nil {
			return
		}
		r.task.warn(aboutSignalTopic, 1, fmt.Sprintf("the signal topic %s cannot be read, and is tried again: %v", r.task.Signals.Topic, err))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

func (r *run) followSignalTopic(ctx context.Context, works func()) error {
	known := r.ledger.signals()
	from := int64(-1)
	if known.Topic == r.task.Signals.Topic {
		from = known.Next
	}
	topic, err := r.task.Signals.Open(ctx, from)
	if err != nil {
		return err
	}
	defer func() { _ = topic.Close() }() // nothing is written
	there := topic.Begin() >= 0
	if !there {
		r.task.warn(aboutSignalTopic, 1, fmt.Sprintf("the signal topic %s is not there, or this user may not describe and read it: it is waited for", r.task.Signals.Topic))
	}
	if err := r.tookTopic(nil, max(topic.Begin(), 0)); err != nil {
		return err
	}
	if there {
		r.readsSignalTopic(topic.Begin())
	}
	for {
		record, err := topic.Next(ctx)
		if err != nil {
			return err
		}
		works()
		if !there {
			there = true
			r.readsSignalTopic(record.Offset)
		}
		taken, err := signals.OfRecord(record, r.task.Prefix)
		if err != nil {
			r.task.warn(aboutSignals, signalNotices, fmt.Sprintf("the record at offset %d of the signal topic is no signal: %v", record.Offset, err))
		}
		if err := r.tookTopic(taken, record.Offset+1); err != nil {
			return err
		}
	}
}

// readsSignalTopic says that the topic is there and read, which ends what was warned of before.
func (r *run) readsSignalTopic(from int64) {
	r.task.forgetWarnings(aboutSignalTopic)
	r.task.Log.Info("the signal topic is read", "topic", r.task.Signals.Topic, "offset", from)
}

// tookTopic stores signals of the topic, and where it is read on.
func (r *run) tookTopic(signals []offsets.Signal, next int64) error {
	r.ledger.take(signals, func(s *offsets.Signals) { s.Topic, s.Next = r.task.Signals.Topic, next })
	return r.ledger.keepTables()
}

// follow acts on signals beside the stream, until ctx ends; the channel is closed then.
func (r *run) followSignals(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	read := make(chan struct{})
	go func() {
		defer close(read)
		if r.task.Signals.Open != nil {
			r.readSignalTopic(ctx)
		}
	}()
	go func() {
		defer close(ended)
		if r.reader.Live() != nil {
			r.actOnSignals(ctx)
		}
		<-read
	}()
	return ended
}

var errNoSnapshot = errors.New("no snapshot is under way")
