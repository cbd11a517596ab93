package postgres

import (
	"fmt"
	"slices"
	"testing"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/readers"
	"rdip/snapshot"
)

func TestAViewTellsIDsOf32BitsApartAcrossTheirWraparound(t *testing.T) { // P67
	const epoch = uint64(1) << 32
	for _, c := range []struct {
		text string
		id   uint64
		want bool
	}{
		{"700:700:", 699, true},
		{"700:700:", 700, false},
		{"700:710:700,705", 700, false},
		{"700:710:700,705", 701, true},
		{"700:710:700,705", 705, false},
		{"700:710:700,705", 709, true},
		{"700:710:700,705", 711, false},
		{fmt.Sprintf("%d:%d:%d", epoch-3, epoch+5, epoch-3), 1<<32 - 3, false},
		{fmt.Sprintf("%d:%d:%d", epoch-3, epoch+5, epoch-3), 1<<32 - 4, true},
		{fmt.Sprintf("%d:%d:%d", epoch-3, epoch+5, epoch-3), 1<<32 - 2, true},
		{fmt.Sprintf("%d:%d:%d", epoch-3, epoch+5, epoch-3), 3, true},
		{fmt.Sprintf("%d:%d:%d", epoch-3, epoch+5, epoch-3), 5, false},
		{fmt.Sprintf("%d:%d:", 7*epoch+100, 7*epoch+100), 1<<32 - 9, true}, // of the epoch before
		{fmt.Sprintf("%d:%d:", 7*epoch+100, 7*epoch+100), 2000, false},
	} {
		v, err := parseView(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Sees(c.id, 1); got != c.want {
			t.Errorf("%s sees %d: %t", c.text, c.id, got)
		}
		for _, id := range v.Running() {
			if v.Sees(id, 1) {
				t.Errorf("%s has %d in progress, and sees it", c.text, id)
			}
		}
	}
	for _, text := range []string{"", "1", "1:2", "a:2:", "1:b:", "1:2:x", "-1:2:"} {
		if _, err := parseView(text); err == nil {
			t.Errorf("%q was taken for a snapshot", text)
		}
	}
}

func TestOnAStandbyAViewSeesWhatWasReplayedBeforeIt(t *testing.T) { // P53, P67
	v := &view{xmin: 10, xmax: 20, replayed: 500}
	for _, c := range []struct {
		id, place uint64
		want      bool
	}{{9, 900, true}, {12, 499, true}, {12, 500, false}, {20, 400, false}} {
		if got := v.Sees(c.id, c.place); got != c.want {
			t.Errorf("transaction %d at %d is seen: %t", c.id, c.place, got)
		}
	}
}

// commitsWait says whether a commit waits for a synchronous standby by now. The checkpointer decides it for all sessions,
// some time after they know of the setting (SyncRepUpdateSyncStandbysDefined in syncrep.c).
func commitsWait(t *testing.T, s *openServer) bool {
	t.Helper()
	conn, err := s.server.Connect(t.Context(), s.cfg.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	over := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), "SELECT pg_logical_emit_message(true, 'waits', '')")
		over <- err
	}()
	for {
		select {
		case err := <-over:
			if err != nil {
				t.Fatal(err)
			}
			return false
		default:
		}
		if s.ask(t, fmt.Sprintf("SELECT wait_event FROM pg_stat_activity WHERE pid = %d", conn.PgConn().PID())) != "SyncRep" {
			continue
		}
		s.exec(t, fmt.Sprintf("SELECT pg_cancel_backend(%d)", conn.PgConn().PID()))
		if err := <-over; err != nil {
			t.Fatal(err)
		}
		return true
	}
}

// A commit that waits for a synchronous standby is in the log, and reaches us, before any snapshot sees it.
func TestACommitThatIsDeliveredBeforeItIsVisibleIsNotSeen(t *testing.T) { // P67
	for _, major := range []int{14, 15, 16, 17, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", major), func(t *testing.T) {
			t.Parallel()
			s := newOpenServer(t, testenv.Postgres(t, pgserver.Options{Version: major}), "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'old')")
			r, resume := s.open(t, readers.Stored{})
			if err := r.Snapshot().Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			plan := livePlan(t, r, snapshot.Asked{Table: "public.t"})
			reload := func(value string) {
				s.exec(t, "ALTER SYSTEM SET synchronous_standby_names = "+quoteLiteral(value))
				s.exec(t, "SELECT pg_reload_conf()")
				eventually(t, "the setting is in force", func() bool { return s.ask(t, "SELECT current_setting('synchronous_standby_names')") == value })
			}
			reload("nobody")
			eventually(t, "commits wait for the standby", func() bool { return commitsWait(t, s) })
			other, err := s.server.Connect(t.Context(), s.cfg.Database)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close(t.Context())
			over := make(chan error, 1)
			go func() {
				_, err := other.Exec(t.Context(), "UPDATE t SET v = 'new' WHERE id = 1")
				over <- err
			}()

			ctx, cancel := withCause(t)
			h := &recorder{}
			done := make(chan error, 1)
			go func() { done <- r.Stream(ctx, resume.From, h) }()
			eventually(t, "the commit is delivered", func() bool {
				return slices.Contains(h.all(), "u public.t after(1,new)") && slices.Contains(h.all(), "commit")
			})
			cancel(errStop)
			if err := <-done; err == nil {
				t.Error("the stream ended by itself")
			}
			tx := h.txs[len(h.txs)-1] // before it may be those of commitsWait
			lane, err := r.Live().Lane(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer lane.Close(t.Context())
			v, err := lane.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if v.Sees(tx.ID, tx.Place) || !slices.Contains(v.Running(), tx.ID) {
				t.Errorf("transaction %d is seen: %t; in progress are %v", tx.ID, v.Sees(tx.ID, tx.Place), v.Running())
			}
			if got, err := readChunks(t, lane, plan.Chunks); err != nil || !slices.Equal(got, []string{"r 1,old"}) {
				t.Errorf("read were %q, %v", got, err)
			}
			reload("")
			if err := <-over; err != nil {
				t.Error(err)
			}
			if v, err = lane.Begin(t.Context()); err != nil || !v.Sees(tx.ID, tx.Place) || slices.Contains(v.Running(), tx.ID) {
				t.Errorf("once it is over it is seen: %t, %v", v.Sees(tx.ID, tx.Place), err)
			}
			if got, err := readChunks(t, lane, plan.Chunks); err != nil || !slices.Equal(got, []string{"r 1,new"}) {
				t.Errorf("then read were %q, %v", got, err)
			}
		})
	}
}
