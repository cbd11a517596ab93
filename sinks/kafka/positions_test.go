package kafka_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"rdip/integration/testenv"
	"rdip/internal/fault"
	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/sinktest"
)

func TestATopicOfPositionsThatDoesNotKeepThemIsRefusedWithTheFix(t *testing.T) {
	c := testenv.SharedKafka(t)
	for policy, want := range map[string]string{"delete": "its cleanup.policy is delete", "compact,delete": "its cleanup.policy is compact,delete", "compact": ""} {
		t.Run(policy, func(t *testing.T) {
			config := transactional(testenv.Name("id"), c.Bootstrap())
			name := config.Transactions.Positions.Name
			if err := c.CreateTopic(name, 1, map[string]string{"cleanup.policy": policy}); err != nil {
				t.Fatal(err)
			}
			p := open(t, config, partitions(1), sinktest.NewLedger().Ack)
			_, _, err := p.Positions(soon(t), nil)
			found := fault.Findings(p.Check(soon(t), nil))
			if want == "" {
				if err != nil || found.Err() != nil {
					t.Errorf("%v; a check finds %v", err, found)
				}
				return
			}
			for what, said := range map[string]string{"a start": fmt.Sprint(err), "a check": found.Error()} {
				if !strings.Contains(said, want) || !strings.Contains(said, "--entity-name "+name+" --add-config cleanup.policy=compact") {
					t.Errorf("%s says %s", what, said)
				}
			}
		})
	}
}

func TestTheTopicOfPositionsIsMadeCompactedWhateverOtherTopicsAre(t *testing.T) {
	c := testenv.SharedKafka(t)
	config := transactional(testenv.Name("id"), c.Bootstrap())
	others := partitions(7)
	others.Settings = map[string]string{"cleanup.policy": "delete", "retention.ms": "60000"}
	p := open(t, config, others, sinktest.NewLedger().Ack)
	if _, _, err := p.Positions(soon(t), nil); err != nil {
		t.Fatal(err)
	}
	n, settings, ok, err := c.Topic(config.Transactions.Positions.Name)
	if err != nil || !ok || n != 2 || settings["cleanup.policy"] != "compact" || settings["retention.ms"] != "" {
		t.Errorf("%d partitions, %v, %v, %v", n, settings, ok, err)
	}
}

func TestPositionsAreReadBehindSomebodyElsesOpenTransactionOnceItEnds(t *testing.T) {
	c := testenv.SharedKafka(t)
	config := transactional(testenv.Name("id"), c.Bootstrap())
	name := config.Transactions.Positions.Name
	other := config
	other.Transactions.ID += "-other"
	l := sinktest.NewLedger()
	stranger := begin(t, other, l)
	ours := begin(t, config, l)
	if err := stranger.Send(soon(t), l.Batch(sinks.Record{Topic: name, Key: []byte("other"), Value: []byte("open")})); err != nil {
		t.Fatal(err)
	}
	l.Await(t, 1)
	mustCommit(t, ours, sinks.Record{Topic: name, Key: []byte("shop"), Value: []byte("behind it")})
	var mu sync.Mutex
	var told []fault.Finding
	p, err := kafka.New(config, partitions(1), l.Ack, func(f fault.Finding) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, f)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(soon(t))
	type result struct {
		found []sinks.Record
		err   error
	}
	read := make(chan result, 1)
	go func() {
		_, found, err := p.Positions(soon(t), func(key []byte) bool { return string(key) == "shop" })
		read <- result{found, err}
	}()
	await(t, "it is told what holds the reading up", func() bool { mu.Lock(); defer mu.Unlock(); return len(told) > 0 })
	select {
	case r := <-read:
		t.Fatalf("it did not wait: %v, %v", r.found, r.err)
	default:
	}
	if !strings.Contains(told[0].Fix, "kafka-transactions.sh") || !strings.Contains(told[0].Fix, "--topic "+name) {
		t.Errorf("told %v", told)
	}
	if err := stranger.Close(soon(t)); err != nil { // which aborts it
		t.Fatal(err)
	}
	if r := <-read; r.err != nil || len(r.found) != 1 || string(r.found[0].Value) != "behind it" {
		t.Errorf("found %v, %v", r.found, r.err)
	}
}

func TestPositionsAreFoundAmongManyOthersAndAbortedOnes(t *testing.T) {
	for name, address := range map[string]func(t *testing.T) string{
		"Apache Kafka": func(t *testing.T) string { return testenv.SharedKafka(t).Bootstrap() },
		"embedded":     func(t *testing.T) string { return start(t).Addr() },
	} {
		t.Run(name, func(t *testing.T) {
			config := transactional(testenv.Name("id"), address(t))
			config.Transactions.Positions.Partitions = 1
			topic := config.Transactions.Positions.Name
			l := sinktest.NewLedger()
			filler := strings.Repeat("x", 300_000)
			for round := range 3 {
				p := begin(t, config, l)
				var rs []sinks.Record
				for i := range 6 { // 1.8 MB a round, more than a fetch
					rs = append(rs, sinks.Record{Topic: topic, Key: fmt.Append(nil, "other ", i), Value: []byte(filler)})
				}
				mustCommit(t, p, append(rs, sinks.Record{Topic: topic, Key: []byte("shop"), Value: fmt.Append(nil, "committed ", round)})...)
				before, _ := l.Reported()
				if err := p.Send(soon(t), l.Batch(append(rs, sinks.Record{Topic: topic, Key: []byte("shop"), Value: []byte("aborted")})...)); err != nil {
					t.Fatal(err)
				}
				l.Await(t, before+1)
				if round > 0 { // the first is left open, for the next to abort
					if err := p.Close(soon(t)); err != nil {
						t.Fatal(err)
					}
				}
			}
			p := open(t, config, partitions(1), l.Ack)
			began := time.Now()
			_, found, err := p.Positions(soon(t), func(key []byte) bool { return string(key) == "shop" })
			if err != nil || len(found) != 1 || string(found[0].Value) != "committed 2" {
				t.Errorf("found %v, %v", found, err)
			}
			t.Logf("read within %v", time.Since(began))
		})
	}
}

// K9: of a key that went to another partition when the topic was given more, the newest value counts wherever it is. The
// next commit of the key removes the older ones, which would come back once compaction has removed the newest's tombstone.
func TestTheNewestPositionCountsAlsoWhereTheTopicWasGivenMorePartitions(t *testing.T) {
	c := testenv.SharedKafka(t)
	config := transactional(testenv.Name("id"), c.Bootstrap())
	name, l := config.Transactions.Positions.Name, sinktest.NewLedger()
	generations := []int32{2, 5, 7}
	used := map[string]bool{}
	key := func(in ...int32) string { // one that is in these partitions of 2, of 5 and of 7
		for i := 0; ; i++ {
			k := fmt.Sprint("shop ", i)
			fits := !used[k]
			for g, n := range generations {
				fits = fits && kafka.Partition([]byte(k), n) == in[g]
			}
			if fits {
				used[k] = true
				return k
			}
		}
	}
	moved, twice, gone, still, same := key(1, 4, 0), key(1, 0, 3), key(1, 4, 0), key(1, 2, 3), key(0, 0, 0)
	read := func() (*kafka.Producer, map[string]string) {
		t.Helper()
		p := open(t, config, partitions(1), l.Ack)
		_, records, err := p.Positions(soon(t), func([]byte) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, r := range records {
			found[string(r.Key)] = string(r.Value)
		}
		return p, found
	}
	at := int64(0)
	put := func(p *kafka.Producer, generation int, value []byte, keys ...string) {
		t.Helper()
		at += 1_000_000
		var rs []sinks.Record
		for _, k := range keys {
			rs = append(rs, sinks.Record{Topic: name, Partition: kafka.Partition([]byte(k), generations[generation]), Key: []byte(k), Value: value, Micros: at})
		}
		mustCommit(t, p, rs...)
	}
	grow := func(n int32) {
		t.Helper()
		addPartitions(t, c.Bootstrap(), name, n)
		await(t, "the partitions", func() bool { now, _, _, err := c.Topic(name); return err == nil && now == int(n) })
	}
	expect := func(found, want map[string]string) {
		t.Helper()
		if !maps.Equal(found, want) {
			t.Errorf("found %v, want %v", found, want)
		}
	}
	p, _ := read()
	put(p, 0, []byte("old"), moved, twice, gone, still, same)
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
	grow(generations[1])
	// By a producer that does not tidy up, such as Connect's.
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	stranger := &kgo.Record{Topic: name, Key: []byte(twice), Value: []byte("newer"), Partition: kafka.Partition([]byte(twice), generations[1]), Timestamp: time.UnixMicro(at + 1_000_000)}
	at += 1_000_000
	if err := client.ProduceSync(soon(t), stranger).FirstErr(); err != nil {
		t.Fatal(err)
	}
	grow(generations[2])
	p, found := read()
	expect(found, map[string]string{moved: "old", twice: "newer", gone: "old", still: "old", same: "old"})
	put(p, 2, []byte("newest"), moved, twice)
	put(p, 2, nil, gone)
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
	_, found = read()
	expect(found, map[string]string{moved: "newest", twice: "newest", still: "old", same: "old"})
	records, err := c.Read(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]string{}
	for _, r := range records {
		left[fmt.Sprintf("%s in %d", r.Key, r.Partition)] = string(r.Value)
	}
	for _, k := range []string{moved, twice, gone} {
		for _, n := range generations[:2] {
			if where := fmt.Sprintf("%s in %d", k, kafka.Partition([]byte(k), n)); left[where] != "" {
				t.Errorf("%s of %d is still %q", where, n, left[where])
			}
		}
	}
}
