package snapshot

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
)

// P67: a transaction that was being handed on when the window was opened, and that the window's view does not see,
// is not among those that the window has noted: its rows are taken again.
func TestAWindowIsTakenAgainWhereATransactionBeganBeforeItAndIsNotSeen(t *testing.T) {
	s := newScript([]int{0})
	s.views = []*scriptView{{newest: 9}, {newest: 20, hidden: []uint64{10}, rows: [][2]string{{"1", "old"}, {"2", "same"}}},
		{newest: 21, rows: [][2]string{{"1", "new"}, {"2", "same"}}}}
	scripted(t, s, initialTable, func(p *play) {
		p.step()
		p.begin(9, 1000)
		p.commit(1001) // the first chunk, which is empty, has gone out
		s.mark = func() (uint64, error) { return 1050, nil }
		p.begin(10, 1049)
		p.step() // its first row comes only when the window is open
		p.update("1", "new")
		p.commit(1050)
		p.went("u 1 new")
		time.Sleep(time.Second)
		p.begin(11, 1060)
		p.commit(1061)
		p.went("r 1 new", "r 2 same")
		if want := []int{1, 2, 3}; !slices.Equal(s.readOf(), want) {
			t.Errorf("read were the views %v, want %v", s.readOf(), want)
		}
	})
}

// P70: a row that cannot be read has its place among the others, and is older than what the log does to it behind the view.
func TestARowThatCannotBeReadIsLeftToTheLogWhereTheLogTouchesIt(t *testing.T) {
	s := newScript([]int{0})
	s.views = []*scriptView{{newest: 9}, {newest: 20, hidden: []uint64{10}, rows: [][2]string{{"1", "small"}, {"2", ""}, {"3", ""}, {"4", "behind"}}}}
	scripted(t, s, initialTable, func(p *play) {
		p.step()
		p.begin(9, 1000)
		p.commit(1001) // the first chunk, which is empty, has gone out
		s.mark = func() (uint64, error) { return 1050, nil }
		p.step()
		p.begin(10, 1049)
		p.update("2", "small again")
		p.commit(1050)
		p.went("u 2 small again", "r 1 small", "unread 3", "r 4 behind")
		if len(s.chunks) != 2 || s.chunks[1].Rows != 2 {
			t.Errorf("rows that were read are counted: %+v", s.chunks)
		}
	})
}

// P67: rows are not read while a transaction that went out before the window is not seen, and the report names it.
func TestNothingIsReadBeforeAViewSeesWhatWentOut(t *testing.T) {
	hidden := []uint64{10}
	s := newScript([]int{0})
	s.views = []*scriptView{{newest: 9}}
	scripted(t, s, initialTable, func(p *play) {
		p.begin(9, 999)
		p.step()
		p.commit(999)
		p.begin(10, 999)
		p.update("1", "new")
		s.shows(&scriptView{newest: 20, hidden: hidden, rows: [][2]string{{"1", "old"}}})
		p.commit(1000)
		p.turn <- struct{}{}
		time.Sleep(10 * time.Second)
		if got := p.r.Report().Tables[0]; got.State != ReadingWaiting || !strings.Contains(got.Waiting, "transaction 10") {
			t.Errorf("the report says %s %q", got.State, got.Waiting)
		}
		if !slices.Equal(s.readOf(), []int{1}) {
			t.Errorf("read were the views %v, though transaction 10 went out and is not seen", s.readOf())
		}
		s.shows(&scriptView{newest: 21, rows: [][2]string{{"1", "new"}}})
		time.Sleep(2 * time.Second)
		p.begin(11, 1060)
		p.commit(1061)
		p.went("u 1 new", "r 1 new")
	})
}

// P67: what was open when the process began may have gone out before, and is waited for.
func TestATransactionThatWasOpenWhenTheProcessBeganIsWaitedFor(t *testing.T) {
	s := newScript([]int{0})
	s.views = []*scriptView{{newest: 20, hidden: []uint64{10}}}
	scripted(t, s, initialTable, func(p *play) {
		p.turn <- struct{}{}
		time.Sleep(10 * time.Second)
		if len(s.readOf()) != 0 {
			t.Error("rows were read of a view that may be older than what went out before the start")
		}
		s.shows(&scriptView{newest: 22, hidden: []uint64{21}}) // one that began later is known when it comes
		time.Sleep(2 * time.Second)
		if len(s.readOf()) != 1 {
			t.Errorf("%d reads once it was over", len(s.readOf()))
		}
	})
}

// P67: of two transactions that went out while a window was open, the place says nothing about which of them its
// rows know.
func TestARowIsDroppedForWhatItsViewDoesNotSeeWhateverThePlaces(t *testing.T) {
	for name, c := range map[string]struct {
		hidden uint64
		want   []string
	}{
		"the first is not seen":  {10, []string{"u 1 a", "u 2 b", "r 2 b", "r 3 c"}},
		"the second is not seen": {11, []string{"u 1 a", "u 2 b", "r 1 a", "r 3 c"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript([]int{0})
			s.views = []*scriptView{{newest: 9}, {newest: 20, hidden: []uint64{c.hidden}}}
			for _, row := range [][2]string{{"1", "a"}, {"2", "b"}, {"3", "c"}} {
				if int(c.hidden-9) == int(row[0][0]-'0') {
					row[1] = "old"
				}
				s.views[1].rows = append(s.views[1].rows, row)
			}
			scripted(t, s, initialTable, func(p *play) {
				p.step()
				p.begin(9, 1000)
				p.commit(1001)
				s.mark = func() (uint64, error) { return 1050, nil }
				p.step()
				p.begin(10, 1010)
				p.update("1", "a")
				p.commit(1011)
				p.begin(11, 1020)
				p.update("2", "b")
				p.commit(1050)
				p.went(c.want...)
			})
		})
	}
}

// P56: a row that the log gives in part while its table is read is owed, also over a restart, until it is given
// whole; the table is not finished before.
func TestARowThatTheLogGaveInPartIsOwedUntilItIsGivenWhole(t *testing.T) {
	s := newScript([]int{0})
	s.views = []*scriptView{{newest: 20}}
	var records map[string]offsets.TableSnapshot
	scripted(t, s, initialTable, func(p *play) {
		p.step()
		p.begin(10, 999)
		p.update("5", "") // it lies in none of the chunks that are still to come
		p.commit(1000)
		p.step()
		p.begin(11, 1010)
		p.commit(1011)
		p.free = true
		p.turn <- struct{}{} // Run stops at the keys
		synctest.Wait()
		_, stored := p.r.Changed(s.chunks)
		stored()
		records = p.r.Records()
	})
	if got := records["public.t"]; !got.Left() || len(got.Owed) != 1 || got.Owed[0][0] != "5" || got.Done.Len() != 2 {
		t.Fatalf("stored is %+v", got)
	}
	again := newScript([]int{0})
	again.views = []*scriptView{{newest: 30, rows: [][2]string{{"4", "no"}, {"5", "whole"}}}}
	scripted(t, again, records, func(p *play) {
		p.step()
		if !slices.EqualFunc(again.asked, [][]string{{"5"}}, slices.Equal) {
			t.Errorf("asked for were the keys %v", again.asked)
		}
		p.begin(31, 1020)
		p.commit(1021)
		p.went("r 5 whole")
		if _, stored := p.r.Changed(nil); p.r.Left() != 1 {
			t.Error("the table is finished, and nobody has said that Kafka has the row")
		} else {
			stored()
		}
		if changed, _ := p.r.Changed(again.chunks); changed["public.t"].Left() || len(changed["public.t"].Owed) != 0 {
			t.Errorf("to be stored is %+v", changed["public.t"])
		}
	})
}

// G3: a chunk that went out counts as done when Kafka has it, not before.
func TestAChunkIsDoneOnceKafkaHasItAndNotBefore(t *testing.T) {
	s := newScript([]int{0})
	s.views = []*scriptView{{newest: 20, rows: [][2]string{{"1", "a"}}}}
	scripted(t, s, initialTable, func(p *play) {
		p.free = true
		p.turn <- struct{}{}
		synctest.Wait()
		for place := uint64(1000); place < 1020; place += 10 {
			p.begin(21, place)
			p.commit(place + 1)
		}
		p.went("r 1 a", "r 1 a")
		if changed, _ := p.r.Changed(nil); changed["public.t"].Done.Len() != 0 || changed["public.t"].Rows != 0 || !changed["public.t"].Left() {
			t.Errorf("before the acknowledgement stored is %+v", changed["public.t"])
		}
		if changed, _ := p.r.Changed(s.chunks[:1]); changed["public.t"].Done.Len() != 1 || changed["public.t"].Rows != 1 || !changed["public.t"].Left() {
			t.Errorf("after that of the first chunk stored is %+v", changed["public.t"])
		}
		if changed, _ := p.r.Changed(s.chunks[1:]); changed["public.t"].Left() {
			t.Errorf("after both stored is %+v", changed["public.t"])
		}
	})
}

// A table that waits for a transaction is left at once when it is paused or stopped, so that others are read; one
// that was paused is watched anew.
func TestATableThatWaitsIsLeftWhenItIsPausedOrStopped(t *testing.T) {
	for name, leave := range map[string]func(*Readings) error{
		"paused":  func(r *Readings) error { return r.Pause("public.t") },
		"stopped": func(r *Readings) error { return r.Stop("public.t") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript([]int{0})
			s.shows(&scriptView{newest: 20, hidden: []uint64{10}})
			scripted(t, s, initialTable, func(p *play) {
				p.turn <- struct{}{}
				time.Sleep(5 * time.Second)
				p.must(leave(p.r))
				time.Sleep(2 * time.Second)
				s.shows(&scriptView{newest: 21})
				time.Sleep(10 * time.Second)
				if len(s.readOf()) != 0 {
					t.Error("it was read")
				}
			})
		})
	}
}

// However many rows change all the time, and are owed again as soon as they were given, the chunks go on.
func TestOwedKeysAndChunksTakeTurns(t *testing.T) {
	r := newReading("public.t", offsets.TableSnapshot{})
	r.plan = &TablePlan{Chunks: make([]Chunk, 2)}
	for i := range owedAtOnce + 1 {
		r.owed[packKey([]string{strconv.Itoa(i)})] = 0
	}
	s := NewReadings(nil, nil)
	for turn := range 4 {
		if _, keys, ok := s.work(r); !ok || (keys != nil) != (turn%2 == 0) {
			t.Errorf("turn %d: %d keys, %t", turn, len(keys), ok)
		}
	}
}

// However long no view is taken, such as while a table's reading has stopped, what is remembered of the
// transactions that went out is bounded; then what is in progress is waited for.
func TestTransactionsThatAreRememberedAreBounded(t *testing.T) {
	d := &delivered{}
	d.arm(nil)
	for i := range uint64(deliveredBlocks + 10) {
		d.add(i*64, i, nil)
	}
	if len(d.before) > deliveredBlocks || !d.hasForgotten(false) || !d.hasForgotten(true) || d.hasForgotten(false) {
		t.Errorf("%d blocks are kept, forgotten %t", len(d.before), d.forgot)
	}
	w := &window{}
	d.arm(w)
	fits := true
	for i := range uint64(deliveredBlocks + 10) {
		fits = d.add(i*64, i, w) && fits
	}
	if fits {
		t.Error("a window takes any number of transactions")
	}
}

// P71: a mark that fails behind the state that was made for a table without a key loses nothing: the stream hands the
// table on, once, when it gets there.
func TestATableWithoutAKeyGoesOutOnceThoughAMarkFails(t *testing.T) {
	s := newScript(nil)
	s.views, s.exact = []*scriptView{{newest: 20}}, &scriptSource{script: s, place: 1100}
	marks := 0
	s.mark = func() (uint64, error) {
		if marks++; marks > 1 {
			return 0, errRefused
		}
		return 1000, nil
	}
	scripted(t, s, initialTable, func(p *play) {
		p.step()
		p.begin(10, 1000)
		p.commit(1001)
		time.Sleep(time.Minute)
		p.begin(11, 1200)
		p.must(p.w.Row(&envelope.Event{Op: envelope.Create, Layout: s.layout, After: s.event(envelope.Create, "2", "later").After}))
		p.commit(1201)
		p.went("r 1 whole", "c 2 later")
		if s.exact.closed != 1 {
			t.Errorf("the state was let go %d times", s.exact.closed)
		}
	})
}

// What Kafka refuses for good while a table without a key goes out ends the stream: it is no fault of the table's.
func TestWhatTheStreamsWayRefusesIsNoFaultOfATable(t *testing.T) {
	s := newScript(nil)
	s.views, s.exact = []*scriptView{{newest: 20}}, &scriptSource{script: s, place: 1100}
	scripted(t, s, initialTable, func(p *play) {
		p.step()
		p.begin(10, 1000)
		p.commit(1001)
		s.refuse = &fault.Error{Op: "produce", Cause: errRefused, Permanent: true}
		if err := p.w.Begin(&envelope.Transaction{ID: 11, Place: 1200}); err == nil {
			t.Error("the stream goes on without the rows")
		}
	})
}

// A table that cannot be read leaves no transaction begun in the stream's way: behind it nothing of the stream could be
// committed where transactions are units.
func TestATableWithoutAKeyThatCannotBeReadBeginsNoTransaction(t *testing.T) {
	s := newScript(nil)
	s.views = []*scriptView{{newest: 20}}
	s.exact = &scriptSource{script: s, place: 1100, denied: &fault.Error{Op: "copy", Cause: errRefused, Permanent: true}}
	scripted(t, s, initialTable, func(p *play) {
		p.step()
		p.begin(10, 1000)
		p.commit(1001)
		before := s.begun
		p.begin(11, 1200)
		p.commit(1201)
		if n := s.begun - before; n != 1 {
			t.Errorf("%d transactions began, and one was the stream's", n)
		}
	})
}
