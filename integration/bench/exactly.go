package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// exactlyKey and its value ask for exactly once.
const (
	exactlyKey   = "exactly.once.support"
	exactlyValue = "required"
	// standing is how long a topic's committed end stands still once everything has come.
	standing = time.Second
)

// isExact says whether a daemon sends in transactions.
func (d *daemon) isExact() bool {
	return d.keys["connectors."+connector+"."+exactlyKey] == exactlyValue
}

// exactly turns it on.
func (d *daemon) exactly() { d.keys["connectors."+connector+"."+exactlyKey] = exactlyValue }

// arrivedCommitted waits until a reader of committed records would have all the rows, and says when it first would.
// The end of a transaction takes an offset of each partition too, so that the end of everything is known only
// once it stands still.
func (b *bench) arrivedCommitted(ctx context.Context, d *daemon, topic string, rows int64) (time.Time, error) {
	var last int64
	var since time.Time
	for {
		n, err := b.committedEnd(topic)
		if err != nil {
			return time.Time{}, err
		}
		if n != last {
			last, since = n, time.Now()
		}
		if last >= rows && time.Since(since) > standing {
			return since, nil
		}
		select {
		case <-d.Done():
			return time.Time{}, d.failed(errors.Join(errors.New("it ended"), d.Err()))
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

// committedEnd is where readers of committed records come to in a topic's partitions, added up; 0 while there is no
// such topic.
func (b *bench) committedEnd(topic string) (int64, error) {
	partitions, err := b.client.Partitions(topic)
	if err != nil || len(partitions) == 0 {
		_ = b.client.RefreshMetadata(topic)
		return 0, nil //nolint:nilerr // it may not be there yet
	}
	var sum int64
	for _, p := range partitions {
		leader, err := b.client.Leader(topic, p)
		if err != nil {
			return 0, nil //nolint:nilerr // it was elected a moment ago
		}
		q := &sarama.OffsetRequest{Version: 2, IsolationLevel: sarama.ReadCommitted}
		q.AddBlock(topic, p, sarama.OffsetNewest, 1)
		answer, err := leader.GetAvailableOffsets(q)
		if err != nil {
			return 0, fmt.Errorf("the committed end of %s: %w", topic, err)
		}
		block := answer.GetBlock(topic, p)
		if block == nil || block.Err != sarama.ErrNoError {
			return 0, nil //nolint:nilerr // the same
		}
		sum += block.Offset
	}
	return sum, nil
}
