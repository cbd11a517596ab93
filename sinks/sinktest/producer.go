package sinktest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rdip/sinks"
)

// Producer runs the suite. target is called once for each test, with the test as its argument.
func Producer(t *testing.T, target func(t *testing.T) Target) {
	for name, test := range map[string]func(*testing.T, *bench){
		"records of each lane keep their order in each partition, and each is there once": ordered,
		"bytes are not read after the batch is reported":                                  borrowedUntilReported,
		"a record arrives as it was sent":                                                 faithful,
		"a batch over many topics arrives whole":                                          manyTopics,
		"a batch of no records is reported":                                               empty,
		"close waits until everything is reported":                                        closeWaits,
		"a closed producer takes nothing":                                                 closed,
		"send ends with its context, and has then taken nothing":                          sendEnds,
		"a topic or partition that was not prepared is refused, and nothing is taken":     unprepared,
		"a topic made by several at once is one topic":                                    preparedAtOnce,
		"the cluster says who it is, always the same":                                     identity,
	} {
		t.Run(name, func(t *testing.T) {
			b := &bench{Target: target(t), ledger: NewLedger()}
			b.producer = b.Open(t, b.ledger.Ack)
			t.Cleanup(func() {
				if err := b.producer.Close(within(t)); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			test(t, b)
		})
	}
}

// bench is one test's producer and ledger.
type bench struct {
	Target
	producer sinks.Producer
	ledger   *Ledger
	sent     int
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// topic prepares a topic named for the test.
func (b *bench) topic(t *testing.T, suffix string) sinks.Topic {
	t.Helper()
	name := fmt.Sprintf("sinktest.%d.%s", time.Now().UnixNano(), suffix)
	topic, err := b.producer.Prepare(within(t), name)
	if err != nil {
		t.Fatalf("prepare: %v", err)
	}
	if topic.Name != name || topic.Partitions != b.Partitions {
		t.Fatalf("prepared %s with %d partitions, want %s with %d", topic.Name, topic.Partitions, name, b.Partitions)
	}
	for _, key := range [][]byte{nil, {}, []byte("k"), []byte("\x00\x00\x00\x00\x01\x02")} {
		if p := topic.Partition(key); p < 0 || p >= topic.Partitions || p != topic.Partition(key) {
			t.Fatalf("key %q goes to partition %d of %d", key, p, topic.Partitions)
		}
	}
	return topic
}

func (b *bench) send(t *testing.T, records ...sinks.Record) {
	t.Helper()
	if err := b.producer.Send(within(t), b.ledger.Batch(records...)); err != nil {
		t.Fatalf("send: %v", err)
	}
	b.sent++
}

func ordered(t *testing.T, b *bench) {
	const lanes, batches, records = 4, 40, 50
	topics := []sinks.Topic{b.topic(t, "a"), b.topic(t, "b")}
	ctx := within(t)
	var all sync.WaitGroup
	for lane := range lanes {
		all.Go(func() {
			for i := range batches {
				var rs []sinks.Record
				for j := range records {
					n := i*records + j
					rs = append(rs, sinks.Record{Topic: topics[n%2].Name, Partition: int32(n/2) % b.Partitions,
						Key: fmt.Appendf(nil, "%d", lane), Value: fmt.Appendf(nil, "%08d", n)})
				}
				if err := b.producer.Send(ctx, b.ledger.Batch(rs...)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ledger.Await(t, lanes*batches)
	total := 0
	for _, topic := range topics {
		for p := range b.Partitions {
			total += b.rising(t, topic.Name, p)
		}
	}
	if total != lanes*batches*records {
		t.Errorf("%d records arrived of %d", total, lanes*batches*records)
	}
}

// rising checks that each lane's values rise, and counts them.
func (b *bench) rising(t *testing.T, topic string, partition int32) int {
	t.Helper()
	last := map[string]string{}
	records := b.Read(t, topic, partition)
	for i, r := range records {
		lane, value := string(r.Key), string(r.Value)
		if value <= last[lane] {
			t.Fatalf("%s/%d at %d: lane %s has %s behind %s", topic, partition, i, lane, value, last[lane])
		}
		last[lane] = value
	}
	return len(records)
}

func borrowedUntilReported(t *testing.T, b *bench) {
	topic := b.topic(t, "borrowed")
	const batches, records = 60, 20
	filler := strings.Repeat("x", 700)
	for i := range batches {
		var rs []sinks.Record
		for j := range records {
			text := fmt.Appendf(nil, "%05d%s", i*records+j, filler)
			rs = append(rs, sinks.Record{Topic: topic.Name, Key: text[:5], Value: text})
		}
		b.send(t, rs...)
	}
	b.ledger.Await(t, batches)
	got := b.Read(t, topic.Name, 0)
	if len(got) != batches*records {
		t.Fatalf("%d records arrived of %d", len(got), batches*records)
	}
	for i, r := range got {
		if want := fmt.Sprintf("%05d", i); string(r.Key) != want || string(r.Value) != want+filler {
			t.Fatalf("record %d has key %q and value %.12q...: bytes were read after the report", i, r.Key, r.Value)
		}
	}
}

func faithful(t *testing.T, b *bench) {
	topic := b.topic(t, "faithful")
	at := time.Date(2026, 11, 22, 12, 0, 0, 123_000_000, time.UTC).UnixMicro() // Kafka keeps milliseconds
	sent := []sinks.Record{
		{Key: []byte("k"), Value: []byte("v"), Micros: at},
		{Key: []byte("tombstone"), Value: nil, Micros: at + 1000},
		{Key: nil, Value: []byte("no key"), Micros: at},
		{Key: []byte{}, Value: []byte{}, Micros: at},
		{Key: []byte("\x00\xff"), Value: []byte("\x00\x00\x00\x00\x01\xfe"), Micros: at, Headers: []sinks.Header{
			{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte{}}, {Key: "ü", Value: []byte("\x00")}}},
		{Key: []byte("early"), Value: []byte("v"), Micros: 1000},
	}
	for i := range sent {
		sent[i].Topic, sent[i].Partition = topic.Name, 1
	}
	b.send(t, sent...)
	b.ledger.Await(t, 1)
	got := b.Read(t, topic.Name, 1)
	if len(got) != len(sent) {
		t.Fatalf("%d records arrived of %d", len(got), len(sent))
	}
	for i := range sent {
		if !same(got[i], sent[i]) {
			t.Errorf("record %d:\n got %+v\nwant %+v", i, got[i], sent[i])
		}
	}
}

// same compares records; null and empty differ.
func same(a, b sinks.Record) bool {
	bytes := func(a, b []byte) bool { return string(a) == string(b) && (a == nil) == (b == nil) }
	return a.Topic == b.Topic && a.Partition == b.Partition && a.Micros == b.Micros && bytes(a.Key, b.Key) && bytes(a.Value, b.Value) &&
		slices.EqualFunc(a.Headers, b.Headers, func(x, y sinks.Header) bool { return x.Key == y.Key && string(x.Value) == string(y.Value) })
}

func manyTopics(t *testing.T, b *bench) {
	const n = 30
	var records []sinks.Record
	for i := range n {
		topic := b.topic(t, fmt.Sprint("many", i))
		records = append(records, sinks.Record{Topic: topic.Name, Key: []byte("k"), Value: []byte(topic.Name)})
	}
	b.send(t, records...)
	b.ledger.Await(t, 1)
	for _, r := range records {
		if got := b.Read(t, r.Topic, 0); len(got) != 1 || string(got[0].Value) != r.Topic {
			t.Errorf("%s holds %v", r.Topic, got)
		}
	}
}

func empty(t *testing.T, b *bench) {
	b.send(t)
	b.ledger.Await(t, 1)
}

func closeWaits(t *testing.T, b *bench) {
	topic := b.topic(t, "close")
	for i := range 50 {
		b.send(t, sinks.Record{Topic: topic.Name, Value: fmt.Append(nil, i)})
	}
	if err := b.producer.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if n, failures := b.ledger.Reported(); n != b.sent || len(failures) > 0 {
		t.Errorf("%d of %d batches were reported when Close returned, failures %v", n, b.sent, failures)
	}
	if got := b.Read(t, topic.Name, 0); len(got) != b.sent {
		t.Errorf("%d records arrived of %d", len(got), b.sent)
	}
}

func closed(t *testing.T, b *bench) {
	topic := b.topic(t, "closed")
	if err := b.producer.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if b.producer.Send(within(t), b.ledger.Batch(sinks.Record{Topic: topic.Name})) == nil {
		t.Error("it took a batch")
	}
	if n, _ := b.ledger.Reported(); n != 0 {
		t.Error("it reported a batch that it did not take")
	}
}

func sendEnds(t *testing.T, b *bench) {
	topic := b.topic(t, "ends")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if b.producer.Send(ctx, b.ledger.Batch(sinks.Record{Topic: topic.Name, Value: []byte("refused")})) == nil {
		t.Error("it took a batch with a context that had ended")
	}
	b.send(t, sinks.Record{Topic: topic.Name, Value: []byte("taken")})
	b.ledger.Await(t, 1)
	if got := b.Read(t, topic.Name, 0); len(got) != 1 || string(got[0].Value) != "taken" {
		t.Errorf("%d records arrived", len(got))
	}
	if n, _ := b.ledger.Reported(); n != 1 {
		t.Errorf("%d batches were reported, and one was refused", n)
	}
}

func unprepared(t *testing.T, b *bench) {
	topic := b.topic(t, "prepared")
	good := sinks.Record{Topic: topic.Name, Value: []byte("v")}
	for what, bad := range map[string]sinks.Record{
		"an unknown topic":        {Topic: topic.Name + ".other"},
		"a partition too many":    {Topic: topic.Name, Partition: b.Partitions},
		"a negative partition":    {Topic: topic.Name, Partition: -1},
		"a topic without a name?": {},
	} {
		if b.producer.Send(within(t), b.ledger.Batch(good, bad)) == nil {
			t.Errorf("%s was taken", what)
		}
	}
	b.send(t, good)
	b.ledger.Await(t, 1)
	if got := b.Read(t, topic.Name, 0); len(got) != 1 {
		t.Errorf("%d records arrived: a refused batch was taken in part", len(got))
	}
}

func preparedAtOnce(t *testing.T, b *bench) {
	name := fmt.Sprintf("sinktest.%d.race", time.Now().UnixNano())
	ctx := within(t)
	found := make([]sinks.Topic, 8)
	var all sync.WaitGroup
	for i := range found {
		all.Go(func() {
			var err error
			if found[i], err = b.producer.Prepare(ctx, name); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, topic := range found {
		if topic.ID != found[0].ID || topic.ID == "" || topic.Name != name || topic.Partitions != b.Partitions {
			t.Errorf("found %q of %d partitions, id %q, and id %q", topic.Name, topic.Partitions, topic.ID, found[0].ID)
		}
	}
}

func identity(t *testing.T, b *bench) {
	first, err := b.producer.Identity(within(t))
	if err != nil || first == "" {
		t.Fatalf("%q, %v", first, err)
	}
	if again, err := b.producer.Identity(within(t)); again != first || err != nil {
		t.Errorf("%q, then %q, %v", first, again, err)
	}
}
