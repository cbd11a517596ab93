package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
)

const oneTable = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a')"

func TestAFirstStartMakesThePublicationThenTheSlot(t *testing.T) { // P57
	s := onServer(t, 15, oneTable+"; CREATE TABLE left_out (id int)")
	s.cfg.TableInclude = patterns(t, `public\.t`)
	_, resume := s.open(t, readers.Stored{})
	if got := s.ask(t, "SELECT string_agg(schemaname || '.' || tablename, ',') FROM pg_publication_tables WHERE pubname = "+quoteLiteral(s.cfg.PublicationName)); got != "public.t" {
		t.Errorf("the publication has %s", got)
	}
	if got := s.askSlot(t, "plugin || ' ' || database || ' ' || temporary"); got != "pgoutput "+s.cfg.Database+" false" {
		t.Errorf("the slot is %s", got)
	}
	id, err := decodeIdentity(resume.Identity)
	if err != nil || id.Slot != s.cfg.SlotName || id.Database != s.cfg.Database || id.Timeline != 1 ||
		id.System != s.ask(t, "SELECT system_identifier FROM pg_control_system()") {
		t.Errorf("identity %s (%v)", resume.Identity, err)
	}
}

func TestWithoutASnapshotTheStreamBeginsWhereTheSlotWasMade(t *testing.T) {
	s := onServer(t, 15, oneTable)
	s.cfg.SnapshotMode = SnapshotNone
	r, resume := s.open(t, readers.Stored{})
	if resume.Snapshot || r.Snapshot() != nil {
		t.Fatalf("a snapshot is due: %+v", resume)
	}
	s.exec(t, "INSERT INTO t VALUES (2, 'b')")
	if got := s.streamed(t, r, resume.From); !slices.Equal(got, []string{"c public.t after(2,b)"}) {
		t.Errorf("the stream has %q", got)
	}
}

func TestAStoredPositionIsResumed(t *testing.T) {
	s := onServer(t, 15, oneTable)
	stored := s.begun(t)
	r, resume := s.open(t, stored)
	if resume.Snapshot || resume.Again || resume.From != stored.Position || resume.Identity != stored.Identity {
		t.Errorf("resumed with %+v, stored was %+v", resume, stored)
	}
	if r.wire.confirmed.Load() != stored.Position.Place {
		t.Error("what was stored is not confirmed")
	}
}

func TestASnapshotThatWasCutOffIsReadOnBesideTheStreamAndLosesNoDelete(t *testing.T) { // P56
	versions(t, func(t *testing.T, major int) {
		s := onServer(t, major, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
		first, began := s.open(t, readers.Stored{})
		copied(t, first, 1) // and then the process dies, before anything of it is stored
		if err := first.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.exec(t, "DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (3, 'c')")

		again, resume := s.open(t, readers.Stored{Identity: began.Identity, SnapshotBegan: true})
		if resume.Snapshot || resume.From != began.From || again.Snapshot() != nil {
			t.Fatalf("resumed with %+v, first it was %+v", resume, began)
		}
		if got := s.streamed(t, again, resume.From); !slices.Equal(got, []string{"d public.t key(1,~)", "c public.t after(3,c)"}) {
			t.Errorf("the stream has %q", got)
		}
		if got := s.readLive(t, again, "public.t"); !slices.Equal(got, []string{"r 2,b", "r 3,c"}) {
			t.Errorf("what is left has %q", got)
		}
		if got := s.ask(t, "SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE "+quoteLiteral(s.cfg.SlotName+"%")); got != "1" {
			t.Errorf("%s slots are left", got)
		}
	})
}

func TestALostPositionStopsWithTheGapAndTheRepair(t *testing.T) { // G7
	for name, c := range map[string]struct {
		sql    string // %s is the slot, quoted
		stored func(readers.Stored) readers.Stored
		words  []string
	}{
		"the slot was dropped": {"SELECT pg_drop_replication_slot(%s)", nil,
			[]string{"P48", "does not exist any more", "bytes", "rdip offsets reset shop"}},
		"the slot was dropped during the snapshot": {"SELECT pg_drop_replication_slot(%s)",
			func(s readers.Stored) readers.Stored {
				return readers.Stored{Identity: s.Identity, SnapshotBegan: true}
			},
			[]string{"P48", "snapshot was not finished", "rdip offsets reset shop"}},
		"the slot was made anew": {"SELECT pg_drop_replication_slot(%s); SELECT pg_logical_emit_message(true, '', ''); SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", nil,
			[]string{"P49", "bytes behind the stored position", "rdip offsets reset shop", "pg_drop_replication_slot(", "rdip offsets set shop --lsn"}},
		"the slot was moved on": {"SELECT pg_logical_emit_message(true, '', ''); SELECT pg_replication_slot_advance(%s, pg_current_wal_lsn())", nil,
			[]string{"P62", "bytes behind the stored position"}},
		"the server was restored to an earlier point": {"SELECT 1", func(s readers.Stored) readers.Stored {
			s.Position.Place += 1 << 30
			return s
		}, []string{"P61", "bytes beyond the end of the server's log"}},
		"another cluster": {"SELECT 1", identified(func(i *identity) { i.System = "7" }),
			[]string{"P61", "system identifier 7", "rdip offsets reset shop"}},
		"a failover":       {"SELECT 1", identified(func(i *identity) { i.Timeline = 0 }), []string{"P60", "timeline 0", "has 1"}},
		"an older backup":  {"SELECT 1", identified(func(i *identity) { i.Timeline = 5 }), []string{"P61", "timeline 5", "here it is 1"}},
		"another slot":     {"SELECT 1", identified(func(i *identity) { i.Slot = "x" }), []string{"P62", "slot x"}},
		"another database": {"SELECT 1", identified(func(i *identity) { i.Database = "x" }), []string{"P62", "database x"}},
		"an identity that cannot be read": {"SELECT 1", func(s readers.Stored) readers.Stored {
			s.Identity = "?"
			return s
		}, []string{"cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onServer(t, 15, oneTable)
			stored := s.begun(t)
			for _, sql := range strings.Split(strings.ReplaceAll(c.sql, "%s", quoteLiteral(s.cfg.SlotName)), "; ") {
				s.exec(t, sql)
			}
			before := s.askSlot(t, "confirmed_flush_lsn")
			if c.stored != nil {
				stored = c.stored(stored)
			}
			s.refuse(t, stored, fault.PositionLost, c.words...)
			if after := s.askSlot(t, "confirmed_flush_lsn"); after != before {
				t.Errorf("the slot went from %q to %q", before, after)
			}
		})
	}
}

// identified changes a stored identity.
func identified(change func(*identity)) func(readers.Stored) readers.Stored {
	return func(s readers.Stored) readers.Stored {
		i, err := decodeIdentity(s.Identity)
		if err != nil {
			panic(err)
		}
		change(&i)
		s.Identity = i.encode()
		return s
	}
}

func TestAnInvalidatedSlotIsALostPositionBeforeTheStreamBegins(t *testing.T) { // P50
	for _, major := range []int{14, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", major), func(t *testing.T) {
			server := testenv.Postgres(t, pgserver.Options{Version: major, Settings: map[string]string{"max_slot_wal_keep_size": "1MB", "max_wal_size": "32MB", "min_wal_size": "32MB"}})
			s := newOpenServer(t, server, oneTable)
			stored := s.begun(t)
			for range 3 {
				s.exec(t, "SELECT pg_logical_emit_message(true, '', 'x'), pg_switch_wal()")
			}
			s.exec(t, "CHECKPOINT")
			s.refuse(t, stored, fault.PositionLost, "P50", "bytes", "rdip offsets reset shop", dropSQL(s.cfg.SlotName))
			expectFinding(t, s.reader(t).Check(t.Context()), fault.Fatal, "P50", dropSQL(s.cfg.SlotName))
		})
	}
}

func TestASlotThatIsNotOursIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		sql   string // %s is the slot, quoted
		words []string
	}{
		"of a connector whose state was lost": {"SELECT pg_create_logical_replication_slot(%s, 'pgoutput')",
			[]string{"nothing is stored", "pg_drop_replication_slot(", "rdip offsets set shop --lsn"}},
		"of another plugin":       {"SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", []string{"test_decoding"}},
		"of physical replication": {"SELECT pg_create_physical_replication_slot(%s)", []string{"physical", "slot.name"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := onServer(t, 15, oneTable)
			s.exec(t, strings.ReplaceAll(c.sql, "%s", quoteLiteral(s.cfg.SlotName)))
			t.Cleanup(func() {
				_, _ = s.sql.Exec(context.Background(), dropSQL(s.cfg.SlotName))
			})
			s.refuse(t, readers.Stored{}, fault.Preflight, c.words...)
			if got := s.ask(t, "SELECT count(*) FROM pg_publication"); got != "0" {
				t.Error("a publication was made before the refusal")
			}
		})
	}
}

func TestAPositionSetByHandAdoptsTheSlot(t *testing.T) {
	s := onServer(t, 15, oneTable)
	s.begun(t)
	at, err := parseLSN(s.askSlot(t, "confirmed_flush_lsn"))
	if err != nil {
		t.Fatal(err)
	}
	_, resume := s.open(t, readers.Stored{Position: offsets.Position{Place: at}, SnapshotDone: true})
	if resume.Snapshot || resume.From.Place != at || resume.Identity == "" {
		t.Errorf("resumed with %+v", resume)
	}
}

func TestAPublicationMissingBesideItsSlotIsNotMadeAnew(t *testing.T) { // P57
	s := onServer(t, 15, oneTable)
	stored := s.begun(t)
	s.exec(t, "DROP PUBLICATION "+quoteIdentifier(s.cfg.PublicationName))
	s.refuse(t, stored, fault.Preflight, "P57", "does not exist", "rdip offsets reset shop")
}

func TestASlotReadByAnotherIsWaitedForAndItsReaderNamed(t *testing.T) { // P51, D7
	s := onServer(t, 15, oneTable)
	stored := s.begun(t)
	other, resume := s.open(t, stored)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- other.Stream(ctx, resume.From, &recorder{}) }()
	eventually(t, "the slot is read", func() bool { return s.askSlot(t, "active") == "true" })

	s.cfg.SlotMaxRetries, s.cfg.SlotRetryDelay = 2, 20*time.Millisecond
	_, err := s.reader(t).Open(t.Context(), stored)
	pid := s.askSlot(t, "active_pid")
	if err == nil || fault.IsPermanent(err) || !strings.Contains(err.Error(), "PID "+pid) || !strings.Contains(err.Error(), "pg_terminate_backend("+pid+")") {
		t.Errorf("got %v, the reader is PID %s", err, pid)
	}
	expectFinding(t, s.reader(t).Check(t.Context()), fault.Warning, "P51", pid)
	if err := s.reader(t).Free(t.Context()); err == nil || !strings.Contains(err.Error(), "PID "+pid) {
		t.Errorf("asked whether it is free: %v, the reader is PID %s", err, pid)
	}

	s.cfg.SlotMaxRetries = 1000
	opened := make(chan error, 1)
	go func() {
		_, err := s.reader(t).Open(t.Context(), stored)
		opened <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the stream ended with %v", err)
	}
	if err := <-opened; err != nil {
		t.Errorf("once it is free: %v", err)
	}
}

func TestTheMakingOfASlotWaitsInBoundsAndNamesTheBlocker(t *testing.T) { // P52
	for name, c := range map[string]struct {
		block, end string
		words      []string
	}{
		"a transaction": {"BEGIN; INSERT INTO t VALUES (9, 'open')", "ROLLBACK",
			[]string{"PID ", "idle in transaction", "its transaction is", "pg_terminate_backend("}},
		"a prepared transaction": {"BEGIN; INSERT INTO t VALUES (9, 'open'); PREPARE TRANSACTION 'it''s'", "ROLLBACK PREPARED 'it''s'",
			[]string{"the prepared transaction 'it''s'", "ROLLBACK PREPARED 'it''s'"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := testenv.Postgres(t, pgserver.Options{Version: 15})
			s := newOpenServer(t, server, oneTable)
			s.exec(t, c.block)
			r := s.reader(t)
			r.slotPatience = 500 * time.Millisecond
			_, err := r.Open(t.Context(), readers.Stored{})
			if err == nil || fault.IsPermanent(err) {
				t.Fatalf("got %v", err)
			}
			for _, w := range c.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("it does not say %q: %v", w, err)
				}
			}
			s.exec(t, c.end)
			eventually(t, "nothing is left behind", func() bool {
				return s.ask(t, "SELECT count(*) FROM pg_replication_slots") == "0" &&
					s.ask(t, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'") == "0"
			})
			r.slotPatience = time.Minute
			if _, err := r.Open(t.Context(), readers.Stored{}); err != nil {
				t.Errorf("once it has ended: %v", err)
			}
		})
	}
}

func TestTheMakingOfASlotEndsWithItsContext(t *testing.T) { // P52
	server := testenv.Postgres(t, pgserver.Options{Version: 15})
	s := newOpenServer(t, server, oneTable)
	blocker, err := server.Connect(t.Context(), s.cfg.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer blocker.Close(t.Context())
	if _, err := blocker.Exec(t.Context(), "BEGIN; INSERT INTO t VALUES (9, 'open')"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := withCause(t)
	done := make(chan error, 1)
	r := s.reader(t)
	go func() {
		_, err := r.Open(ctx, readers.Stored{})
		done <- err
	}()
	eventually(t, "the slot is being made", func() bool {
		return s.ask(t, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender' AND wait_event_type = 'Lock'") == "1"
	})
	cancel(errStop)
	if err := <-done; err != errStop {
		t.Errorf("got %v", err)
	}
	eventually(t, "no slot is left", func() bool { return s.ask(t, "SELECT count(*) FROM pg_replication_slots") == "0" })
}

func TestAServerThatIsTooOldIsRefusedByName(t *testing.T) { // P72
	s := onServer(t, 13, "CREATE TABLE t (id int PRIMARY KEY)")
	s.refuse(t, readers.Stored{}, fault.Preflight, "version 13", "14 or newer")
	fs := s.reader(t).Check(t.Context())
	if len(fs) != 1 || fs[0].Case != "P72" {
		t.Errorf("the check found %v", fs)
	}
}

func TestStatusShowsWhatTheServerKeeps(t *testing.T) { // P68
	server := testenv.Postgres(t, pgserver.Options{Version: 15, Settings: map[string]string{"max_slot_wal_keep_size": "64MB"}})
	s := newOpenServer(t, server, oneTable)
	r := s.reader(t)
	if st := r.Status(); st.Connected || st.LagBytes != -1 || st.RetainedBytes != -1 || st.RetainLimit != -1 {
		t.Errorf("before it is opened: %+v", st)
	}
	r.pollEvery = 20 * time.Millisecond
	resume, err := r.Open(t.Context(), readers.Stored{})
	if err != nil {
		t.Fatal(err)
	}
	s.exec(t, "INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(10, 10000) i")
	eventually(t, "the slot is seen to keep log", func() bool { return r.Status().RetainedBytes > 1<<20 && r.Status().LagBytes > 1<<20 })
	st := r.Status()
	if st.RetainLimit != 64<<20 || st.LagBytes < 1<<20 || !strings.Contains(st.Detail, s.cfg.SlotName) || !strings.Contains(st.Detail, "wal_status reserved") {
		t.Errorf("after a megabyte of log: %+v", st)
	}
	r.Confirm(offsets.Position{Place: st.SourcePlace})
	r.Confirm(resume.From)
	eventually(t, "the lag is gone", func() bool { return r.Status().LagBytes < 1<<16 })
}

// D1: a kill between keeping the identity and making the slot, or between making it and storing that the
// snapshot began, leaves a start that goes on as the first one.
func TestAFirstStartThatWasCutOffGoesOn(t *testing.T) {
	s := onServer(t, 15, oneTable)
	kept := ""
	stored := readers.Stored{Keep: func(identity string) error {
		kept = identity
		return errors.New("the power fails")
	}}
	if _, err := s.reader(t).Open(t.Context(), stored); err == nil || kept == "" {
		t.Fatalf("the identity was not kept before anything was made: %q, %v", kept, err)
	}
	_, resume := s.open(t, readers.Stored{Identity: kept})
	if !resume.Snapshot {
		t.Errorf("before the slot was made: %+v, want a first snapshot", resume)
	}
	from := resume.From
	_, resume = s.open(t, readers.Stored{Identity: kept})
	if resume.Snapshot || resume.From != from {
		t.Errorf("after the slot was made: %+v, want the stream from the slot's consistent point", resume)
	}
}
