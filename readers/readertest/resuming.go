package readertest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
)

var resuming = []scenario{
	{"resuming from any commit repeats nothing before it and misses nothing after it (G1, G2)", resumeFromEveryCommit},
	{"a stream that broke inside a transaction repeats whole transactions only (G2, P42)", brokenInsideATransaction},
	{"a position from Idle is safe to resume from (P43)", resumeFromIdle},
	{"Confirm is monotonic, and any goroutine may call it (G4)", confirmIsMonotonic},
	{"a connection that the source drops loses nothing, and is worth another try", connectionDropped},
	{"Status tells a stream at work from one that has ended (D5)", statusOfAStream},
}

// workload is some transactions of every kind on tables t and u, which it makes; the first start comes
// before the first of them.
func (s *scene) workload() (r readers.Reader, stored readers.Stored) {
	s.t.Helper()
	s.sql.createPairs("t", "u", HiddenPrefix+"_t")
	r, stored = s.begin()
	s.sql.Insert("t", Row{1, "a"}, Row{2, "b"})
	s.sql.Begin()
	s.sql.Update("t", 1, "v", "c")
	s.sql.Insert("u", Row{1, "x"})
	s.sql.Insert(HiddenPrefix+"_t", Row{1, "not captured"})
	s.sql.Delete("t", 2)
	s.sql.Commit()
	s.sql.Insert(HiddenPrefix+"_t", Row{2, "not captured"})
	s.sql.ChangeKey("t", 1, 10)
	s.sql.AddColumn("u", Column{"w", Int})
	s.sql.Insert("u", Row{2, "y", 5})
	s.sql.Begin()
	for i := range 20 {
		s.sql.Insert("t", Row{100 + i, fmt.Sprint("row ", i)})
	}
	s.sql.Commit()
	s.sql.Truncate("u")
	s.sql.Delete("t", 10)
	return r, stored
}

// expectTail: what came again is exactly what came first after a place.
func (s *scene) expectTail(where string, all []transaction, after int, got []transaction) {
	s.t.Helper()
	want := all[after:]
	if show(got) != show(want) {
		s.t.Errorf("%s there came\n%s\nwant\n%s", where, show(got), show(want))
		return
	}
	for i := range got {
		if got[i].end != want[i].end || got[i].ID != want[i].ID || got[i].Place != want[i].Place || got[i].Micros != want[i].Micros {
			s.t.Errorf("%s transaction %d is %+v, first it was %+v", where, i, got[i].Transaction, want[i].Transaction)
		}
	}
}

func resumeFromEveryCommit(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	r, stored := s.workload()
	all := s.captured(r, stored.Position).transactions()
	s.close(r)
	if len(all) != 7 {
		t.Fatalf("%d transactions:\n%s", len(all), show(all))
	}
	s.expectTail("from the beginning,", all, 0, s.resumed(stored, s.marker))
	for i, tx := range all {
		stored.Position = tx.end
		s.expectTail(fmt.Sprintf("from the end of transaction %d,", i), all, i+1, s.resumed(stored, s.marker))
	}
}

func brokenInsideATransaction(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	r, stored := s.workload()
	all := s.captured(r, stored.Position).transactions()
	from, passed := stored.Position, 0
	for _, rows := range []int{2, 4, 1, 10} { // the row of what is left at which it breaks
		p := newTape(0)
		p.hook = rowHook(func(*envelope.Event) error {
			if rows--; rows == 0 {
				return errStop
			}
			return nil
		})
		if err := s.stream(r, from, p).wait(); !unchanged(err) {
			t.Fatalf("the stream ended with %v", err)
		}
		s.expectTail("again from the place before the break,", all, passed, s.replayed(r, from, s.marker).transactions())
		if done := p.transactions(); len(done) > 0 {
			passed += len(done)
			from = done[len(done)-1].end
		}
		s.expectTail("from the commit before the break,", all, passed, s.replayed(r, from, s.marker).transactions())
	}
	if passed != 4 {
		t.Errorf("the last break came after %d transactions", passed)
	}
}

func resumeFromIdle(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t", HiddenPrefix+"_t")
	r, stored := s.begin()
	p := newTape(1) // the first marker
	st := s.stream(r, stored.Position, p)
	for n := 1; n <= 3; n++ {
		s.sql.Insert("t", Row{n, "a"})
		s.sql.Insert(HiddenPrefix+"_t", Row{n, "not captured"})
		eventually(t, fmt.Sprintf("the stream is idle after transaction %d", n), func() bool {
			idle := false
			p.look(func() { idle = slices.ContainsFunc(p.idles, func(i idling) bool { return i.after == n }) })
			return idle
		})
	}
	s.sql.Insert("t", Row{4, "a"})
	s.mark()
	st.caughtUp()
	st.stop()
	s.close(r)
	all := p.transactions()
	for n := 1; n <= 3; n++ {
		at := slices.IndexFunc(p.idles, func(i idling) bool { return i.after == n })
		stored.Position = p.idles[at].at
		s.expectTail(fmt.Sprintf("from idling after transaction %d,", n), all, n, s.resumed(stored, s.marker))
	}
}

func confirmIsMonotonic(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, stored := s.begin()
	for n := range 20 {
		s.sql.Insert("t", Row{n, "a"})
	}
	st := s.stream(r, stored.Position, newTape(s.mark()))
	st.caughtUp()
	all := st.transactions()
	var told atomic.Uint64 // the highest place that Confirm may have been told
	told.Store(stored.Position.Place)
	confirmed := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { s.watchConfirmed(&told, confirmed) })
	for upTo := 4; upTo <= len(all); upTo += 4 {
		told.Store(all[upTo-1].end.Place)
		confirmInDisorder(r, all[:upTo])
		time.Sleep(20 * time.Millisecond)
	}
	last := all[len(all)-1].end
	eventually(t, "the source knows the last confirmed position", func() bool {
		at, known := s.db.Confirmed(t)
		return !known || at == last
	})
	close(confirmed)
	watching.Wait()
	st.stop()
	if at, known := s.db.Confirmed(t); known && at != last {
		t.Errorf("after the end the source has %v, confirmed was %v", at, last)
	}
	s.close(r)
	stored.Position = last
	s.expect(s.resumed(stored, s.mark()))
}

// confirmInDisorder confirms the ends of transactions on several goroutines, each in an order of its own.
func confirmInDisorder(r readers.Reader, txs []transaction) {
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for _, i := range rand.New(rand.NewPCG(uint64(g), 3)).Perm(len(txs)) {
				r.Confirm(txs[i].end)
			}
			r.Confirm(offsets.Position{Place: 1})
		})
	}
	group.Wait()
}

// watchConfirmed: what the source was told never goes back, and never beyond what Confirm was told.
func (s *scene) watchConfirmed(told *atomic.Uint64, end <-chan struct{}) {
	var before uint64
	for {
		at, known := s.db.Confirmed(s.t)
		if !known {
			return
		}
		if at.Place < before || at.Place > told.Load() {
			s.t.Errorf("the source was told %d after %d, while %d was confirmed", at.Place, before, told.Load())
			return
		}
		before = at.Place
		select {
		case <-end:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func connectionDropped(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, stored := s.begin()
	s.expectInterruption(r, stored, func() { s.db.DropConnections(t) })
}

// expectInterruption breaks a stream between two transactions and goes on with the same Reader. What comes is
// confirmed at once: a server may wait for that before it shuts down (WalSndDone in PostgreSQL's walsender.c).
func (s *scene) expectInterruption(r readers.Reader, stored readers.Stored, interrupt func()) {
	s.t.Helper()
	s.sql.Insert("t", Row{1, "before"})
	p := newTape(s.mark())
	p.confirm = r.Confirm
	st := s.stream(r, stored.Position, p)
	st.caughtUp()
	interrupt()
	if err := st.wait(); err == nil || fault.IsPermanent(err) {
		s.t.Fatalf("the stream ended with %v", err)
	}
	s.sql.Insert("t", Row{2, "after"})
	s.expect(p.transactions(), "c t(1,before)")
	s.expect(s.captured(r, p.last).transactions(), "c t(2,after)")
}

func statusOfAStream(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	if st := s.reader().Status(); st.Connected || !st.LastWire.IsZero() {
		t.Errorf("a Reader that was not opened has %+v", st)
	}
	r, stored := s.begin()
	s.sql.Insert("t", Row{1, "a"})
	st := s.stream(r, stored.Position, newTape(s.mark()))
	st.caughtUp()
	end := st.transactions()[0].end.Place
	if now := r.Status(); !now.Connected || now.ReadPlace < end || now.SourcePlace < end || time.Since(now.LastWire) > patience {
		t.Errorf("a stream that has read up to %d has %+v", end, now)
	}
	st.stop()
	if now := r.Status(); now.Connected {
		t.Errorf("a stream that has ended has %+v", now)
	}
}
