package consume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/rcrowley/go-metrics"
	"go.uber.org/goleak"

	"rdip/internal/fault"
	"rdip/sinks/kafka"
	"rdip/sinks/kafka/embedded"
)

func TestMain(m *testing.M) {
	metrics.UseNilMetrics = true // sarama's meters have a goroutine that nothing ends; cmd/rdip does so too
	goleak.VerifyTestMain(m)
}

// cluster is an embedded broker with a client that writes to it.
type cluster struct {
	t      *testing.T
	broker *embedded.Broker
	client sarama.Client
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	b, err := embedded.Start(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return &cluster{t: t, broker: b, client: newClient(t, b, func(*sarama.Config) {})}
}

func newClient(t *testing.T, b *embedded.Broker, change func(*sarama.Config)) sarama.Client {
	t.Helper()
	s := sarama.NewConfig()
	s.Version = sarama.V2_8_0_0
	s.Producer.Return.Successes = true
	s.Producer.Partitioner = sarama.NewManualPartitioner
	change(s)
	c, err := sarama.NewClient([]string{b.Addr()}, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (c *cluster) topic(name string, partitions int32) {
	c.t.Helper()
	admin, err := sarama.NewClusterAdminFromClient(c.client)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false); err != nil {
		c.t.Fatal(err)
	}
	if err := c.client.RefreshMetadata(name); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) write(topic string, partition int32, values ...string) {
	c.t.Helper()
	p, err := sarama.NewSyncProducerFromClient(c.client)
	if err != nil {
		c.t.Fatal(err)
	}
	defer p.Close()
	for _, v := range values {
		_, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: topic, Partition: partition, Value: sarama.StringEncoder(v),
			Headers: []sarama.RecordHeader{{Key: []byte("h"), Value: []byte(v)}}})
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *cluster) open(o Options, patterns ...string) (*Consumer, error) {
	c.t.Helper()
	for _, text := range patterns {
		p, err := ParsePattern(text)
		if err != nil {
			c.t.Fatal(err)
		}
		o.Topics = append(o.Topics, p)
	}
	o.Refresh = 50 * time.Millisecond
	config := kafka.NewConfig(c.broker.Addr())
	return Open(c.t.Context(), &config, o)
}

// read is the next n records as "topic/partition value"; fewer where the end comes first.
func read(t *testing.T, c *Consumer, n int) (lines []string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for len(lines) < n {
		r, err := c.Next(ctx)
		if err != nil {
			return lines, err
		}
		if len(r.Headers) != 1 || string(r.Headers[0].Value) != string(r.Value) || r.Time.IsZero() {
			t.Errorf("record %+v", r)
		}
		lines = append(lines, fmt.Sprintf("%s/%d %s", r.Topic, r.Partition, r.Value))
	}
	return lines, nil
}

func expect(t *testing.T, c *Consumer, want ...string) {
	t.Helper()
	got, err := read(t, c, len(want))
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("read %v (%v), needed is %v", got, err, want)
	}
}

func closing(t *testing.T, c *Consumer) {
	t.Helper()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestEverythingThatIsThereIsReadAndThenTheEnd(t *testing.T) {
	k := newCluster(t)
	k.topic("a", 3)
	k.topic("empty", 2)
	for p := range int32(3) {
		k.write("a", p, "x", "y", "z")
	}
	c, err := k.open(Options{FromBeginning: true}, "a", "empty")
	if err != nil {
		t.Fatal(err)
	}
	closing(t, c)
	got, err := read(t, c, 10)
	if !errors.Is(err, io.EOF) || len(got) != 9 {
		t.Errorf("%v, %v; needed are 9 records and io.EOF", got, err)
	}
}

func TestFromTheEndOnlyWhatComesAfterIsRead(t *testing.T) {
	k := newCluster(t)
	k.topic("a", 1)
	k.write("a", 0, "old")
	c, err := k.open(Options{Follow: true}, "a")
	if err != nil {
		t.Fatal(err)
	}
	closing(t, c)
	k.write("a", 0, "new")
	expect(t, c, "a/0 new")
}

func TestATopicAndAPartitionThatComeLaterAreReadFromTheirBeginning(t *testing.T) {
	k := newCluster(t)
	c, err := k.open(Options{Follow: true, Await: true}, "shop.*")
	if err != nil {
		t.Fatal(err)
	}
	closing(t, c)
	k.topic("other", 1)
	k.topic("shop.a", 1)
	k.write("other", 0, "not ours")
	k.write("shop.a", 0, "first")
	expect(t, c, "shop.a/0 first")
	admin, err := sarama.NewClusterAdminFromClient(k.client)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.CreatePartitions("shop.a", 2, nil, false); err != nil {
		t.Fatal(err)
	}
	if err := k.client.RefreshMetadata("shop.a"); err != nil {
		t.Fatal(err)
	}
	k.write("shop.a", 1, "second")
	expect(t, c, "shop.a/1 second")
}

func TestOfTransactionsOnlyWhatWasCommittedIsReadAndTheirMarkersEndIt(t *testing.T) {
	k := newCluster(t)
	k.topic("a", 1)
	producing := newClient(t, k.broker, func(s *sarama.Config) {
		s.Producer.Idempotent, s.Producer.RequiredAcks, s.Net.MaxOpenRequests = true, sarama.WaitForAll, 1
		s.Producer.Transaction.ID = "t"
	})
	p, err := sarama.NewSyncProducerFromClient(producing)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, step := range []struct {
		value string
		end   func() error
	}{{"kept", p.CommitTxn}, {"dropped", p.AbortTxn}, {"kept too", p.CommitTxn}, {"dropped too", p.AbortTxn}} {
		if err := p.BeginTxn(); err != nil {
			t.Fatal(err)
		}
		h := []sarama.RecordHeader{{Key: []byte("h"), Value: []byte(step.value)}}
		if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: "a", Value: sarama.StringEncoder(step.value), Headers: h}); err != nil {
			t.Fatal(err)
		}
		if err := step.end(); err != nil {
			t.Fatal(err)
		}
	}
	c, err := k.open(Options{FromBeginning: true}, "a")
	if err != nil {
		t.Fatal(err)
	}
	closing(t, c)
	got, err := read(t, c, 9)
	if !errors.Is(err, io.EOF) || fmt.Sprint(got) != "[a/0 kept a/0 kept too]" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestReadingGoesOnAtWhatRetentionLeft(t *testing.T) {
	k := newCluster(t)
	k.topic("a", 1)
	k.write("a", 0, "one", "two", "three")
	c, err := k.open(Options{Follow: true}, "a")
	if err != nil {
		t.Fatal(err)
	}
	closing(t, c)
	k.write("a", 0, "four")
	expect(t, c, "a/0 four")
	admin, err := sarama.NewClusterAdminFromClient(k.client)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.DeleteTopic("a"); err != nil { // made anew, its offsets begin at 0 again
		t.Fatal(err)
	}
	k.topic("a", 1)
	k.write("a", 0, "anew")
	expect(t, c, "a/0 anew")
}

func TestAMissingTopicIsRefusedWithTheNearestNames(t *testing.T) {
	k := newCluster(t)
	for _, name := range []string{"shop.public.orders", "shop.public.order_items", "other"} {
		k.topic(name, 1)
	}
	for pattern, hint := range map[string]string{
		"shop.public.order": "rdip tail shop.public.orders",
		"orders":            "rdip tail shop.public.orders",
		"shop.pubic.*":      "start its connector",
		"nothing-like-it":   "start its connector",
	} {
		_, err := k.open(Options{}, pattern)
		var f *fault.Error
		if !errors.As(err, &f) || !strings.HasPrefix(f.Hint, hint) || !strings.Contains(err.Error(), pattern) {
			t.Errorf("%s: %v; needed is the hint %q", pattern, err, hint)
		}
	}
}

func TestABrokerThatIsNotThereIsNamed(t *testing.T) {
	config := kafka.NewConfig("127.0.0.1:1")
	p, _ := ParsePattern("a")
	_, err := Open(t.Context(), &config, Options{Topics: []Pattern{p}})
	var f *fault.Error
	if !errors.As(err, &f) || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(f.Hint, "brokers run") {
		t.Error(err)
	}
}

func TestPatternsMeanWholeNames(t *testing.T) {
	topics := []string{"__consumer_offsets", "__debezium-heartbeat.shop", "shop.public.a", "shop.public.b", "shopping"}
	for pattern, want := range map[string]string{
		"shop.public.a":         "[shop.public.a]",
		"shop.*":                "[shop.public.a shop.public.b]",
		"shop.public.?":         "[shop.public.a shop.public.b]",
		"*":                     "[__debezium-heartbeat.shop shop.public.a shop.public.b shopping]",
		`/shop\.public\.(b|c)/`: "[shop.public.b]",
		"/shop/":                "[]",
		"__consumer_offsets":    "[__consumer_offsets]",
	} {
		p, err := ParsePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := choose([]Pattern{p}, topics); fmt.Sprint(got) != want {
			t.Errorf("%s means %v, needed is %s", pattern, got, want)
		}
	}
	for _, bad := range []string{"", "/(/"} {
		if _, err := ParsePattern(bad); fault.KindOf(err) != fault.Configuration {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A reader that remembers where it was begins there, and at the oldest record where that is not there any more.
func TestAPartitionIsBegunWhereItsReaderSays(t *testing.T) {
	for _, c := range []struct {
		at   int64 // below 0: where it would be without
		want []string
	}{{1, []string{"a/0 y", "a/0 z", "a/0 new"}}, {-1, []string{"a/0 new"}}, {99, []string{"a/0 x", "a/0 y", "a/0 z", "a/0 new"}}} {
		t.Run(fmt.Sprint("at ", c.at), func(t *testing.T) {
			k := newCluster(t)
			k.topic("a", 1)
			k.write("a", 0, "x", "y", "z")
			end := int64(-1)
			reader, err := k.open(Options{Follow: true, At: func(_ string, _ int32, first int64) int64 {
				end = first
				if c.at < 0 {
					return first
				}
				return c.at
			}}, "a")
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			if end != 3 {
				t.Errorf("the end was told to be %d", end)
			}
			k.write("a", 0, "new")
			expect(t, reader, c.want...)
		})
	}
}
