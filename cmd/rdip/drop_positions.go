package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rdip/offsets"
	"rdip/sinks"
	"rdip/sinks/kafka"
)

// isPosition says whether a record of the topic of positions is the connector's, by its key.
func (c *connectorSettings) isPosition(key []byte) bool {
	k, ok := offsets.ParseTopicKey(key)
	return ok && k.Connector == c.name && k.Server == c.source.Prefix
}

// peekPositions reads what the topic of positions has of a connector, without taking its name from a daemon that runs.
// known is false where it may not be read.
func (s *settings) peekPositions(ctx context.Context, c *connectorSettings, p *kafka.Producer) (topic sinks.Topic, records []sinks.Record, known bool, err error) {
	peeking, cancel := context.WithTimeoutCause(ctx, peekWithin, errUnsettled)
	defer cancel()
	topic, records, known, err = p.PeekPositions(peeking, c.isPosition)
	if peeking.Err() != nil {
		err = context.Cause(peeking)
	}
	return topic, records, known, err
}

// peekWithin is how long the topic of positions is read: another producer's open transaction can hold it up.
const peekWithin = 20 * time.Second

var errUnsettled = fmt.Errorf("it could not be read to its end within %v", peekWithin)

// hasPositions says whether the topic of positions has, or may have, something of a connector.
func (s *settings) hasPositions(ctx context.Context, c *connectorSettings) (bool, error) {
	if !c.once {
		return false, nil
	}
	p, err := kafka.New(s.kafkaOf(c), c.topics, func(*sinks.Batch, error) {}, nil)
	if err != nil {
		return false, err
	}
	defer p.Close(context.WithoutCancel(ctx))
	_, records, known, err := s.peekPositions(ctx, c, p)
	switch {
	case errors.Is(err, errUnsettled): // what a killed daemon left open, which taking its name ends
		return true, nil
	case err != nil:
		return false, err
	default:
		return len(records) > 0 || !known, nil
	}
}

// forgetPositions takes a connector out of the topic of positions, as one that takes its name does: whatever still
// writes under it is refused from then on.
func (s *settings) forgetPositions(ctx context.Context, c *connectorSettings) error {
	if !c.once {
		return nil
	}
	p, err := kafka.New(s.kafkaOf(c), c.topics, func(*sinks.Batch, error) {}, nil)
	if err != nil {
		return err
	}
	defer p.Close(context.WithoutCancel(ctx))
	topic, records, err := p.Positions(ctx, c.isPosition)
	if err != nil || len(records) == 0 {
		return err
	}
	for i := range records {
		records[i] = sinks.Record{Topic: topic.Name, Partition: topic.Partition(records[i].Key), Key: records[i].Key, Micros: time.Now().UnixMicro()}
	}
	done := make(chan error, 1)
	if err := p.Commit(ctx, records, func(err error) { done <- err }); err != nil {
		return err
	}
	select {
	case err = <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
