package sinktest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rdip/sinks"
)

// TransactionalTarget is one transactional producer under test and what it writes to.
type TransactionalTarget struct {
	// Open makes a producer of that name, whose topics get Partitions partitions. Producers of one name share a
	// topic of positions. The suite closes what it opens.
	Open func(t *testing.T, name string, acks sinks.Acks) sinks.TransactionalProducer
	// Partitions is how many partitions Prepare gives a new topic: at least 2.
	Partitions int32
	// Committed is what a reader of committed records sees in a partition, in order.
	Committed func(t *testing.T, topic string, partition int32) []sinks.Record
}

// Transactional runs the suite of what sinks.TransactionalProducer promises beyond sinks.Producer.
func Transactional(t *testing.T, target func(t *testing.T) TransactionalTarget) {
	for name, test := range map[string]func(*testing.T, *ledgered){
		"what is sent is seen once it is committed, and not before":                seenOnceCommitted,
		"what is open when the producer closes is never seen":                      abortedByClose,
		"what a producer that just ended had open is never seen":                   killedBetween,
		"the newest committed position of each key is given":                       newestPositions,
		"positions that were not committed are not given":                          uncommittedPositions,
		"positions alone, and nothing at all, can be committed":                    commitsOfLittle,
		"what is sent while a transaction ends belongs to the next":                sentWhileEnding,
		"each lane keeps its order, once, over many transactions and keys":         orderedOverTransactions,
		"an earlier producer of the name can neither send nor commit any more":     fencedZombie,
		"producers of different names do not disturb one another":                  names,
		"a commit needs positions to have been asked for, and one comes at a time": misuse,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, &ledgered{TransactionalTarget: target(t), name: fmt.Sprintf("sinktest-%d", time.Now().UnixNano())})
		})
	}
}

// ledgered is one test's target; its producers have a name of the test's own.
type ledgered struct {
	TransactionalTarget
	name string
}

// session is one producer, of a process as it were.
type session struct {
	sinks.TransactionalProducer
	ledger *Ledger
	sent   int
	found  []sinks.Record // positions, at the start
	at     sinks.Topic    // of positions
}

func everything([]byte) bool { return true }

// open opens a producer and asks for its positions.
func (b *ledgered) open(t *testing.T) *session {
	t.Helper()
	s := b.unasked(t)
	var err error
	if s.at, s.found, err = s.Positions(within(t), everything); err != nil {
		t.Fatalf("positions: %v", err)
	}
	return s
}

func (b *ledgered) unasked(t *testing.T) *session {
	t.Helper()
	s := &session{ledger: NewLedger()}
	s.TransactionalProducer = b.Open(t, b.name, s.ledger.Ack)
	t.Cleanup(func() { _ = s.Close(within(t)) })
	return s
}

func (s *session) prepare(t *testing.T, suffix string) sinks.Topic {
	t.Helper()
	topic, err := s.Prepare(within(t), fmt.Sprintf("sinktest.%d.%s", time.Now().UnixNano(), suffix))
	if err != nil {
		t.Fatalf("prepare: %v", err)
	}
	return topic
}

func (s *session) send(t *testing.T, topic sinks.Topic, partition int32, values ...string) {
	t.Helper()
	var rs []sinks.Record
	for _, v := range values {
		rs = append(rs, sinks.Record{Topic: topic.Name, Partition: partition, Key: []byte("k"), Value: []byte(v)})
	}
	if err := s.Send(within(t), s.ledger.Batch(rs...)); err != nil {
		t.Fatalf("send: %v", err)
	}
	s.sent++
}

// position is a record of the topic of positions; an empty value is a null one.
func (s *session) position(key, value string) sinks.Record {
	r := sinks.Record{Topic: s.at.Name, Partition: s.at.Partition([]byte(key)), Key: []byte(key)}
	if value != "" {
		r.Value = []byte(value)
	}
	return r
}

// begin commits, and gives what is told when it is done.
func (s *session) begin(t *testing.T, positions ...sinks.Record) <-chan error {
	t.Helper()
	done := make(chan error, 2)
	if err := s.Commit(within(t), positions, func(err error) { done <- err }); err != nil {
		t.Fatalf("commit: %v", err)
	}
	return done
}

func awaitDone(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatal("a commit is not done")
		return nil
	}
}

func (s *session) commit(t *testing.T, positions ...sinks.Record) {
	t.Helper()
	if err := awaitDone(t, s.begin(t, positions...)); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

// mustSee waits until exactly these values are committed: markers are written after a commit is done.
func (b *ledgered) mustSee(t *testing.T, topic sinks.Topic, partition int32, want ...string) {
	t.Helper()
	var got []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		got = nil
		for _, r := range b.Committed(t, topic.Name, partition) {
			got = append(got, string(r.Value))
		}
		if len(got) >= len(want) {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s/%d holds %q committed, want %q", topic.Name, partition, got, want)
	}
}

func seenOnceCommitted(t *testing.T, b *ledgered) {
	s := b.open(t)
	one, two := s.prepare(t, "a"), s.prepare(t, "b")
	s.send(t, one, 0, "1")
	s.send(t, one, 1, "2")
	s.send(t, two, 0, "3")
	s.ledger.Await(t, 3)
	b.mustSee(t, one, 0)
	b.mustSee(t, two, 0)
	s.commit(t, s.position("shop", "first"))
	b.mustSee(t, one, 0, "1")
	b.mustSee(t, one, 1, "2")
	b.mustSee(t, two, 0, "3")
	s.send(t, one, 0, "4")
	s.ledger.Await(t, 4)
	b.mustSee(t, one, 0, "1")
	s.commit(t, s.position("shop", "second"))
	b.mustSee(t, one, 0, "1", "4")
}

func abortedByClose(t *testing.T, b *ledgered) {
	s := b.open(t)
	topic := s.prepare(t, "a")
	s.send(t, topic, 0, "committed")
	s.commit(t, s.position("shop", "1"))
	s.send(t, topic, 0, "open")
	if err := s.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if n, failures := s.ledger.Reported(); n != 2 || len(failures) > 0 {
		t.Errorf("%d of 2 batches were reported when Close returned, failures %v", n, failures)
	}
	// Nobody waits for what was aborted: somebody else's records behind it are seen at once.
	other := b.open(t)
	if _, err := other.Prepare(within(t), topic.Name); err != nil {
		t.Fatal(err)
	}
	other.send(t, topic, 0, "next")
	other.commit(t, other.position("shop", "2"))
	b.mustSee(t, topic, 0, "committed", "next")
}

func killedBetween(t *testing.T, b *ledgered) {
	dead := b.open(t) // its Close comes with the end of the test
	topic := dead.prepare(t, "a")
	dead.send(t, topic, 0, "committed")
	dead.commit(t, dead.position("shop", "1"))
	dead.send(t, topic, 0, "lost")
	dead.ledger.Await(t, 2)
	next := b.open(t)
	if len(next.found) != 1 || string(next.found[0].Value) != "1" {
		t.Fatalf("found %v", next.found)
	}
	if _, err := next.Prepare(within(t), topic.Name); err != nil {
		t.Fatal(err)
	}
	next.send(t, topic, 0, "again")
	next.commit(t, next.position("shop", "2"))
	b.mustSee(t, topic, 0, "committed", "again")
}

func newestPositions(t *testing.T, b *ledgered) {
	s := b.open(t)
	if s.at.Name == "" || s.at.ID == "" || s.at.Partitions < 1 || len(s.found) != 0 {
		t.Fatalf("at first: %+v, %v", s.at, s.found)
	}
	topic := s.prepare(t, "a")
	for i := range 20 {
		s.send(t, topic, 0, fmt.Sprint(i))
		s.commit(t, s.position("shop", fmt.Sprint("lsn ", i)), s.position(fmt.Sprint("table ", i%3), fmt.Sprint(i)), s.position("not wanted", "x"))
	}
	s.commit(t, s.position("table 1", ""))
	if err := s.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	next := b.unasked(t)
	at, found, err := next.Positions(within(t), func(key []byte) bool { return string(key) != "not wanted" })
	if err != nil || at.ID != s.at.ID {
		t.Fatalf("%+v, then %+v, %v", s.at, at, err)
	}
	got := map[string]string{}
	for _, r := range found {
		got[string(r.Key)] = string(r.Value)
	}
	if len(found) != 3 || got["shop"] != "lsn 19" || got["table 0"] != "18" || got["table 2"] != "17" {
		t.Errorf("found %v", got)
	}
}

func uncommittedPositions(t *testing.T, b *ledgered) {
	s := b.open(t)
	s.commit(t, s.position("shop", "committed"))
	if err := s.Send(within(t), s.ledger.Batch(s.position("shop", "open"))); err != nil {
		t.Fatal(err)
	}
	s.ledger.Await(t, 1)
	if next := b.open(t); len(next.found) != 1 || string(next.found[0].Value) != "committed" {
		t.Errorf("found %v", next.found)
	}
}

func commitsOfLittle(t *testing.T, b *ledgered) {
	s := b.open(t)
	s.commit(t)
	s.commit(t, s.position("shop", "1"))
	s.commit(t)
	topic := s.prepare(t, "a")
	s.send(t, topic, 0, "v")
	s.commit(t)
	b.mustSee(t, topic, 0, "v")
	if next := b.open(t); len(next.found) != 1 || string(next.found[0].Value) != "1" {
		t.Errorf("found %v", next.found)
	}
}

func sentWhileEnding(t *testing.T, b *ledgered) {
	s := b.open(t)
	topic := s.prepare(t, "a")
	var want []string
	for i := range 30 {
		s.send(t, topic, 0, fmt.Sprint("before ", i))
		done := s.begin(t, s.position("shop", fmt.Sprint(i)))
		s.send(t, topic, 0, fmt.Sprint("behind ", i)) // while it ends
		if err := awaitDone(t, done); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprint("before ", i), fmt.Sprint("behind ", i))
	}
	b.mustSee(t, topic, 0, want[:len(want)-1]...) // the last one's transaction is open
	s.commit(t)
	b.mustSee(t, topic, 0, want...)
}

func orderedOverTransactions(t *testing.T, b *ledgered) {
	const lanes, batches, records = 4, 40, 25
	s := b.open(t)
	topics := []sinks.Topic{s.prepare(t, "a"), s.prepare(t, "b")}
	ctx := within(t)
	var all sync.WaitGroup
	var commits atomic.Int64
	for lane := range lanes {
		all.Go(func() {
			for i := range batches {
				for commits.Load() < int64(i/10) && ctx.Err() == nil { // each lane spans at least four transactions
					time.Sleep(time.Millisecond)
				}
				var rs []sinks.Record
				for j := range records {
					n := i*records + j
					rs = append(rs, sinks.Record{Topic: topics[n%2].Name, Partition: int32(n/2) % b.Partitions,
						Key: fmt.Append(nil, lane), Value: fmt.Appendf(nil, "%08d", n)})
				}
				if err := s.Send(ctx, s.ledger.Batch(rs...)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	sent := make(chan struct{})
	go func() { all.Wait(); close(sent) }()
	for more := true; more; commits.Add(1) {
		select {
		case <-sent:
			more = false
		case <-time.After(5 * time.Millisecond):
		}
		s.commit(t, s.position("shop", fmt.Sprint(commits.Load())))
	}
	s.ledger.Await(t, lanes*batches)
	total := 0
	read := &bench{Target: Target{Partitions: b.Partitions, Read: b.Committed}}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		total = 0
		for _, topic := range topics {
			for p := range b.Partitions {
				total += read.rising(t, topic.Name, p)
			}
		}
		if total >= lanes*batches*records {
			break
		}
	}
	if total != lanes*batches*records {
		t.Errorf("%d records of %d are committed", total, lanes*batches*records)
	}
}
