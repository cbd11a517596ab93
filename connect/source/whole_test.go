package source

import (
	"errors"
	"testing"
	"time"

	"rdip/connect/source/routing"
	"rdip/envelope"
	"rdip/offsets"
	"rdip/readers"
	"rdip/sinks"
)

// inText writes positions as the ledger's tests have them, with their Detail.
type inText struct{ readers.Reader }

func (inText) EncodePosition(p offsets.Position) string { return text(p) + p.Detail }

// exactLane is a lane of the stream that delivers exactly once, to an embedded broker.
func exactLane(t *testing.T) *lane {
	t.Helper()
	l := brokerLane(t, "1000000")
	l.run.exact = newTransactor(l.run, nil, sinks.Topic{})
	l.run.exact.options = &ExactlyOnce{Bytes: 1 << 30, Interval: time.Second, Timeout: time.Minute}
	l.run.reader = inText{}
	return l
}

// P37, P39: else a start there would pass the PREPARE by.
func TestAMessageOutsideTransactionsKeepsThePreparedTransactionInThePosition(t *testing.T) {
	l := exactLane(t)
	if err := l.enter(); err != nil {
		t.Fatal(err)
	}
	l.records++ // the message was written
	l.reachMessage(&envelope.Message{Place: 20, Detail: "0/5"})
	l.leave()
	if want := (offsets.Position{Place: 20, Detail: "0/5"}); l.reached.position != want {
		t.Errorf("the position is %+v, and should be %+v", l.reached.position, want)
	}
}

func TestWhatIsGatheredBeforeATransactionIsNoneOfItsRows(t *testing.T) {
	l := exactLane(t)
	orders := ordersLayout(0)
	must := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	must(l.Begin(&envelope.Transaction{ID: 1, Place: 50, First: 40}), l.Table(orders),
		l.Row(&envelope.Event{Op: envelope.Create, Layout: orders, After: envelope.Row{present("1"), {}, {}}}),
		l.Commit(offsets.Durable{Position: at(60)}))
	must(l.Begin(&envelope.Transaction{Place: 60}), l.Flush()) // a table that is read whole, and cannot be
	if err := l.Begin(&envelope.Transaction{ID: 2, Place: 70, First: 65}); err != nil {
		t.Errorf("nothing was written of the one that was given up, and: %v", err)
	}
	must(l.Row(&envelope.Event{Op: envelope.Create, Layout: orders, After: envelope.Row{present("2"), {}, {}}}), l.Flush())
	if err := l.Begin(&envelope.Transaction{ID: 3, Place: 80, First: 75}); err == nil {
		t.Error("a row was written of a transaction that has not ended, and the next one begins")
	}
}

func TestATableThatStopsAgainBeforeItIsPastItsStopKeepsWhichRowsWereDelivered(t *testing.T) {
	for name, c := range map[string]struct {
		again Stop
		want  int64 // rows of 150
	}{
		"at its layout, before a row was counted":     {Stop{Place: 100, Position: text(at(100))}, 7},
		"after a few of the rows that were delivered": {Stop{Place: 100, Position: text(at(100)), Within: 150, Rows: 3}, 7},
		"after more of them":                          {Stop{Place: 100, Position: text(at(100)), Within: 150, Rows: 9}, 9},
		"in a later transaction":                      {Stop{Place: 160, Position: text(at(160))}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			store := openStore(t)
			g := newLedger(t, store)
			advance(t, g, 100)
			if err := g.stopTable("public.a", &Stop{Reason: errors.New("a bad row"), Place: 100, Position: text(at(100)), Within: 150, Rows: 7}); err != nil {
				t.Fatal(err)
			}
			advance(t, g, 300)
			next := newLedger(t, store)
			next.resumeTables(newTables(routing.Naming{Prefix: "shop"}, nil))
			c.again.Reason = errors.New("its topic is away")
			if err := next.stopTable("public.a", &c.again); err != nil {
				t.Fatal(err)
			}
			if s := next.record.Stopped["public.a"]; s.Rows != c.want {
				t.Errorf("stored: %+v; %d rows of 150 were delivered", s, c.want)
			}
		})
	}
}
