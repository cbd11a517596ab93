package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/sinktest"
)

func TestEachPartitionKeepsItsOrderWhileLeadersMoveAnswersAreLostAndBrokersRefuse(t *testing.T) { // K1, K2
	m := newMoving(t, 4, 60, 40, 6)
	l := sinktest.NewLedger()
	p := open(t, kafka.NewConfig(m.ListenAddrs()...), partitions(m.parts), l.Ack)
	m.send(t, p, l, func() {})
	m.mustHold(t, sinktest.ReadKafka(m.ListenAddrs()[0]))
}

// observe sees every Produce request once; kfake shows it once for each partition and once for itself.
func observe(cluster *kfake.Cluster, see func(*kmsg.ProduceRequest)) {
	var last kmsg.Request
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Count: -1, Observe: true, When: func(q kmsg.Request) bool {
		if q != last {
			last = q
			see(q.(*kmsg.ProduceRequest))
		}
		return true
	}})
}

func TestARetryIsTheSameRecordBatchWhateverWasSentMeanwhile(t *testing.T) { // K2
	var mute atomic.Int32
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(mumbling(&mute)))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	var mu sync.Mutex
	var seen [][]byte
	observe(cluster, func(q *kmsg.ProduceRequest) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, bytes.Clone(q.Topics[0].Partitions[0].Records))
		if len(seen) == 1 {
			mute.Store(1) // the first is appended, and its answer lost
		}
	})
	l := sinktest.NewLedger()
	p := open(t, kafka.NewConfig(cluster.ListenAddrs()[0]), partitions(1), l.Ack)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	stream(t, p, l, "t", 20, func(int) { time.Sleep(5 * time.Millisecond) })
	l.Await(t, 20)
	mustHold(t, cluster.ListenAddrs()[0], "t", 400)
	mu.Lock()
	defer mu.Unlock()
	if len(seen) < 3 || !bytes.Equal(seen[0], seen[1]) {
		t.Errorf("%d record batches came; the second is not the first again", len(seen))
	}
}

func TestAfterAFailureWhatIsRefusedForAWhileIsCutOffInTimeAndEverythingIsReportedOnce(t *testing.T) { // K3
	b := start(t)
	l := sinktest.NewLedger()
	c := kafka.NewConfig(b.Addr())
	c.Timeout = time.Second
	p := open(t, c, partitions(2), l.Ack)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{0}, Err: kerr.NotEnoughReplicas, Count: -1})
	for range 5 {
		if err := p.Send(soon(t), l.Batch(sinks.Record{Topic: "t", Value: []byte("waits")})); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{1}, Err: kerr.PolicyViolation, Count: -1})
	if err := p.Send(soon(t), l.Batch(sinks.Record{Topic: "t", Partition: 1, Value: []byte("bad")}, sinks.Record{Topic: "t", Value: []byte("behind")})); err != nil {
		t.Fatal(err)
	}
	await(t, "every batch is reported", func() bool { n, _ := l.Reported(); return n == 6 })
	if _, failures := l.Reported(); len(failures) != 6 || p.Inflight() != 0 {
		t.Errorf("%d failed, %d bytes are under way", len(failures), p.Inflight())
	}
	if err := p.Close(soon(t)); err != nil {
		t.Error(err)
	}
}

func TestARequestGathersPartitionsAndNoRecordBatchExceedsWhatItsTopicTakes(t *testing.T) { // K4
	b := start(t)
	if err := b.Cluster().CreateTopic("t", 8, map[string]string{"max.message.bytes": "20000"}); err != nil {
		t.Fatal(err)
	}
	var requests, batches, largest atomic.Int64
	observe(b.Cluster(), func(q *kmsg.ProduceRequest) {
		requests.Add(1)
		for _, part := range q.Topics[0].Partitions {
			batches.Add(1)
			largest.Store(max(largest.Load(), int64(len(part.Records))))
		}
	})
	l := sinktest.NewLedger()
	p := open(t, kafka.NewConfig(b.Addr()), partitions(8), l.Ack)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	var rs []sinks.Record
	for i := range 4000 {
		rs = append(rs, sinks.Record{Topic: "t", Partition: int32(i % 8), Value: make([]byte, 90)})
	}
	if err := p.Send(soon(t), l.Batch(rs...)); err != nil {
		t.Fatal(err)
	}
	l.Await(t, 1)
	if largest.Load() > 20_000 || batches.Load() != 32 || requests.Load() != 4 { // 500 records a partition, 158 a record batch
		t.Errorf("%d requests of %d record batches, of at most %d bytes", requests.Load(), batches.Load(), largest.Load())
	}
}

func TestARecordCostsNoAllocationOfItsOwn(t *testing.T) {
	b := start(t)
	reported := make(chan error, 1)
	p := open(t, kafka.NewConfig(b.Addr()), partitions(2), func(_ *sinks.Batch, err error) { reported <- err })
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	const records = 5000
	batch := &sinks.Batch{Arena: make([]byte, 100)}
	for i := range records {
		batch.Records = append(batch.Records, sinks.Record{Topic: "t", Partition: int32(i % 2), Key: batch.Arena[:10], Value: batch.Arena})
	}
	ctx := context.Background()
	if n := testing.AllocsPerRun(20, func() {
		if err := errors.Join(p.Send(ctx, batch), <-reported); err != nil {
			t.Fatal(err)
		}
	}); n > records/5 { // of requests, and of the broker, which is in this process
		t.Errorf("%v allocations for %d records", n, records)
	}
}
