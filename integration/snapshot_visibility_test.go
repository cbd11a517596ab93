package integration

import (
	"fmt"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
)

// lateServer is a server whose commits can be made to wait for a synchronous standby that is not there: they are in the
// log, and go out, before anybody sees them (P67).
type lateServer struct {
	*harness.Pipeline
	over chan error // of each update
}

func newLateServer(t *testing.T) *lateServer {
	t.Helper()
	p := harness.NewPipelineBetween(t, testenv.Postgres(t, pgserver.Options{Version: 18}), testenv.SharedKafka(t))
	p.MakeItems(t)
	p.Exec(t, "INSERT INTO items SELECT i, 'old' FROM generate_series(1, 9) i")
	return &lateServer{Pipeline: p, over: make(chan error, 9)}
}

// waitFor has commits wait for a standby; "" for none.
func (s *lateServer) waitFor(t *testing.T, standby string) {
	t.Helper()
	s.Exec(t, "ALTER SYSTEM SET synchronous_standby_names = '"+standby+"'", "SELECT pg_reload_conf()")
	harness.Eventually(t, "the setting", func() bool { return s.Query(t, "SHOW synchronous_standby_names") == standby })
}

// update makes a row new, which goes out and is not seen.
func (s *lateServer) update(t *testing.T, id string) {
	t.Helper()
	go func() {
		s.over <- s.PG.Exec(t.Context(), s.Database, "UPDATE items SET note = 'new' WHERE id = "+id)
	}()
	harness.Eventually(t, "the update to be delivered", func() bool { return noteOf(s.Pipeline, t, "items", id) == "new" })
	if got := s.Query(t, "SELECT note FROM items WHERE id = "+id); got != "old" {
		t.Fatalf("others see %q already: this proves nothing", got)
	}
}

// release lets the update of a row be seen, though no standby has it.
func (s *lateServer) release(t *testing.T, id string) {
	t.Helper()
	s.Exec(t, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'UPDATE items % WHERE id = "+id+"'")
	if err := <-s.over; err != nil {
		t.Fatal(err)
	}
}

// P67: a commit that waits for a synchronous standby is in the log, and went out, before any view sees it. The table
// is not read until one does, and nothing older follows. One that goes out while the table waits so is inside of the
// window: the row is left to the log, which is newer than what the window has read of it.
func TestACommitThatIsNotYetVisibleIsNotOvertakenByAnOlderRow(t *testing.T) {
	s := newLateServer(t)
	d := s.Streaming(t)
	s.Converge(t)
	s.waitFor(t, "nobody")
	s.update(t, "1")
	s.Command(t, harness.ExitDone, flags(s.Pipeline, t, d, "snapshot", "shop", "public.items")...)
	waits := func() string { return snapshots(d, t)["public.items"].WaitingOn }
	harness.Eventually(t, "the table to wait", func() bool { return strings.HasPrefix(waits(), "transaction ") })
	s.update(t, "2")
	s.release(t, "1")
	harness.Eventually(t, "the table to be read", func() bool { return snapshots(d, t)["public.items"].State == "finished" })
	if got := s.Query(t, "SELECT note FROM items WHERE id = 2"); got != "old" {
		t.Fatalf("others see %q already: this proves nothing", got)
	}
	want := map[string]int{"0": 2, "1": 2, "2": 1, "3": 2, "4": 2, "5": 2, "6": 2, "7": 2, "8": 2, "9": 2}
	if read := readKeys(s.Pipeline, t, "items", "id"); fmt.Sprint(read) != fmt.Sprint(want) {
		t.Errorf("read were %v; needed is %v", read, want)
	}
	s.release(t, "2")
	s.waitFor(t, "")
	s.Converge(t)
	for _, id := range []string{"1", "2"} {
		if got := noteOf(s.Pipeline, t, "items", id); got != "new" {
			t.Errorf("the newest record of row %s says %q", id, got)
		}
	}
}
