package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"rdip/connect/source/routing"
	"rdip/offsets"
	"rdip/readers"
	"rdip/schema"
	"rdip/sinks"
	"rdip/snapshot"
)

func text(p offsets.Position) string { return fmt.Sprintf(`{"at":%d}`, p.Place) }

func at(place uint64) offsets.Position { return offsets.Position{Place: place} }

func newLedger(t interface{ Fatal(...any) }, store *offsets.Store) *ledger {
	record, _, err := store.Get("shop")
	if err != nil {
		t.Fatal(err)
	}
	return &ledger{task: &Task{Name: "shop", Store: store}, record: record, readings: snapshot.NewReadings(nil, nil)}
}

func openStore(t *testing.T) *offsets.Store {
	store, err := offsets.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// R2: a table stops alone, the source is held at its place, and a later run captures it again from there.
func TestAStoppedTableHoldsTheSourceUntilItHasCaughtUp(t *testing.T) {
	store := openStore(t)
	g := newLedger(t, store)
	confirmed := advance(t, g, 100)
	if confirmed != 100 {
		t.Fatalf("confirmed %d, want 100", confirmed)
	}
	if err := g.stopTable("public.orders", &Stop{Reason: errors.New("refused")}); err != nil {
		t.Fatal(err)
	}
	if confirmed = advance(t, g, 300); confirmed != 100 {
		t.Errorf("confirmed %d with a table stopped, want its durable place, 100", confirmed)
	}

	next := newLedger(t, store)
	ts := newTables(routing.Naming{Prefix: "shop"}, nil)
	next.resumeTables(ts)
	if other := ts.entry("public.other"); ts.entry("public.orders").since != 100 || other.since != 300 {
		t.Errorf("orders from %d, want 100; others from %d, want 300", ts.entry("public.orders").since, other.since)
	}
	if confirmed = advance(t, next, 200); confirmed != 200 {
		t.Errorf("confirmed %d while catching up, want 200", confirmed)
	}
	if next.record.Place != 300 || next.record.Stopped["public.orders"].Place != 200 {
		t.Errorf("the record says %d and %+v", next.record.Place, next.record.Stopped)
	}
	if confirmed = advance(t, next, 301); confirmed != 301 || len(next.record.Stopped) != 0 {
		t.Errorf("confirmed %d, stopped %v after catching up", confirmed, next.record.Stopped)
	}
}

// K11: a topic that was deleted and made anew is not the one that the position was stored for.
// G1: Debezium, which knows of no tables that stopped, goes on where none of them misses anything.
func TestDebeziumIsToldThePlaceBehindWhichATableIsMissing(t *testing.T) {
	g := newLedger(t, openStore(t))
	g.exact = &transactor{options: &ExactlyOnce{Form: plainForm{}}, topic: sinks.Topic{Name: "positions", Partition: func([]byte) int32 { return 0 }}}
	told := func() (lsn float64, ours uint64) {
		t.Helper()
		out := &outgoing{record: g.record}
		if err := g.records(out, nil); err != nil {
			t.Fatal(err)
		}
		var s offsets.TopicState
		if err := s.Add("shop", g.task.Prefix, out.records[0].Key, out.records[0].Value); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(s.Fields["lsn"], &lsn); err != nil {
			t.Fatal(err)
		}
		return lsn, s.Record.Place
	}
	g.task.Prefix = "p"
	g.record.Position, g.record.Place = text(at(300)), 300
	for _, c := range []struct {
		stopped map[string]offsets.StoppedTable
		lsn     float64
	}{
		{nil, 300},
		{map[string]offsets.StoppedTable{"a": {Position: text(at(200)), Place: 200}, "b": {Position: text(at(100)), Place: 100}}, 100},
		{map[string]offsets.StoppedTable{"in its snapshot": {Place: 50}}, 300}, // read as a whole, from no place
	} {
		g.record.Stopped = c.stopped
		if lsn, ours := told(); lsn != c.lsn || ours != 300 {
			t.Errorf("with %v: lsn %v, and ours %d", c.stopped, lsn, ours)
		}
	}
}

func TestATopicMadeAnewIsRefused(t *testing.T) {
	g := newLedger(t, openStore(t))
	for _, topic := range []sinks.Topic{{Name: "a", ID: "1"}, {Name: "b", ID: "2"}, {Name: "a", ID: "1"}} {
		if err := g.checkTopic(topic); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.checkTopic(sinks.Topic{Name: "a", ID: "3"}); err == nil {
		t.Error("another id was accepted")
	}
}

// G1, G3: whatever stops, resumes and crashes: no table's rows are dropped that were not delivered, and the
// source is never told of a place that some table still needs.
func TestNoTableLosesItsPlace(t *testing.T) {
	store := openStore(t)
	rapid.Check(t, func(t *rapid.T) {
		if err := store.Replace("shop", offsets.Record{Position: text(at(0))}); err != nil {
			t.Fatal(err)
		}
		// delivered is, for each table, the place up to which all of its rows are acknowledged.
		delivered := map[string]uint64{"a": 0, "b": 0}
		var confirmed uint64
		for range rapid.IntRange(1, 6).Draw(t, "runs") {
			g := newLedger(t, store)
			ts := newTables(routing.Naming{Prefix: "shop"}, nil)
			g.resumeTables(ts)
			from := uint64(0)
			stored, err := g.stored(decoder{})
			if err != nil {
				t.Fatal(err)
			}
			from = stored.Position.Place
			if from < confirmed {
				t.Fatalf("the stream begins at %d, and the source may have discarded everything before %d", from, confirmed)
			}
			for id, place := range delivered {
				if since := max(ts.entry(id).since, from); since > place {
					t.Fatalf("table %s goes on at %d, and was delivered up to %d only", id, since, place)
				}
			}
			stopped := map[string]bool{}
			place := from
			for range rapid.IntRange(0, 5).Draw(t, "steps") {
				place += uint64(rapid.IntRange(1, 50).Draw(t, "advance"))
				if id := rapid.SampledFrom([]string{"", "", "a", "b"}).Draw(t, "stop"); id != "" && !stopped[id] {
					stopped[id] = true
					if err := g.stopTable(id, &Stop{Reason: errors.New("x")}); err != nil {
						t.Fatal(err)
					}
				}
				for id := range delivered {
					if !stopped[id] {
						delivered[id] = max(delivered[id], place)
					}
				}
				discard, err := g.advance(at(place), nil, decoder{})
				if err != nil {
					t.Fatal(err)
				}
				confirmed = max(confirmed, discard.Place)
			}
		}
	})
}

func advance(t *testing.T, g *ledger, place uint64) uint64 {
	t.Helper()
	p, err := g.advance(at(place), nil, decoder{})
	if err != nil {
		t.Fatal(err)
	}
	return p.Place
}

// decoder reads what text wrote; nothing else of a reader is asked for.
type decoder struct{ readers.Reader }

func (decoder) EncodePosition(p offsets.Position) string { return text(p) }

func (decoder) DecodePosition(s string) (offsets.Position, error) {
	var p offsets.Position
	_, err := fmt.Sscanf(s, `{"at":%d}`, &p.Place)
	return p, err
}

// A stop that nothing would bring back ends with its table's capture. One that holds the source goes on from its place,
// since records of that time are the table's still, and one of a table that is captured stays.
func TestAStopInASnapshotEndsWithItsTablesCapture(t *testing.T) {
	store := openStore(t)
	if err := store.Replace("shop", offsets.Record{Position: text(at(30)), Place: 30, SnapshotDone: true, Tables: true, Stopped: map[string]offsets.StoppedTable{
		"public.gone": {Reason: "given up"}, "public.orders": {Reason: "given up"}, "public.held": {Reason: "refused", Position: text(at(20)), Place: 20}}}); err != nil {
		t.Fatal(err)
	}
	g := newLedger(t, store)
	if _, _, err := g.opened(g.resume, []*schema.Table{ordersLayout(0).Table}); err != nil {
		t.Fatal(err)
	}
	ts := newTables(routing.Naming{Prefix: "shop"}, nil)
	newLedger(t, store).resumeTables(ts)
	for id, stays := range map[string]bool{"public.gone": false, "public.orders": true} {
		if _, stop := ts.entry(id).shown(); (stop != nil) != stays {
			t.Errorf("%s is stopped: %v", id, stop)
		}
	}
	if since := ts.entry("public.held").since; since != 20 {
		t.Errorf("the table that holds the source goes on from %d", since)
	}
}
