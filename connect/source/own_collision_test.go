package source

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rdip/connect/source/owntopics"
	"rdip/connect/source/routing"
	"rdip/internal/fault"
)

// K8: a table's records are never mixed with those of a topic that is no table's.
func TestATableAndATopicOfNoTableAreNotOne(t *testing.T) {
	for topic, want := range map[string]string{"shop.transaction": "transactions", "beats": "heartbeats", "shop": "schema changes", "letters": "dead letters", "positions": "positions"} {
		l, _ := ownLane(t, func(o *owntopics.Settings) {
			o.HeartbeatEvery, o.HeartbeatTopic, o.DeadLetterTopic, o.PositionsTopic = time.Hour, "beats", "letters", "positions"
		})
		l.snapshot = true // there the connector stops, which a test sees
		l.run.tables.naming = routing.Naming{Prefix: "shop", Template: topic}
		err := l.Table(named("orders", 1))
		if err == nil || !fault.IsPermanent(err) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "public.orders") {
			t.Errorf("%s: %v", topic, err)
		}
	}
	l, k := ownLane(t, func(o *owntopics.Settings) { o.Transactions, o.SchemaTopic = false, "" })
	l.run.tables.naming = routing.Naming{Prefix: "shop", Template: "shop.transaction"}
	s := script{l}
	if got := play(t, l, k, s.begin(7, 19), s.row(named("orders", 1), 'c', 11), s.commit(20)); !strings.HasPrefix(got, "transaction") {
		t.Errorf("a name that nobody else asks for is refused: %s", got)
	}
}

func TestALogicalMessageIsNotWrittenIntoATablesTopic(t *testing.T) {
	l, k := ownLane(t, nil)
	l.run.tables.naming = routing.Naming{Prefix: "shop", Template: "shop.message"}
	s := script{l}
	play(t, l, k, s.begin(7, 19), s.row(named("orders", 1), 'c', 11), s.commit(20))
	err := s.message(false, 30, "audit", "x")()
	if err == nil || !fault.IsPermanent(err) || !strings.Contains(err.Error(), "public.orders") {
		t.Errorf("the message: %v", err)
	}
	if slices.ContainsFunc(k.lines, func(line string) bool { return strings.HasPrefix(line, "message audit") }) {
		t.Error("it was written")
	}
}
