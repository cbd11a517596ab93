package postgres

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rdip/integration/testenv"
	"rdip/internal/fault"
	"rdip/offsets"
)

// P37, P38: without two.phase, which is the default, a prepared transaction comes whole at its COMMIT PREPARED,
// and one that is rolled back never.
func TestAPreparedTransactionComesAtItsCommit(t *testing.T) {
	for _, c := range []struct {
		major     int
		twoPhase  bool
		streaming Streaming
	}{{14, false, StreamingOff}, {14, false, StreamingOn}, {15, true, StreamingOff}, {15, true, StreamingOn}, {16, false, StreamingOn}, {18, true, StreamingOff}, {18, true, StreamingOn}} {
		t.Run(fmt.Sprintf("PostgreSQL %d, two.phase %t, streaming %s", c.major, c.twoPhase, c.streaming), func(t *testing.T) {
			s := newLogServer(t, testenv.SharedPostgres(t, c.major), "CREATE TABLE t(id int PRIMARY KEY, a text)")
			s.spilling(t, "auto")
			s.cfg.TwoPhase, s.cfg.Streaming = c.twoPhase, c.streaming
			gid := func(n int) string { return quoteLiteral(fmt.Sprintf("it's %d of %s", n, s.db)) }
			h := &recorder{}
			r := s.run(t, 0, h)
			s.exec(t, "BEGIN; INSERT INTO t VALUES (1, 'prepared'); SAVEPOINT a; INSERT INTO t VALUES (2, 'rolled back'); ROLLBACK TO a; PREPARE TRANSACTION "+gid(1))
			s.exec(t, "BEGIN; "+fmt.Sprintf(many, "x", 10, 1500)+"; PREPARE TRANSACTION "+gid(2))
			s.exec(t, "BEGIN; "+fmt.Sprintf(many, "y", 2000, 3500)+"; PREPARE TRANSACTION "+gid(3))
			s.exec(t, "INSERT INTO t VALUES (-1, 'between')")
			s.exec(t, "ROLLBACK PREPARED "+gid(3))
			s.exec(t, "COMMIT PREPARED "+gid(2))
			s.exec(t, "COMMIT PREPARED "+gid(1))
			s.exec(t, "SELECT pg_logical_emit_message(true, 'end', '')")
			r.until(t, "the end arrives", func() bool { return slices.Contains(h.all(), "message true end ") })
			var got []string
			for _, line := range unannounced(h) {
				if !strings.Contains(line, "300 bytes") && (line != "commit" || got[len(got)-1] != "begin") {
					got = append(got, line)
				}
			}
			got = slices.Compact(got) // 14 sends empty transactions
			want := []string{"begin", "c public.t after(-1,between)", "commit", "begin", "commit", "begin", "c public.t after(1,prepared)", "commit", "begin", "message true end ", "commit"}
			if c.major == 14 {
				got, want = slices.Compact(slices.DeleteFunc(got, isBoundary)), slices.DeleteFunc(want, isBoundary)
			} else if i := slices.Index(got, "c public.t after(1,prepared)"); i >= 2 && got[i-2] != "commit" {
				want = slices.Delete(want, 4, 5)
			}
			if strings.Join(slices.DeleteFunc(slices.Clone(got), isBoundary), "|") != strings.Join(slices.DeleteFunc(slices.Clone(want), isBoundary), "|") || h.count() != 2+1491 {
				t.Errorf("%d rows, got %q", h.count(), got)
			}
		})
	}
}

func isBoundary(line string) bool { return line == "begin" || line == "commit" }

// P37, G1, G4: while a transaction is prepared and not decided, the server is not told what it would need to
// send it again; behind a crash it comes again, and what was delivered beside it does not.
func TestAPreparedTransactionOutlivesACrash(t *testing.T) {
	for _, major := range []int{15, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", major), func(t *testing.T) {
			s := newLogServer(t, testenv.SharedPostgres(t, major), "CREATE TABLE t(id int PRIMARY KEY, a text)")
			s.spilling(t, "auto")
			s.cfg.TwoPhase = true
			gid := quoteLiteral("of " + s.db)
			var last offsets.Position
			first := &recorder{position: func(p offsets.Position) {
				last = p
				s.wire.confirm(p.Place) // durable at once
			}}
			r := s.run(t, 0, first)
			s.exec(t, "INSERT INTO t VALUES (1, 'before')")
			s.exec(t, "BEGIN; INSERT INTO t VALUES (2, 'prepared'); PREPARE TRANSACTION "+gid)
			s.exec(t, "INSERT INTO t VALUES (3, 'behind')")
			eventually(t, "both rows arrive", func() bool { return first.count() == 2 })
			if err := r.stop(t); err == nil {
				t.Fatal("it has ended well")
			}
			stored := encodePosition(last)
			if last.Detail == "" || !strings.Contains(stored, `"prepared":"`) {
				t.Fatalf("the position is %s", stored)
			}
			if told := s.confirmed(t); told > startPlace(last) {
				t.Fatalf("the server was told %s, behind the PREPARE in %s", lsnText(told), stored)
			}
			from, err := decodePosition(stored)
			if err != nil || from != last {
				t.Fatalf("%v, %v", from, err)
			}
			s.exec(t, "COMMIT PREPARED "+gid)
			s.exec(t, "INSERT INTO t VALUES (4, 'end')")
			s.wire = newProgress()
			second := &recorder{confirm: s.wire.confirm}
			r = s.runFrom(t, from, second)
			r.until(t, "the rows arrive", func() bool { return second.count() >= 2 })
			got := slices.DeleteFunc(unannounced(second), isBoundary)
			if want := []string{"c public.t after(2,prepared)", "c public.t after(4,end)"}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			eventually(t, "the slot moves on", func() bool { return s.confirmed(t) > from.Place })
		})
	}
}

// P37, P39: a position behind a message outside transactions passes neither the PREPARE before it nor the commit that
// follows it in the log at once.
func TestAPositionBehindAMessageOutsideTransactionsPassesNothing(t *testing.T) {
	s := newLogServer(t, testenv.SharedPostgres(t, 18), "CREATE TABLE t(id int PRIMARY KEY, a text)")
	s.spilling(t, "auto")
	s.cfg.TwoPhase = true
	gid := quoteLiteral("of " + s.db)
	first := &recorder{}
	r := s.run(t, 0, first)
	s.exec(t, "BEGIN; INSERT INTO t VALUES (1, 'prepared'); PREPARE TRANSACTION "+gid)
	s.exec(t, "BEGIN; INSERT INTO t VALUES (2, 'committed behind it'); SELECT pg_logical_emit_message(false, 'app', 'outside'); COMMIT")
	eventually(t, "the message arrives", func() bool { return slices.Contains(first.all(), "message false app outside") })
	if err := r.stop(t); err == nil {
		t.Fatal("it has ended well")
	}
	if first.outside.Detail == "" {
		t.Fatalf("the position behind the message is %+v", first.outside)
	}
	s.exec(t, "COMMIT PREPARED "+gid)
	s.wire = newProgress()
	second := &recorder{confirm: s.wire.confirm}
	r = s.runFrom(t, first.outside, second)
	r.until(t, "the rows arrive", func() bool { return second.count() >= 2 })
	if got := slices.DeleteFunc(unannounced(second), isBoundary); !slices.Equal(got, []string{"c public.t after(2,committed behind it)", "c public.t after(1,prepared)"}) {
		t.Errorf("got %q", got)
	}
}

// A position behind a PREPARE, as a person may set one, has lost its changes.
func TestAPreparedTransactionWhoseChangesWerePassedByIsALostPosition(t *testing.T) { // P37, G7
	s := newLogServer(t, testenv.SharedPostgres(t, 17), "CREATE TABLE t(id int PRIMARY KEY, a text)")
	s.spilling(t, "auto")
	s.cfg.TwoPhase = true
	r := s.run(t, 0, &recorder{}) // turns it on for the slot
	eventually(t, "the slot has it", func() bool { return s.askSlot(t, "two_phase") == "true" })
	gid := quoteLiteral("of " + s.db)
	s.exec(t, "BEGIN; INSERT INTO t VALUES (2, 'prepared'); PREPARE TRANSACTION "+gid)
	_ = r.stop(t)
	from := s.end(t)
	s.exec(t, "COMMIT PREPARED "+gid)
	expectFault(t, s.run(t, from, &recorder{}).wait(t), fault.PositionLost, true, "P37", "of "+s.db, "rdip offsets reset")
}

func TestWhatIsPreparedHoldsThePlaceThatTheServerIsTold(t *testing.T) { // G4
	var w progress
	w.begin(offsets.Position{Place: 100})
	w.held.add(110)
	w.held.add(130)
	w.held.decide(110, 150)
	for _, step := range []struct{ durable, told uint64 }{{105, 105}, {120, 110}, {140, 110}, {149, 110}, {160, 130}, {200, 130}} {
		w.confirm(step.durable)
		if got := w.confirmed.Load(); got != step.told {
			t.Errorf("durable up to %d: told %d, want %d", step.durable, got, step.told)
		}
	}
	w.held.decide(130, 210)
	w.confirm(210)
	if got := w.confirmed.Load(); got != 210 {
		t.Errorf("told %d once all is decided", got)
	}
}

func TestAPositionThatIsHeldBackByNothingIsRefused(t *testing.T) {
	for _, text := range []string{`{"lsn":"0/10","prepared":"0/10"}`, `{"lsn":"0/10","prepared":"0/0"}`, `{"lsn":"0/10","prepared":"x"}`} {
		if p, err := decodePosition(text); err == nil {
			t.Errorf("%s is %v", text, p)
		}
	}
}

// P37: two.phase that is set on a slot that was read without it: what had been prepared before, and lies below what was
// confirmed since, comes whole at its COMMIT PREPARED, and what is prepared from then on at its own, each once, over another
// restart too.
func TestTwoPhaseCommitThatIsTurnedOnLosesNothingThatWasPreparedBefore(t *testing.T) {
	for _, major := range []int{15, 17, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", major), func(t *testing.T) {
			s := newLogServer(t, testenv.SharedPostgres(t, major), "CREATE TABLE t(id int PRIMARY KEY, a text)")
			s.spilling(t, "auto")
			before, after := quoteLiteral("before "+s.db), quoteLiteral("after "+s.db)
			var last offsets.Position
			position := func(p offsets.Position) {
				last = p
				s.wire.confirm(p.Place)
			}
			first := &recorder{position: position}
			r := s.run(t, 0, first)
			s.exec(t, "BEGIN; INSERT INTO t VALUES (1, 'prepared before'); PREPARE TRANSACTION "+before)
			s.exec(t, "INSERT INTO t VALUES (2, 'behind it')")
			eventually(t, "the row arrives", func() bool { return first.count() == 1 })
			eventually(t, "it is confirmed", func() bool { return s.confirmed(t) >= first.lastCommit() })
			if err := r.stop(t); err == nil {
				t.Fatal("it has ended well")
			}

			s.cfg.TwoPhase = true
			got := []string{}
			for _, step := range []struct {
				sql  []string
				rows int
			}{
				{[]string{"BEGIN; INSERT INTO t VALUES (3, 'prepared after'); PREPARE TRANSACTION " + after, "INSERT INTO t VALUES (4, 'between')"}, 1},
				{[]string{"COMMIT PREPARED " + before, "INSERT INTO t VALUES (5, 'behind the first')"}, 2},
				{[]string{"COMMIT PREPARED " + after, "INSERT INTO t VALUES (6, 'end')"}, 2},
			} {
				s.wire = newProgress()
				h := &recorder{position: position}
				r := s.runFrom(t, last, h)
				for _, sql := range step.sql {
					s.exec(t, sql)
				}
				r.until(t, "the rows arrive", func() bool { return h.count() >= step.rows })
				if err := r.stop(t); err == nil {
					t.Fatal("it has ended well")
				}
				got = append(got, slices.DeleteFunc(unannounced(h), isBoundary)...)
			}
			want := []string{"c public.t after(4,between)", "c public.t after(1,prepared before)", "c public.t after(5,behind the first)", "c public.t after(3,prepared after)", "c public.t after(6,end)"}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
