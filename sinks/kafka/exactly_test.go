package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"rdip/internal/fault"
	"rdip/sinks"
	"rdip/sinks/sinktest"
)

// transactionKeys are the requests of a transaction's life.
var transactionKeys = []kmsg.Key{kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.EndTxn, kmsg.FindCoordinator}

func TestATransactionGoesThroughWhateverTheCoordinatorAnswersForAWhile(t *testing.T) { // K2
	for name, err := range map[string]*kerr.Error{
		"it is another":                      kerr.NotCoordinator,
		"there is none":                      kerr.CoordinatorNotAvailable,
		"it is loading":                      kerr.CoordinatorLoadInProgress,
		"it ends an earlier transaction yet": kerr.ConcurrentTransactions,
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t)
			for _, key := range transactionKeys {
				if key != kmsg.FindCoordinator || err != kerr.ConcurrentTransactions {
					b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: err, Count: 2})
				}
			}
			l := sinktest.NewLedger()
			p := begin(t, transactional("t", b.Addr()), l)
			topic, perr := p.Prepare(soon(t), "t")
			if perr != nil {
				t.Fatal(perr)
			}
			stream(t, p, l, topic.Name, 3, func(int) { mustCommit(t, p) })
			mustHoldCommitted(t, b.Addr(), "t", 60)
		})
	}
}

// mustHoldCommitted waits until records 0 to n-1 are committed, each once, in order.
func mustHoldCommitted(t *testing.T, address, topic string, n int) {
	t.Helper()
	var got []sinks.Record
	await(t, fmt.Sprint(n, " committed records"), func() bool {
		got = sinktest.ReadCommitted(address)(t, topic, 0)
		return len(got) >= n
	})
	for i, r := range got {
		if want := fmt.Sprintf("%08d", i); string(r.Value) != want {
			t.Fatalf("record %d is %s, not %s", i, r.Value, want)
		}
	}
	if len(got) != n {
		t.Fatalf("%d records are committed of %d", len(got), n)
	}
}

func TestTheAnswerToACommitMayBeLost(t *testing.T) {
	var mute atomic.Int32
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(mumbling(&mute)))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	var ends atomic.Int32
	var last kmsg.Request
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Count: -1, Observe: true, When: func(q kmsg.Request) bool {
		if q != last {
			last = q
			if ends.Add(1)%2 == 1 {
				mute.Store(1) // it is committed, and the answer lost
			}
		}
		return true
	}})
	l := sinktest.NewLedger()
	p := begin(t, transactional("t", cluster.ListenAddrs()[0]), l)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	stream(t, p, l, "t", 5, func(int) { mustCommit(t, p) })
	mustHoldCommitted(t, cluster.ListenAddrs()[0], "t", 100)
	if ends.Load() != 10 {
		t.Errorf("%d commits were asked for; each of 5 twice", ends.Load())
	}
}

func TestTransactionsAreWholeAndInOrderWhileLeadersMoveAnswersAreLostAndBrokersRefuse(t *testing.T) { // K1, K2
	m := newMoving(t, 3, 40, 30, 4)
	l := sinktest.NewLedger()
	p := open(t, transactional("t", m.ListenAddrs()...), partitions(m.parts), l.Ack)
	if _, _, err := p.Positions(soon(t), func([]byte) bool { return true }); err != nil {
		t.Fatal(err)
	}
	m.send(t, p, l, func() {
		if rand.IntN(2) == 0 {
			mustCommit(t, p)
		}
	})
	mustCommit(t, p)
	m.mustHold(t, sinktest.ReadCommitted(m.ListenAddrs()[0]))
}

func TestATransactionThatLostARecordIsNotCommitted(t *testing.T) { // K3
	b := start(t)
	l := sinktest.NewLedger()
	p := begin(t, transactional("t", b.Addr()), l)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	sendAll(t, p, l, "t", "good")
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.PolicyViolation, Count: 1})
	if err := p.Send(soon(t), l.Batch(sinks.Record{Topic: "t", Value: []byte("bad")})); err != nil {
		t.Fatal(err)
	}
	if err := commit(t, p); err == nil {
		t.Error("it committed")
	}
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
	if got := sinktest.ReadCommitted(b.Addr())(t, "t", 0); len(got) != 0 {
		t.Errorf("%d records are committed", len(got))
	}
	if n, failures := l.Reported(); n != 2 || len(failures) != 1 {
		t.Errorf("%d of 2 batches were reported, %d of 1 as failed", n, len(failures))
	}
}

func TestWhatIsHeldForTheNextTransactionIsReportedWhenThisOneFails(t *testing.T) { // K3
	b := start(t)
	l := sinktest.NewLedger()
	p := begin(t, transactional("t", b.Addr()), l)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	sendAll(t, p, l, "t", "first")
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.CoordinatorLoadInProgress, Count: 3})
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.InvalidTxnState, Count: 1})
	ended := make(chan error, 1)
	if err := p.Commit(soon(t), nil, func(err error) { ended <- err }); err != nil {
		t.Fatal(err)
	}
	if err := p.Send(soon(t), l.Batch(sinks.Record{Topic: "t", Value: []byte("held")})); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || fault.IsPermanent(err) {
		t.Errorf("the commit ended with %v", err)
	}
	await(t, "both are reported", func() bool { n, _ := l.Reported(); return n == 2 })
	if err := p.Close(soon(t)); err != nil || p.Inflight() != 0 {
		t.Errorf("close: %v, %d bytes are under way", err, p.Inflight())
	}
}

func TestATransactionOlderThanItsTimeoutSaysHowToRaiseItAndIsTriedAgainWhereKafkaWasAway(t *testing.T) {
	for name, c := range map[string]struct {
		away      time.Duration
		permanent bool
		part      string
	}{
		"too large for its time": {time.Second, true, "transaction.timeout.ms: 1800000, with transaction.max.timeout.ms=1800000 or more"},
		"Kafka was away":         {10 * time.Minute, false, "Kafka was away meanwhile"},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t)
			l := sinktest.NewLedger()
			p := begin(t, transactional("t", b.Addr()), l)
			if _, err := p.Prepare(soon(t), "t"); err != nil {
				t.Fatal(err)
			}
			sendAll(t, p, l, "t", "1")
			p.Outlive(16*time.Minute, c.away)
			b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.InvalidProducerEpoch, Count: 1})
			if err := p.Send(soon(t), l.Batch(sinks.Record{Topic: "t", Value: []byte("2")})); err != nil {
				t.Fatal(err)
			}
			await(t, "it is reported", func() bool { n, _ := l.Reported(); return n == 2 })
			_, failures := l.Reported()
			err := errors.Join(failures...)
			if len(failures) != 1 || fault.IsPermanent(failures[0]) != c.permanent || !strings.Contains(err.Error(), c.part) || !strings.Contains(err.Error(), "open for 16m") {
				t.Errorf("permanent %v: %v", fault.IsPermanent(err), err)
			}
		})
	}
}

func TestACloseThatRunsOutOfTimeEndsACommitUnderWay(t *testing.T) { // D2
	b := start(t)
	l := sinktest.NewLedger()
	p := begin(t, transactional("t", b.Addr()), l)
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	sendAll(t, p, l, "t", "1")
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.CoordinatorNotAvailable, Count: -1})
	ended := make(chan error, 1)
	if err := p.Commit(soon(t), nil, func(err error) { ended <- err }); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := p.Close(shortly(t)); fault.KindOf(err) != fault.NotDrained {
		t.Errorf("close: %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("close took %v", took)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the commit is said to be done")
		}
	default:
		t.Error("the commit's end was not told when Close returned")
	}
}

func shortly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}
