package reliability

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"rdip/integration/harness"
	"rdip/internal/failpoint"
)

// D1: what a signal of the topic asks for is done once, wherever the daemon is killed behind it: that it was read is in the
// Kafka transaction of what it asked for.
func TestExactlyOnceASignalOfTheTopicIsActedUponOnceOverAKill(t *testing.T) {
	for point, n := range map[string]int{failpoint.WindowRead: 1, failpoint.WindowEmitted: 1, failpoint.Committing: 2, failpoint.PositionsSent: 2, failpoint.Committed: 2} {
		t.Run(point, func(t *testing.T) {
			p := once(t)
			topic := p.Prefix + "-signal"
			if err := p.Kafka.CreateTopic(topic, 1, nil); err != nil {
				t.Fatal(err)
			}
			p.Exec(t, "INSERT INTO items SELECT i, 'row' FROM generate_series(1, 9) i")
			p = p.Configured("connectors.shop.signal.enabled.channels", "kafka", "connectors.shop.signal.kafka.bootstrap.servers", p.Kafka.Bootstrap(), "connectors.shop.snapshot.mode", "no_data")
			p.Tags = []string{"failpoints"}
			d := p.Streaming(t)
			d.WaitFor(t, "the signal topic is read")
			p.Insert(t, 10, 10)
			harness.Eventually(t, "row 10", func() bool { return len(p.Records(t, "items")) == 1 })
			ends(t, d)
			killed := p.Configured()
			killed.Env = []string{fmt.Sprintf("RDIP_FAILPOINT=%s:%d", point, n)}
			d = killed.Start(t)
			signal(t, p, topic, `{"id": "one", "type": "execute-snapshot", "data": {"data-collections": ["public.items"]}}`)
			last := 10
			for d.Running() {
				last++
				p.Insert(t, last, last)
				time.Sleep(100 * time.Millisecond)
			}
			d = p.Streaming(t)
			harness.Eventually(t, "the rows to be read", func() bool { return readOf(t, p)["0"] > 0 })
			p.Converge(t)
			ends(t, d)
			d = p.Streaming(t) // nothing is asked for again
			last++
			p.Insert(t, last, last)
			p.Converge(t)
			ends(t, d)
			reads := readOf(t, p)
			for i := range 10 {
				if n := reads[fmt.Sprint(i)]; n != 1 {
					t.Errorf("row %d was read %d times", i, n)
				}
			}
			created := map[string]int{}
			for _, r := range p.Records(t, "items") {
				if r.Op == 'c' {
					created[r.Key]++
				}
			}
			for i := 10; i <= last; i++ {
				if n := created[fmt.Sprint(i)]; n != 1 {
					t.Errorf("the insert of row %d came %d times", i, n)
				}
			}
		})
	}
}

// signal writes a signal for the connector into its topic.
func signal(t *testing.T, p *harness.Pipeline, topic, value string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(p.Kafka.Bootstrap()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: []byte(p.Prefix), Value: []byte(value)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}
