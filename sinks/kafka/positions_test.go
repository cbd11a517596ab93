package kafka_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

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
