package source

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rdip/envelope"
	"rdip/offsets"
)

// D2, G2: a stop that comes between a row and its commit sends whole transactions only, and the position is behind
// the last of them.
func TestAStopInATransactionSendsWhatIsWholeAndTakesTheRestBack(t *testing.T) {
	for name, c := range map[string]struct {
		whole, flushed, open int // rows of a committed transaction; rows of the open one, that have gone and that wait
		want                 int64
		safe                 uint64
	}{
		"nothing is open":                       {whole: 2, want: 2, safe: 11},
		"behind a whole one":                    {whole: 2, open: 3, want: 2, safe: 11},
		"in the first one":                      {open: 3},
		"of which a part has gone already":      {whole: 1, flushed: 2, open: 3, want: 3, safe: 11},
		"of which everything has gone already":  {whole: 1, flushed: 2, want: 3, safe: 11},
		"which is the first, and has gone half": {flushed: 1, open: 1, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := brokerLane(t, "1000000")
			orders := named("orders", 1)
			must(t, l.Table(orders))
			insert := func(n int) {
				for i := range n {
					must(t, l.Row(&envelope.Event{Op: envelope.Create, Layout: orders, After: envelope.Row{present(fmt.Sprint(i)), present("note"), {}}}))
				}
			}
			if c.whole > 0 {
				must(t, l.Begin(&envelope.Transaction{ID: 1, Place: 10}))
				insert(c.whole)
				must(t, l.Commit(offsets.Durable{Position: at(11)}))
			}
			if c.flushed+c.open > 0 {
				must(t, l.Begin(&envelope.Transaction{ID: 2, Place: 20}))
				insert(c.flushed)
				if c.flushed > 0 {
					must(t, l.Flush())
				}
				insert(c.open)
			}
			soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			l.run.work = soon
			must(t, l.run.drain(l))
			if n := l.run.task.counts.records.Load(); n != c.want {
				t.Errorf("%d records were sent, not %d", n, c.want)
			}
			if p, _ := l.tracker.Safe(); p.Place != c.safe {
				t.Errorf("position %d is safe, not %d", p.Place, c.safe)
			}
			if used, _ := l.run.budget.Held(); used != 0 {
				t.Errorf("%d bytes are still held", used)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
