package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"rdip/envelope/decode"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers/postgres"
	"rdip/sinks/kafka"
)

// fromKafka sets a position that lags behind the slot, as an old state folder does (O6), to the slot's own:
// what the slot has confirmed was acknowledged by Kafka before. The topics prove that they are the ones
// that were written to: they hold an event later than the stored position.
func (c offsetsSet) fromKafka(ctx context.Context) error {
	if c.Config == "" {
		return &fault.Error{Kind: fault.Configuration, Op: "set offsets of", Object: c.Connector, Permanent: true,
			Cause: fmt.Errorf("--from-kafka reads the topics and the slot"), Hint: "add --config /etc/rdip/rdip.yaml"}
	}
	s, err := load(c.Config)
	if err != nil {
		return err
	}
	connector, err := s.named(c.Connector)
	if err != nil {
		return err
	}
	return c.proven(ctx, s, connector)
}

func (c offsetsSet) proven(ctx context.Context, s *settings, connector *connectorSettings) error {
	r := postgres.New(connector.name, connector.postgres)
	confirmed, err := r.Confirmed(ctx)
	if err != nil {
		return err
	}
	return c.change(func(record *offsets.Record) error {
		if record.ExactlyOnce && connector.once {
			return &fault.Error{Kind: fault.Configuration, Op: "set offsets of", Object: c.Connector, Permanent: true,
				Cause: errors.New("it delivers exactly once: the topic of positions in Kafka is the truth, and the state folder only a copy, which may be old"),
				Hint:  "start rdip: it goes on from the topic"}
		}
		newest, err := s.newestPlace(ctx, connector.source.Prefix, record.Topics)
		if err != nil {
			return err
		}
		if newest < record.Place {
			return &fault.Error{Kind: fault.PositionLost, Op: "set offsets of", Object: c.Connector, Permanent: true,
				Cause: fmt.Errorf("the newest event in the topics is at %s, before the stored position %s: they do not prove that the slot's position %s was delivered to them",
					lsn(newest), lsn(record.Place), lsn(confirmed.Place)),
				Hint: "rdip offsets reset " + c.Connector + " --config FILE"}
		}
		fmt.Printf("the topics hold events up to %s; the slot has confirmed everything before %s\n", lsn(newest), lsn(confirmed.Place))
		return setPosition(record, lsn(confirmed.Place))
	})
}

func lsn(place uint64) string { return fmt.Sprintf("%X/%X", place>>32, uint32(place)) }

// newestPlace is the highest source.lsn at the ends of a connector's topics, those that it has written to and those
// of tables by their name; 0 where they have none.
func (s *settings) newestPlace(ctx context.Context, prefix string, written map[string]string) (uint64, error) {
	decoder := decode.New(nil) // JSON names no schema
	if s.needsRegistry() {
		var err error
		if decoder, err = s.decoder(); err != nil {
			return 0, err
		}
	}
	settings, cut, err := s.kafka.Consumer()
	if err != nil {
		return 0, err
	}
	defer cut()
	broker, err := sarama.NewClient(s.kafka.Brokers, settings)
	if err != nil {
		return 0, s.kafka.ReadFault("read", "the topics of "+prefix, err)
	}
	defer broker.Close()
	e := &ends{kafka: &s.kafka, client: broker, decoder: decoder}
	topics, err := broker.Topics()
	if err != nil {
		return 0, s.kafka.ReadFault("list", "topics", err)
	}
	for _, topic := range topics {
		if _, ours := written[topic]; ours || isOf(prefix, topic) {
			if err := e.topic(ctx, topic); err != nil {
				return 0, err
			}
		}
	}
	return e.newest, nil
}

// isOf says whether a topic, or a subject of one, is that of a table of the connector with the prefix, and not
// of one with a longer prefix: prefix.schema.table, dots in a schema's or table's name being escaped.
func isOf(prefix, topic string) bool {
	table, ok := strings.CutPrefix(topic, prefix+".")
	return ok && strings.Count(table, ".") == 1
}

// ends reads the last records of partitions.
type ends struct {
	kafka   *kafka.Config
	client  sarama.Client
	decoder *decode.Decoder
	newest  uint64
}

// lastRecords is how many records before the end are looked at: a tombstone has no place, and so the last
// one alone may not do.
const lastRecords = 100

func (e *ends) topic(ctx context.Context, topic string) error {
	partitions, err := e.client.Partitions(topic)
	if err != nil {
		return e.kafka.ReadFault("read", topic, err)
	}
	consumer, err := sarama.NewConsumerFromClient(e.client)
	if err != nil {
		return e.kafka.ReadFault("read", topic, err)
	}
	defer consumer.Close()
	for _, partition := range partitions {
		if err := e.partition(ctx, consumer, topic, partition); err != nil {
			return err
		}
	}
	return nil
}

func (e *ends) partition(ctx context.Context, consumer sarama.Consumer, topic string, partition int32) error {
	oldest, err := e.client.GetOffset(topic, partition, sarama.OffsetOldest)
	if err != nil {
		return e.kafka.ReadFault("read", topic, err)
	}
	end, err := e.client.GetOffset(topic, partition, sarama.OffsetNewest)
	if err != nil || end == oldest {
		return err
	}
	p, err := consumer.ConsumePartition(topic, partition, max(oldest, end-lastRecords))
	if err != nil {
		return e.kafka.ReadFault("read", topic, err)
	}
	defer p.Close()
	silence := time.NewTimer(10 * time.Second)
	defer silence.Stop()
	for {
		select {
		case m := <-p.Messages():
			if err := e.record(ctx, m); err != nil || m.Offset >= end-1 {
				return err
			}
		case <-silence.C: // the last records were compacted away or are a transaction's markers
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (e *ends) record(ctx context.Context, m *sarama.ConsumerMessage) error {
	if len(m.Value) == 0 {
		return nil
	}
	key, err := e.decoder.Decode(ctx, m.Key)
	if err != nil {
		return err
	}
	value, err := e.decoder.Decode(ctx, m.Value)
	if err != nil {
		return err
	}
	if change, ok := decode.ChangeOf(&key, &value, nil); ok {
		e.newest = max(e.newest, change.LSN)
	}
	return nil
}
