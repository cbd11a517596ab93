package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"rdip/envelope/decode"
	"rdip/integration/testenv/kafkaserver"
	"rdip/schema/client"
)

const (
	latencyRate    = 1000 // transactions a second
	latencyWriters = 4
	settleTime     = 2 * time.Second // the last records may take so long
)

// latencies are the times of one stream of single rows, beside those of an application that writes the same
// number of records into Kafka itself: what Kafka and the consumer alone take.
type latencies struct {
	PerSecond int         // asked for
	Rdip      percentiles // from the commit at the source to the consumer
	Exactly   percentiles // the same, exactly once: to a consumer of committed records
	Kafka     percentiles // from the call of the producer to the consumer
}

// percentiles are in milliseconds.
type percentiles struct {
	N         int
	PerSecond float64 // reached
	P50, P99  float64
}

// latency writes latencyRate transactions a second and measures when a consumer has each.
func (b *bench) latency(ctx context.Context) (*latencies, error) {
	say("latency at %d transactions a second, for %s, three times", latencyRate, b.options.Latency)
	l := &latencies{PerSecond: latencyRate}
	var err error
	if l.Kafka, err = b.kafkaAlone(ctx); err != nil {
		return nil, err
	}
	if l.Rdip, err = b.rdipLatency(ctx, false); err != nil {
		return nil, err
	}
	l.Exactly, err = b.rdipLatency(ctx, true)
	return l, err
}

// kafkaAlone produces records of 300 bytes that hold the time, one a call.
func (b *bench) kafkaAlone(ctx context.Context) (percentiles, error) {
	topic := b.name("latency")
	if err := b.kafka.CreateTopic(topic, 1, nil); err != nil {
		return percentiles{}, err
	}
	config := kafkaserver.ClientConfig()
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true
	producers := make([]sarama.SyncProducer, latencyWriters)
	for i := range producers {
		p, err := sarama.NewSyncProducer([]string{b.kafka.Bootstrap()}, config)
		if err != nil {
			return percentiles{}, err
		}
		defer p.Close()
		producers[i] = p
	}
	write := func(_ context.Context, writer, _ int) error {
		value := binary.BigEndian.AppendUint64(make([]byte, 0, 300), uint64(time.Now().UnixNano()))
		_, _, err := producers[writer].SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(value[:cap(value)])})
		return err
	}
	got, rate, err := b.watch(ctx, topic, write)
	if err != nil {
		return percentiles{}, err
	}
	waits := make([]float64, len(got))
	for i, r := range got {
		waits[i] = ms(r.at.Sub(time.Unix(0, int64(binary.BigEndian.Uint64(r.value)))))
	}
	return summary(waits, rate), b.admin.DeleteTopic(topic)
}

// rdipLatency inserts rows, and takes the times of their commits from the envelopes afterwards.
func (b *bench) rdipLatency(ctx context.Context, exactly bool) (percentiles, error) {
	slot := b.name("latency")
	for _, sql := range []string{"DROP TABLE IF EXISTS bench_latency", "DROP PUBLICATION IF EXISTS latency", "CREATE TABLE bench_latency(LIKE bench INCLUDING ALL)", "CREATE PUBLICATION latency FOR TABLE bench_latency",
		"INSERT INTO bench_latency VALUES (-1, 1, '0123456789abcdef0123', clock_timestamp(), 12.34)"} {
		if err := b.exec(ctx, sql); err != nil {
			return percentiles{}, err
		}
	}
	d, err := b.prepare("bench_latency", "latency", slot, "initial")
	if err != nil {
		return percentiles{}, err
	}
	if exactly {
		d.exactly()
	}
	if err := d.start(b.rdip); err != nil {
		return percentiles{}, err
	}
	topic := slot + ".public.bench_latency"
	if _, err := b.arrived(ctx, d, topic, 1); err != nil { // it is there, and its schemas are
		return percentiles{}, errors.Join(err, d.Kill())
	}
	got, rate, err := b.insertAndWatch(ctx, topic)
	if err = errors.Join(err, d.stop(), b.drop(ctx, slot)); err != nil {
		return percentiles{}, err
	}
	waits, err := b.sinceCommit(ctx, got)
	return summary(waits, rate), errors.Join(err, b.admin.DeleteTopic(topic))
}

func (b *bench) insertAndWatch(ctx context.Context, topic string) ([]received, float64, error) {
	writers := make([]func(context.Context, int) error, latencyWriters)
	for i := range writers {
		conn, err := b.pg.Connect(ctx, database)
		if err != nil {
			return nil, 0, err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		writers[i] = func(ctx context.Context, id int) error {
			_, err := conn.Exec(ctx, "INSERT INTO bench_latency VALUES ($1, 1, '0123456789abcdef0123', clock_timestamp(), 12.34)", id)
			return err
		}
	}
	return b.watch(ctx, topic, func(ctx context.Context, writer, id int) error { return writers[writer](ctx, id) })
}

// sinceCommit is how long after their commits records were received.
func (b *bench) sinceCommit(ctx context.Context, got []received) ([]float64, error) {
	registry, err := client.New(client.Config{URLs: b.registry.URL()})
	if err != nil {
		return nil, err
	}
	defer registry.Close()
	decoder := decode.New(registry.SchemaByID)
	waits := make([]float64, 0, len(got))
	for _, r := range got {
		v, err := decoder.Decode(ctx, r.value)
		if err != nil {
			return nil, err
		}
		change, ok := decode.ChangeOf(&decode.Value{}, &v, nil)
		if !ok {
			return nil, errors.New("a record is no change event")
		}
		waits = append(waits, ms(r.at.Sub(change.Commit)))
	}
	return waits, nil
}

// received is one record and when the consumer had it.
type received struct {
	at    time.Time
	value []byte
}

// watch consumes a topic from its end on while write is called at the rate, and gives what came and the rate
// that was reached.
func (b *bench) watch(ctx context.Context, topic string, write func(ctx context.Context, writer, id int) error) ([]received, float64, error) {
	config := kafkaserver.ClientConfig()
	config.Consumer.Fetch.Min = 1
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	consumer, err := sarama.NewConsumer([]string{b.kafka.Bootstrap()}, config)
	if err != nil {
		return nil, 0, err
	}
	defer consumer.Close()
	feed, err := consumer.ConsumePartition(topic, 0, sarama.OffsetNewest)
	if err != nil {
		return nil, 0, err
	}
	var got []received
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for m := range feed.Messages() {
			got = append(got, received{at: time.Now(), value: m.Value})
		}
	}()
	began := time.Now()
	n, err := paced(ctx, b.options.Latency, write)
	rate := float64(n) / time.Since(began).Seconds()
	err = errors.Join(err, sleep(ctx, settleTime), feed.Close())
	<-ended
	if err == nil && len(got) != n {
		err = fmt.Errorf("topic %s: %d records came, %d were written", topic, len(got), n)
	}
	return got, rate, err
}

// paced calls write from every writer at its share of the rate, and says how often. A writer that has fallen
// behind does not wait until it has caught up.
func paced(ctx context.Context, last time.Duration, write func(ctx context.Context, writer, id int) error) (int, error) {
	const gap = time.Second * latencyWriters / latencyRate
	var group sync.WaitGroup
	counts, errs := make([]int, latencyWriters), make([]error, latencyWriters)
	for writer := range latencyWriters {
		group.Go(func() {
			began := time.Now()
			for due := time.Duration(writer) * gap / latencyWriters; due < last && errs[writer] == nil && ctx.Err() == nil; due += gap {
				time.Sleep(due - time.Since(began))
				errs[writer] = write(ctx, writer, counts[writer]*latencyWriters+writer)
				counts[writer]++
			}
		})
	}
	group.Wait()
	n := 0
	for _, c := range counts {
		n += c
	}
	return n, errors.Join(errors.Join(errs...), ctx.Err())
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
