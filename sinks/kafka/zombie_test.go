package kafka_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/internal/fault"
	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/sinktest"
)

// holdBack has a producer that a kill -9 is to end send a last record, which does not arrive: it is held between
// the two, as in the socket of a frozen broker. What it returns lets it go on.
func holdBack(t *testing.T, c *kafkaserver.Cluster, p *kafka.Producer, l *sinktest.Ledger, topic, value string) (arrive func()) {
	t.Helper()
	proxy := c.Brokers[0].Proxy()
	proxy.Stall()
	if err := p.Send(soon(t), l.Batch(sinks.Record{Topic: topic, Key: []byte("k"), Value: []byte(value)})); err != nil {
		t.Fatal(err)
	}
	await(t, "the request is on its way", func() bool { return p.IsWaiting(topic) })
	time.Sleep(100 * time.Millisecond) // for the kernel to have it
	p.Kill()
	return func() {
		proxy.Pass()
		await(t, "the proxy has delivered everything", func() bool { return proxy.Connections() == 0 })
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = p.Close(now) // of what is left in this process
	}
}

func values(t *testing.T, c *kafkaserver.Cluster, topic string) string {
	t.Helper()
	var all []string
	for _, r := range sinktest.ReadKafka(c.Bootstrap())(t, topic, 0) {
		all = append(all, string(r.Value))
	}
	return strings.Join(all, " ")
}

// sendAll sends values one after the other, each acknowledged before the next.
func sendAll(t *testing.T, p *kafka.Producer, l *sinktest.Ledger, topic string, values ...string) {
	t.Helper()
	before, _ := l.Reported()
	for i, v := range values {
		if err := p.Send(soon(t), l.Batch(sinks.Record{Topic: topic, Key: []byte("k"), Value: []byte(v)})); err != nil {
			t.Fatal(err)
		}
		l.Await(t, before+i+1)
	}
}

func TestWhatAKilledProducerLeftOnItsWayIsNotAppendedBehindWhatTheNextOneWrote(t *testing.T) { // K12
	c := testenv.Kafka(t, kafkaserver.Options{Proxied: true})
	for name, test := range map[string]struct {
		id   string
		want string
	}{
		// The test can fail: without a transactional id it is appended, behind newer records.
		"without a transactional id it is": {"", "1 2 3 2"},
		"with one it is refused":           {"rdip-shop-shop", "1 2 3"},
	} {
		t.Run(name, func(t *testing.T) {
			topic := testenv.Name("late")
			config := kafka.NewConfig(c.ProxiedBootstrap())
			config.Transactions.ID = test.id
			dead, next := sinktest.NewLedger(), sinktest.NewLedger()
			killed := open(t, config, partitions(1), dead.Ack)
			if _, err := killed.Prepare(soon(t), topic); err != nil {
				t.Fatal(err)
			}
			sendAll(t, killed, dead, topic, "1")
			arrive := holdBack(t, c, killed, dead, topic, "2")
			config.Brokers = []string{c.Bootstrap()}
			p := open(t, config, partitions(1), next.Ack)
			if _, err := p.Prepare(soon(t), topic); err != nil {
				t.Fatal(err)
			}
			sendAll(t, p, next, topic, "2", "3")
			arrive()
			if test.id == "" {
				await(t, "the late record", func() bool { return values(t, c, topic) == test.want })
			} else {
				time.Sleep(time.Second) // the other case's came within milliseconds
			}
			if got := values(t, c, topic); got != test.want {
				t.Errorf("the topic holds %s, want %s", got, test.want)
			}
		})
	}
}

func TestWhatAKilledProducerLeftOnItsWayIsNoPartOfAnyTransaction(t *testing.T) { // K12, K7
	c := testenv.Kafka(t, kafkaserver.Options{Proxied: true})
	topic := testenv.Name("late")
	dead, next := sinktest.NewLedger(), sinktest.NewLedger()
	killed := begin(t, transactional("rdip-shop-shop", c.ProxiedBootstrap()), dead)
	if _, err := killed.Prepare(soon(t), topic); err != nil {
		t.Fatal(err)
	}
	sendAll(t, killed, dead, topic, "1") // which makes the partition a part of the transaction
	arrive := holdBack(t, c, killed, dead, topic, "2")
	p := begin(t, transactional("rdip-shop-shop", c.Bootstrap()), next)
	if _, err := p.Prepare(soon(t), topic); err != nil {
		t.Fatal(err)
	}
	arrive() // before the next one has written anything: the abort's marker alone refuses it
	time.Sleep(500 * time.Millisecond)
	sendAll(t, p, next, topic, "1", "2", "3")
	mustCommit(t, p)
	await(t, "the transaction is seen", func() bool { return len(sinktest.ReadCommitted(c.Bootstrap())(t, topic, 0)) >= 3 })
	if got := values(t, c, topic); got != "1 1 2 3" { // the first of them aborted
		t.Errorf("the topic holds %s with what was aborted", got)
	}
}

// begin opens a producer that sends in transactions and asks for its positions.
func begin(t *testing.T, c kafka.Config, l *sinktest.Ledger) *kafka.Producer {
	t.Helper()
	p := open(t, c, partitions(1), l.Ack)
	if _, _, err := p.Positions(soon(t), func([]byte) bool { return true }); err != nil {
		t.Fatal(err)
	}
	return p
}

func mustCommit(t *testing.T, p *kafka.Producer, positions ...sinks.Record) {
	t.Helper()
	if err := commit(t, p, positions...); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, p *kafka.Producer, positions ...sinks.Record) error {
	t.Helper()
	done := make(chan error, 1)
	if err := p.Commit(soon(t), positions, func(err error) { done <- err }); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-soon(t).Done():
		return fmt.Errorf("the commit is not done")
	}
}

func TestAProducerThatAnotherOneReplacedIsToldSoInBothModes(t *testing.T) { // K7, D7
	c := testenv.SharedKafka(t)
	for name, required := range map[string]bool{"at least once": false, "exactly once": true} {
		t.Run(name, func(t *testing.T) {
			topic, config := testenv.Name("replaced"), transactional(testenv.Name("id"), c.Bootstrap())
			config.Transactions.Required = required
			first, second := sinktest.NewLedger(), sinktest.NewLedger()
			one, two := open(t, config, partitions(1), first.Ack), open(t, config, partitions(1), second.Ack)
			for p, l := range map[*kafka.Producer]*sinktest.Ledger{one: first} {
				if _, err := p.Prepare(soon(t), topic); err != nil {
					t.Fatal(err)
				}
				sendAll(t, p, l, topic, "1")
			}
			if _, err := two.Prepare(soon(t), topic); err != nil {
				t.Fatal(err)
			}
			sendAll(t, two, second, topic, "2")
			err := one.Send(soon(t), first.Batch(sinks.Record{Topic: topic, Key: []byte("k"), Value: []byte("3")}))
			if err == nil {
				await(t, "the batch is reported", func() bool { n, _ := first.Reported(); return n == 2 })
				if _, failures := first.Reported(); len(failures) == 1 {
					err = failures[0]
				}
			}
			if !fault.IsPermanent(err) || !strings.Contains(fmt.Sprint(err), "another rdip runs a connector of the same name") || !strings.Contains(err.Error(), config.Transactions.ID) {
				t.Errorf("it failed with %v", err)
			}
		})
	}
}

func TestAProducerThatRunsForLongKeepsItsNameAndItsOrder(t *testing.T) { // K12
	c := testenv.SharedKafka(t)
	config, topic := kafka.NewConfig(c.Bootstrap()), testenv.Name("long")
	config.Transactions.ID = testenv.Name("id")
	l := sinktest.NewLedger()
	p := open(t, config, partitions(1), l.Ack)
	if _, err := p.Prepare(soon(t), topic); err != nil {
		t.Fatal(err)
	}
	before := p.Epoch()
	stream(t, p, l, topic, 200, func(i int) {
		if i%20 == 10 {
			p.Renew()
		}
	})
	l.Await(t, 200)
	mustHold(t, c.Bootstrap(), topic, 4000)
	p.Renew()
	await(t, "the epoch is renewed", func() bool { return p.Epoch() > before })
	heir := open(t, config, partitions(1), l.Ack)
	if _, err := heir.Prepare(soon(t), topic); err != nil {
		t.Fatal(err)
	}
	if heir.Epoch() <= p.Epoch() {
		t.Errorf("the next producer has epoch %d, this one %d", heir.Epoch(), p.Epoch())
	}
	sendAll(t, heir, l, topic, "the next one's")
	p.Renew()
	var err error
	await(t, "it is told that another took over", func() bool {
		err = p.Send(soon(t), l.Batch(sinks.Record{Topic: topic, Key: []byte("k"), Value: []byte("late")}))
		return err != nil
	})
	if !fault.IsPermanent(err) || !strings.Contains(err.Error(), "another producer has taken it over") {
		t.Errorf("it failed with %v", err)
	}
}
