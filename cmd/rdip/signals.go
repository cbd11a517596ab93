package main

import (
	"context"
	"log/slog"
	"sync"

	"rdip/connect/source/signals"
	"rdip/sinks/kafka"
	"rdip/sinks/kafka/consume"
)

// signals is where a connector takes signals from.
func (c *connectorSettings) signals(k *kafka.Config, log *slog.Logger) signals.Channels {
	s := signals.Channels{Table: c.postgres.SignalTable, Silent: c.postgres.SignalsOnly(), Topic: c.source.SignalTopic()}
	if s.Topic != "" {
		s.Open = func(ctx context.Context, from int64) (signals.Topic, error) {
			return openSignals(ctx, k, s.Topic, from, log)
		}
	}
	return s
}

// signalTopic is partition 0 of a topic, which may come later: it is read from its beginning then.
type signalTopic struct {
	consumer *consume.Consumer
	from     int64 // where to begin, below 0 for what comes after

	mu    sync.Mutex
	begin int64
}

func openSignals(ctx context.Context, k *kafka.Config, topic string, from int64, log *slog.Logger) (signals.Topic, error) {
	pattern, err := consume.ParsePattern(topic)
	if err != nil {
		return nil, err
	}
	t := &signalTopic{from: from, begin: -1}
	t.consumer, err = consume.Open(ctx, k, consume.Options{Topics: []consume.Pattern{pattern}, Follow: true, Await: true, At: t.at,
		Notice: func(err error) { log.Debug("the signal topic", "error", err) }})
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.from = 0 // a partition that comes later is new
	return t, nil
}

// at is where a partition is read from; end is behind its newest record.
func (t *signalTopic) at(_ string, partition int32, end int64) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	begin := t.from
	if begin < 0 {
		begin = end
	}
	if partition == 0 {
		t.begin = begin
	}
	return begin
}

func (t *signalTopic) Begin() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.begin
}

func (t *signalTopic) Next(ctx context.Context) (signals.Record, error) {
	for {
		r, err := t.consumer.Next(ctx)
		if err != nil {
			return signals.Record{}, err
		}
		if r.Partition == 0 { // as Debezium: the order of signals needs one
			return signals.Record{Offset: r.Offset, Key: r.Key, Value: r.Value}, nil
		}
	}
}

func (t *signalTopic) Close() error { return t.consumer.Close() }
