package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
)

// at is the same database on another server of the cluster.
func (s *openServer) at(t *testing.T, other *pgserver.Server) *openServer {
	t.Helper()
	conn, err := other.Connect(t.Context(), s.cfg.Database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	there := &openServer{server: other, sql: conn, cfg: s.cfg}
	there.cfg.Port = other.Port()
	return there
}

// replayed waits until a standby has replayed the primary's log.
func (s *openServer) replayed(t *testing.T, standby *openServer) {
	t.Helper()
	end := s.ask(t, "pg_current_wal_flush_lsn()")
	eventually(t, "the standby has the log", func() bool {
		return standby.ask(t, fmt.Sprintf("SELECT pg_last_wal_replay_lsn() >= '%s'", end)) == "true"
	})
}

// P53, P60: a slot, a snapshot and a stream on a standby, and its promotion.
func TestAStandbyIsASourceAndSoItIsOncePromoted(t *testing.T) {
	for _, major := range []int{16, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", major), func(t *testing.T) {
			primary := testenv.Postgres(t, pgserver.Options{Version: major})
			p := newOpenServer(t, primary, oneTable)
			p.exec(t, "INSERT INTO t VALUES (40, 'in the snapshot')")
			standby := testenv.Standby(t, primary, nil)
			s := p.at(t, standby)

			// the publication is the primary's to make
			s.refuse(t, readers.Stored{}, fault.Preflight, "standby", "on the primary: CREATE PUBLICATION")
			p.publishT(t)
			p.replayed(t, s)
			expectFinding(t, s.reader(t).Check(t.Context()), fault.Notice, "P53", "")

			// the slot waits for a record of the primary's, and says for which
			waiting := s.reader(t)
			waiting.slotPatience = 1
			if _, err := waiting.Open(t.Context(), readers.Stored{}); err == nil || fault.IsPermanent(err) || !strings.Contains(err.Error(), "pg_log_standby_snapshot()") {
				t.Errorf("without such a record: %v", err)
			}
			r, resume := s.openOnStandby(t, p)
			if rows := copied(t, r, 1).rows["public.t"]; !slices.Contains(rows, "r 40,in the snapshot") {
				t.Errorf("the snapshot has %q", rows)
			}
			p.exec(t, "INSERT INTO t VALUES (41, 'streamed')")
			if got := s.streamedFrom(t, p, r, resume); !slices.Equal(got, []string{"c public.t after(41,streamed)"}) {
				t.Errorf("the stream has %q", got)
			}
			stored := readers.Stored{Identity: resume.Identity, Position: resume.From, SnapshotDone: true}
			if err := r.Close(t.Context()); err != nil {
				t.Fatal(err)
			}

			if err := primary.Kill(); err != nil {
				t.Fatal(err)
			}
			s.exec(t, "SELECT pg_promote()")
			s.exec(t, "INSERT INTO t VALUES (42, 'promoted')")
			r, resume = s.open(t, stored)
			if got := s.streamed(t, r, resume.From); !slices.Equal(got, []string{"c public.t after(41,streamed)", "c public.t after(42,promoted)"}) {
				t.Errorf("once promoted the stream has %q", got)
			}
		})
	}
}

// openOnStandby opens a first start on a standby, while its primary tells now and then which transactions run.
func (s *openServer) openOnStandby(t *testing.T, primary *openServer) (*Reader, readers.Resume) {
	t.Helper()
	stop, done := make(chan struct{}), make(chan struct{})
	conn, err := primary.server.Connect(t.Context(), primary.cfg.Database)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = conn.Exec(context.Background(), "SELECT pg_log_standby_snapshot(), pg_sleep(0.1)")
			}
		}
	}()
	defer func() {
		close(stop)
		<-done
		_ = conn.Close(context.Background())
	}()
	return s.open(t, readers.Stored{})
}

// publishT makes the publication of the table t, which only a primary can.
func (s *openServer) publishT(t *testing.T) {
	t.Helper()
	s.exec(t, s.cfg.createPublicationSQL(&captured{units: []*unit{{table: &table{Schema: "public", Name: "t"}, published: &table{Schema: "public", Name: "t"}}}}))
}

// A window of a table's snapshot ends at a mark, which nothing follows in the log of an idle server.
func TestAMarkOnAnIdleStandbyIsPassedAtOnce(t *testing.T) { // P53, P56
	primary := testenv.Postgres(t, pgserver.Options{Version: 17})
	p := newOpenServer(t, primary, oneTable)
	p.publishT(t)
	standby := testenv.Standby(t, primary, nil)
	s := p.at(t, standby)
	p.replayed(t, s)
	r, resume := s.openOnStandby(t, p)
	if err := r.Snapshot().Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.exec(t, "INSERT INTO t VALUES (41, 'streamed')")
	p.replayed(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	h := &recorder{position: r.Confirm}
	done := make(chan error, 1)
	go func() { done <- r.Stream(ctx, resume.From, h) }()
	eventually(t, "the row arrives", func() bool { return h.count() == 1 })
	for range 3 { // of the same place each time, as far as nobody writes to the primary
		before := len(h.idled())
		began := time.Now()
		place, err := r.Live().Mark(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the mark is passed", func() bool {
			idles := h.idled()
			return len(idles) > before && idles[len(idles)-1] >= place
		})
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// streamedFrom reads a standby's log up to a marker that the primary writes.
func (s *openServer) streamedFrom(t *testing.T, primary *openServer, r *Reader, resume readers.Resume) []string {
	t.Helper()
	marked := *s
	marked.sql = primary.sql
	return marked.streamed(t, r, resume.From)
}

// synchronized waits until the slot, whose log is read meanwhile, is on the standby for good.
func (s *openServer) synchronized(t *testing.T, standby *openServer) {
	t.Helper()
	synced := &pgserver.SyncedSlot{Primary: s.server, Standby: standby.server, Name: s.cfg.SlotName}
	eventually(t, "the slot is synchronized while its log is read", func() bool {
		s.exec(t, "SELECT pg_logical_emit_message(true, 'x', ''), pg_log_standby_snapshot()")
		safe, err := synced.IsSafe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return safe
	})
}

// P60, P61, P62: a failover slot is on the new primary, and the stream goes on without a gap or a repetition; a
// position that the old primary gave behind the new one's beginning is refused, with both places.
func TestAFailoverSlotGoesOnAfterAFailover(t *testing.T) {
	for _, major := range []int{17, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", major), func(t *testing.T) {
			primary := testenv.Postgres(t, pgserver.Options{Version: major})
			p := newOpenServer(t, primary, oneTable)
			plain := p.begun(t) // a slot made without, altered below
			p.cfg.Failover = true
			r, resume := p.open(t, plain)
			if p.askSlot(t, "failover") != "true" {
				t.Fatal("the slot is no failover slot")
			}
			expectFinding(t, resume.Notices, fault.Notice, "P60", "")
			p.exec(t, "INSERT INTO t VALUES (50, 'before')")
			standby := testenv.Standby(t, primary, map[string]string{"sync_replication_slots": "on"})
			s := p.at(t, standby)
			ctx, cancel := context.WithCancel(t.Context())
			h := &recorder{position: r.Confirm}
			done := make(chan error, 1)
			go func() { done <- r.Stream(ctx, resume.From, h) }()
			p.synchronized(t, s)
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if h.count() != 1 {
				t.Fatalf("the stream has %q", h.all())
			}
			stored := readers.Stored{Identity: resume.Identity, Position: offsetsAt(h.commits[len(h.commits)-1]), SnapshotDone: true}
			if err := r.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.exec(t, "INSERT INTO t VALUES (51, 'while we are away')")
			p.replayed(t, s)
			s.cfg.Failover = false
			s.refuse(t, stored, fault.Preflight, "synchronizes it", "P60", "database.hostname to the primary")

			if err := primary.Kill(); err != nil {
				t.Fatal(err)
			}
			s.exec(t, "SELECT pg_promote()")
			s.exec(t, "INSERT INTO t VALUES (52, 'on the new primary')")
			s.cfg.Failover = true
			again, resumed := s.open(t, stored)
			expectFinding(t, resumed.Notices, fault.Notice, "P60", "")
			if got := s.streamed(t, again, resumed.From); !slices.Equal(got, []string{"c public.t after(51,while we are away)", "c public.t after(52,on the new primary)"}) {
				t.Errorf("the new primary's stream has %q", got)
			}
			if err := again.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			ahead := stored
			ahead.Position = offsetsAt(mustLSN(t, s.ask(t, "pg_current_wal_flush_lsn()")))
			s.refuse(t, ahead, fault.PositionLost, "P60", lsnText(ahead.Position.Place), "which left it at", "rdip offsets reset shop")
		})
	}
}

// P60, P37: what was received at its PREPARE from the old primary, and not committed, comes once the new one commits it.
func TestAPreparedTransactionIsCommittedAfterAFailover(t *testing.T) {
	primary := testenv.Postgres(t, pgserver.Options{Version: 18})
	p := newOpenServer(t, primary, oneTable)
	p.cfg.Failover, p.cfg.TwoPhase, p.cfg.SpillDir = true, true, t.TempDir()
	r, resume := p.open(t, readers.Stored{})
	if err := r.Snapshot().Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.askSlot(t, "failover AND two_phase") != "true" {
		t.Fatal("the slot is not of both")
	}
	standby := testenv.Standby(t, primary, map[string]string{"sync_replication_slots": "on"})
	s := p.at(t, standby)
	var last offsets.Position
	var mu sync.Mutex
	h := &recorder{position: func(at offsets.Position) {
		mu.Lock()
		defer mu.Unlock()
		last = at
		r.Confirm(at)
	}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Stream(ctx, resume.From, h) }()
	p.synchronized(t, s)
	p.exec(t, "BEGIN; INSERT INTO t VALUES (50, 'prepared'); PREPARE TRANSACTION 'of both'")
	p.exec(t, "INSERT INTO t VALUES (51, 'behind')")
	eventually(t, "what came behind it is durable", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return h.count() == 1 && last.Detail != ""
	})
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.replayed(t, s)
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	s.exec(t, "SELECT pg_promote()")
	s.exec(t, "COMMIT PREPARED 'of both'")
	s.exec(t, "INSERT INTO t VALUES (52, 'on the new primary')")
	again, resumed := s.open(t, readers.Stored{Identity: resume.Identity, Position: last, SnapshotDone: true})
	if got := s.streamed(t, again, resumed.From); !slices.Equal(got, []string{"c public.t after(50,prepared)", "c public.t after(52,on the new primary)"}) {
		t.Errorf("the new primary's stream has %q", got)
	}
}

// P53, P60: a standby is promoted while it is streamed: the stream goes on over the change of the timeline, and so does
// the next start, from a position that the new timeline gave.
func TestAStandbyIsPromotedUnderARunningStream(t *testing.T) {
	for _, major := range []int{16, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", major), func(t *testing.T) {
			primary := testenv.Postgres(t, pgserver.Options{Version: major})
			p := newOpenServer(t, primary, oneTable)
			p.publishT(t)
			s := p.at(t, testenv.Standby(t, primary, nil))
			p.replayed(t, s)
			r, resume := s.openOnStandby(t, p)
			if err := r.Snapshot().Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			h := &recorder{position: r.Confirm}
			from := resume.From
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- r.Stream(ctx, from, h) }()
			p.exec(t, "INSERT INTO t VALUES (60, 'of the standby')")
			eventually(t, "the row arrives", func() bool { return h.count() == 1 })
			if err := primary.Kill(); err != nil {
				t.Fatal(err)
			}
			s.exec(t, "SELECT pg_promote()")
			s.exec(t, "INSERT INTO t VALUES (61, 'promoted')")
			eventually(t, "the stream goes on", func() bool { return h.count() == 2 })
			if place, err := r.Live().Mark(t.Context()); err != nil { // which is written there from now on
				t.Error(err)
			} else {
				eventually(t, "the mark is passed", func() bool { return h.lastCommit() >= place })
			}
			eventually(t, "the slot is confirmed", func() bool { return mustLSN(t, s.askSlot(t, "confirmed_flush_lsn")) >= h.lastCommit() })
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if err := r.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			stored := readers.Stored{Identity: resume.Identity, Position: offsetsAt(h.lastCommit()), SnapshotDone: true}
			s.exec(t, "INSERT INTO t VALUES (62, 'while we are away')")
			again, resumed := s.open(t, stored)
			expectFinding(t, resumed.Notices, fault.Notice, "P60", "")
			if got := s.streamed(t, again, resumed.From); !slices.Equal(got, []string{"c public.t after(62,while we are away)"}) {
				t.Errorf("the next start has %q", got)
			}
			if !strings.Contains(resumed.Identity, `"timeline":2`) || strings.Contains(resumed.Identity, "standby") {
				t.Errorf("the identity is %s", resumed.Identity)
			}
		})
	}
}

// A position that was streamed from a standby may be of the timeline to which it was promoted meanwhile, and of no
// later one: it may lie on a branch that was left.
func TestAPositionFromAStandbyIsTrustedOverOnePromotionOfItsOwn(t *testing.T) { // P60
	for name, c := range map[string]struct {
		standby  bool
		timeline int
		slot     *slot
		trusted  bool
	}{
		"promoted once":                        {true, 2, &slot{Confirmed: 150}, true},
		"promoted twice":                       {true, 3, &slot{Confirmed: 150}, false},
		"the slot is a copy of another server": {true, 2, &slot{Confirmed: 150, Synced: true}, false},
		"the slot was never read behind it":    {true, 2, &slot{Confirmed: 90}, false},
		"no slot":                              {true, 2, nil, false},
		"streamed from a primary":              {false, 2, &slot{Confirmed: 150}, false},
	} {
		stored := readers.Stored{Identity: identity{Timeline: 1, Standby: c.standby}.encode(), Position: offsetsAt(140)}
		o := &opening{r: New("shop", Config{}), cfg: &Config{}, stored: stored, slot: c.slot, system: system{Timeline: c.timeline}, history: timelineHistory{1: 100, 2: 120}}
		if err := o.judgeTimeline(); (err == nil) != c.trusted {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// 17 loses from where on a slot has prepared transactions, and refuses both itself from 17.5 on.
func TestAFailoverSlotOfTwoPhaseCommitIsRefusedBefore18(t *testing.T) { // P60, P37
	s := onServer(t, 17, oneTable)
	s.cfg.Failover, s.cfg.TwoPhase, s.cfg.SpillDir = true, true, t.TempDir()
	s.refuse(t, readers.Stored{}, fault.Preflight, "slot.failover together with two.phase", "PostgreSQL 18", "two.phase: false")
	if s.slotsMade(t) != "0" {
		t.Error("a slot was made")
	}
}

// P60: before 17, or without slot.failover, the new primary has no slot.
func TestAFailoverWithoutTheSlotSaysWhy(t *testing.T) {
	primary := testenv.Postgres(t, pgserver.Options{Version: 15})
	p := newOpenServer(t, primary, oneTable)
	stored := p.begun(t)
	standby := testenv.Standby(t, primary, nil)
	s := p.at(t, standby)
	p.replayed(t, s)
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	s.exec(t, "SELECT pg_promote()")
	s.refuse(t, stored, fault.PositionLost, "P48", "P60", "timeline 1, now 2", "slot.failover", "rdip offsets reset shop")
}
