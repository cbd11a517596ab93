package kafka_test

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/kafka/embedded"
	"rdip/sinks/sinktest"
)

// stream sends numbered records, one partition, 20 a batch, until stop says so or n batches are sent.
func stream(t *testing.T, p *kafka.Producer, l *sinktest.Ledger, topic string, n int, each func(batch int)) {
	t.Helper()
	ctx := soon(t)
	for i := range n {
		var rs []sinks.Record
		for j := range 20 {
			rs = append(rs, sinks.Record{Topic: topic, Key: []byte("k"), Value: fmt.Appendf(nil, "%08d", i*20+j), Micros: time.Now().UnixMicro()})
		}
		if err := p.Send(ctx, l.Batch(rs...)); err != nil {
			t.Fatalf("batch %d: %v", i, err)
		}
		each(i)
	}
}

// mustHold checks that partition 0 holds records 0 to n-1, each once, in order.
func mustHold(t *testing.T, address, topic string, n int) {
	t.Helper()
	got := sinktest.ReadKafka(address)(t, topic, 0)
	for i := range min(len(got), n) {
		if want := fmt.Sprintf("%08d", i); string(got[i].Value) != want {
			t.Fatalf("record %d is %s, not %s", i, got[i].Value, want)
		}
	}
	if len(got) != n {
		t.Fatalf("%d records arrived of %d", len(got), n)
	}
}

func TestOrderHoldsAndNothingComesTwiceWhateverABrokerAnswersForAWhile(t *testing.T) { // K2
	for name, err := range map[string]*kerr.Error{
		"another broker leads":                        kerr.NotLeaderForPartition,
		"no broker leads":                             kerr.LeaderNotAvailable,
		"the partition is not known yet":              kerr.UnknownTopicOrPartition,
		"too few replicas":                            kerr.NotEnoughReplicas,
		"too few replicas, and it was written anyway": kerr.NotEnoughReplicasAfterAppend,
		"a timeout, and it was written anyway":        kerr.RequestTimedOut,
		"the disk failed":                             kerr.KafkaStorageError,
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t)
			l := sinktest.NewLedger()
			p := open(t, kafka.NewConfig(b.Addr()), partitions(1), l.Ack)
			if _, err := p.Prepare(soon(t), "t"); err != nil {
				t.Fatal(err)
			}
			stream(t, p, l, "t", 200, func(i int) {
				if i%70 == 35 {
					b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err, Count: 1})
				}
			})
			l.Await(t, 200)
			mustHold(t, b.Addr(), "t", 4000)
		})
	}
}

func TestOrderHoldsWhileTheLeaderMoves(t *testing.T) { // K2
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	l := sinktest.NewLedger()
	p := open(t, kafka.NewConfig(cluster.ListenAddrs()...), partitions(1), l.Ack)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	stream(t, p, l, "t", 300, func(i int) {
		if i%10 == 5 {
			if err := cluster.MoveTopicPartition("t", 0, int32(i/10)%3); err != nil {
				t.Fatal(err)
			}
		}
	})
	l.Await(t, 300)
	mustHold(t, cluster.ListenAddrs()[0], "t", 6000)
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsSentWhileTheBrokerIsAwayArrivesInOrderWhenItIsBack(t *testing.T) { // K1
	dir := t.TempDir()
	b, err := embedded.Start(embedded.Options{DataDir: filepath.Join(dir, "b")})
	if err != nil {
		t.Fatal(err)
	}
	address := b.Addr()
	t.Cleanup(func() { _ = b.Close() })
	l := sinktest.NewLedger()
	p := open(t, kafka.NewConfig(address), partitions(1), l.Ack)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	stream(t, p, l, "t", 200, func(i int) {
		if i != 70 && i != 140 {
			return
		}
		_ = b.Close()
		if i == 140 {
			time.Sleep(500 * time.Millisecond)
		}
		if b, err = embedded.Start(embedded.Options{DataDir: filepath.Join(dir, "b"), Addr: address}); err != nil {
			t.Fatal(err)
		}
	})
	l.Await(t, 200)
	mustHold(t, address, "t", 4000)
}

func TestSequenceNumbersBeginAgainWhereThirtyOneBitsEnd(t *testing.T) {
	for _, c := range []struct {
		from int32
		n    int
		want int32
	}{
		{0, 1, 1},
		{math.MaxInt32 - 1, 1, math.MaxInt32},
		{math.MaxInt32, 1, 0}, // as DefaultRecordBatchTest.testIncrementSequence of Apache Kafka has it
		{math.MaxInt32 - 5, 10, 4},
		{1 << 30, 1 << 30, 0},
	} {
		if got := kafka.Advance(c.from, c.n); got != c.want {
			t.Errorf("%d records after %d is %d, not %d", c.n, c.from, got, c.want)
		}
	}
}

func TestApacheKafkaTakesSequenceNumbersThatBeginAgainWithinARecordBatch(t *testing.T) {
	c := testenv.Kafka(t, kafkaserver.Options{}) // kfake begins again one number early
	l := sinktest.NewLedger()
	p := open(t, kafka.NewConfig(c.Bootstrap()), partitions(2), l.Ack)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	p.BeginAt("t", 0, math.MaxInt32-449) // 450 more before they begin again
	p.BeginAt("t", 1, math.MaxInt32-449)
	rs := make([]sinks.Record, 1000)
	for i := range rs {
		rs[i] = sinks.Record{Topic: "t", Partition: 1, Value: fmt.Appendf(nil, "%08d", i)}
	}
	if err := p.Send(soon(t), l.Batch(rs...)); err != nil { // one record batch over the end
		t.Fatal(err)
	}
	stream(t, p, l, "t", 100, func(int) {})
	l.Await(t, 101)
	mustHold(t, c.Bootstrap(), "t", 2000)
	if got := sinktest.ReadKafka(c.Bootstrap())(t, "t", 1); len(got) != 1000 || string(got[999].Value) != "00000999" {
		t.Errorf("%d records arrived of 1000", len(got))
	}
}
