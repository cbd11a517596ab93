package sinktest

import (
	"context"
	"errors"
	"testing"
	"time"

	"rdip/sinks"
)

func fencedZombie(t *testing.T, b *ledgered) { // K7, D7
	zombie := b.open(t)
	topic := zombie.prepare(t, "a")
	zombie.send(t, topic, 0, "1")
	zombie.commit(t, zombie.position("shop", "1"))
	zombie.send(t, topic, 0, "zombie, open")
	zombie.ledger.Await(t, 2)
	heir := b.open(t)
	if _, err := heir.Prepare(within(t), topic.Name); err != nil {
		t.Fatal(err)
	}
	heir.send(t, topic, 0, "2")
	_ = zombie.Send(within(t), zombie.ledger.Batch(sinks.Record{Topic: topic.Name, Key: []byte("k"), Value: []byte("zombie, late")}))
	done := make(chan error, 1)
	err := zombie.Commit(within(t), []sinks.Record{zombie.position("shop", "zombie")}, func(err error) { done <- err })
	if err == nil {
		err = awaitDone(t, done)
	}
	if err == nil {
		t.Fatal("a producer that another has replaced committed")
	}
	if zombie.Send(within(t), zombie.ledger.Batch(sinks.Record{Topic: topic.Name, Value: []byte("later still")})) == nil {
		t.Error("a producer that failed takes more")
	}
	_ = zombie.Close(within(t))
	heir.commit(t, heir.position("shop", "2"))
	b.mustSee(t, topic, 0, "1", "2")
	if next := b.open(t); len(next.found) != 1 || string(next.found[0].Value) != "2" {
		t.Errorf("found %v", next.found)
	}
}

func names(t *testing.T, b *ledgered) {
	one := b.open(t)
	topic := one.prepare(t, "a")
	one.send(t, topic, 0, "1")
	b.name += "-other"
	two := b.open(t)
	if _, err := two.Prepare(within(t), topic.Name); err != nil {
		t.Fatal(err)
	}
	two.send(t, topic, 0, "2")
	two.ledger.Await(t, 1)
	one.commit(t, one.position("one", "1"))
	two.commit(t, two.position("two", "2"))
	one.ledger.Await(t, 1)
	got := 0
	for deadline := time.Now().Add(patience); got < 2 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		got = len(b.Committed(t, topic.Name, 0))
	}
	if got != 2 {
		t.Errorf("%d records of 2 are committed", got)
	}
}

func misuse(t *testing.T, b *ledgered) {
	s := b.unasked(t)
	if s.Commit(within(t), nil, func(error) {}) == nil {
		t.Error("it committed before it was known what was committed before")
	}
	s = b.open(t)
	if s.Commit(within(t), []sinks.Record{{Topic: s.at.Name + ".unknown", Key: []byte("k")}}, func(error) {}) == nil {
		t.Error("it committed positions to a topic that nobody prepared")
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Commit(ended, nil, func(error) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that had ended: %v", err)
	}
	if err := s.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if s.Commit(within(t), nil, func(error) {}) == nil {
		t.Error("it committed after it was closed")
	}
}
