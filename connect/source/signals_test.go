package source

import (
	"fmt"
	"strings"
	"testing"

	"rdip/connect/source/signals"
	"rdip/envelope"
	"rdip/offsets"
	"rdip/schema"
)

// signalLane is a stream lane of a connector whose table of signals is silent, over a store.
func signalLane(t *testing.T, store *offsets.Store) (*lane, *envelope.Layout) {
	t.Helper()
	l, _ := ownLane(t, nil)
	l.run.task.Signals = signals.Channels{Table: "public.signals", Silent: true}
	l.run.ledger = newLedger(t, store)
	l.run.ledger.signalled = make(chan struct{}, 1)
	l.own = newOwnTopics(l.run)
	layout := &envelope.Layout{Table: &schema.Table{Schema: "public", Name: "signals", OID: 7, Columns: make([]schema.Column, 3)}}
	if err := l.Table(layout); err != nil {
		t.Fatal(err)
	}
	return l, layout
}

func signalRow(layout *envelope.Layout, op envelope.Op, id string) *envelope.Event {
	value := func(s string) envelope.Value { return envelope.Value{Wire: []byte(s), State: envelope.Present} }
	return &envelope.Event{Op: op, Layout: layout, After: envelope.Row{value(id), value("log"), value(`{"message": "m"}`)}}
}

// signalled hands a transaction of signals over, up to its commit where it has one.
func signalled(t *testing.T, l *lane, layout *envelope.Layout, place uint64, commit bool, ids ...string) {
	t.Helper()
	err := l.Begin(&envelope.Transaction{ID: place, Place: place})
	for _, id := range ids {
		if err == nil {
			err = l.Row(signalRow(layout, envelope.Create, id))
		}
	}
	if err == nil && commit {
		err = l.Commit(offsets.Durable{Position: at(place)})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func waitingSignals(g *ledger) string {
	var ids []string
	for _, s := range g.signals().Waiting {
		ids = append(ids, fmt.Sprint(s.Number, s.ID))
	}
	return strings.Join(ids, " ")
}

// G2: the log is sent again after a kill, and a signal is acted upon once, whether the process ended before its
// transaction was whole, before anything was stored, before it was acted upon, or after.
func TestASignalOfALogThatIsSentAgainIsTakenOnce(t *testing.T) {
	store := openStore(t)
	l, layout := signalLane(t, store)
	signalled(t, l, layout, 10, false, "a") // cut off in its middle
	if got := waitingSignals(l.run.ledger); got != "" {
		t.Errorf("a transaction that is not whole gave %s", got)
	}
	l, layout = signalLane(t, store)
	signalled(t, l, layout, 10, true, "a", "b") // nothing is stored of it
	if got := waitingSignals(l.run.ledger); got != "1a 2b" {
		t.Errorf("waiting are %s", got)
	}
	l, layout = signalLane(t, store)
	signalled(t, l, layout, 10, true, "a", "b")
	advance(t, l.run.ledger, 11) // the first position behind them has them with it
	l, layout = signalLane(t, store)
	signalled(t, l, layout, 10, true, "a", "b")
	if got := waitingSignals(l.run.ledger); got != "1a 2b" {
		t.Errorf("after a repetition, waiting are %s", got)
	}
	if err := l.run.ledger.drop(1); err != nil {
		t.Fatal(err)
	}
	l, layout = signalLane(t, store)
	signalled(t, l, layout, 10, true, "a", "b")
	signalled(t, l, layout, 12, true, "c")
	if got := waitingSignals(l.run.ledger); got != "2b 3c" {
		t.Errorf("after one was acted upon, waiting are %s", got)
	}
	for _, op := range []envelope.Op{envelope.Update, envelope.Read} {
		if err := l.Row(signalRow(layout, op, "d")); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.own.signals) != 0 {
		t.Errorf("a row that was not inserted is a signal: %v", l.own.signals)
	}
}

// Status keeps the newest notices of signals, however many there were.
func TestNoticesOfSignalsAreBounded(t *testing.T) {
	l, _ := ownLane(t, nil)
	for i := range 3 * signalNotices {
		l.run.task.warn(aboutSignals, signalNotices, fmt.Sprint("notice ", i))
	}
	notices := l.run.task.notices
	if len(notices) != signalNotices || notices[signalNotices-1].Seen != fmt.Sprint("notice ", 3*signalNotices-1) {
		t.Errorf("%v", notices)
	}
}
