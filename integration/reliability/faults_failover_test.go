package reliability

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
)

// failoverFaults put another server, or another past, in the place of the source.
func failoverFaults() []fault {
	return []fault{
		{name: "the primary crashes and a standby with the synchronized slot is promoted", modes: both, run: failoverWithSlot,
			proves: "P60, P61: on 17 and later the stream goes on from the new primary. Nothing is missing, and nothing is in a topic that the new primary never got: synchronized_standby_slots holds it back.",
			not:    "The old primary never comes back (no split brain), and there is one standby."},
		{name: "the primary crashes and a standby without the slot is promoted", modes: both, run: failoverWithoutSlot,
			proves: "P48, P60: up to 16 rdip stops with the timelines' names and the command, which goes on from a new snapshot.",
			not:    "What the old primary committed and the standby never got may be in the topics: the judges look at what comes from the repair on."},
		{name: "the source is restored to an earlier point", modes: both, run: restoredEarlier,
			proves: "P61, P62: a log that ends before the stored position stops rdip with both places, running or at its start; the command goes on from a new snapshot.",
			not:    "A restored server that has written past the stored position again, on the same timeline, is like the old one to everybody who asks it. What was written between the backup and the restore is in the topics, and no longer in the source."},
		{name: "the source is restored to an earlier point, on a timeline of its own, and has written further than before", modes: both, run: restoredOnATimeline,
			proves: "P60, P61: a recovery that ends takes a new timeline, whose history shows that the stored position is not on it, however far its log has come.",
			not:    "As above."},
	}
}

// moved has the run go on with another server, which the configuration names after a reload.
func (u *underLoad) moved(t *testing.T, to *pgserver.Server) {
	t.Helper()
	u.PG = to
	_, port := harness.Address(t, to)
	u.Setup = u.With("connectors.shop.database.port", port)
	u.File(t)
}

// P60, P61
func failoverWithSlot(t *testing.T, mode harness.Mode) {
	primary := ownPostgres(t, 17, map[string]string{"synchronized_standby_slots": ""})
	u := under(t, mode, primary, testenv.SharedKafka(t), "connectors.shop.slot.failover", "true")
	standby := testenv.Standby(t, primary, map[string]string{"sync_replication_slots": "on"})
	u.Exec(t, "ALTER SYSTEM SET synchronized_standby_slots = '"+pgserver.StandbyName+"'", "SELECT pg_reload_conf()")
	synced := &pgserver.SyncedSlot{Primary: primary, Standby: standby, Name: u.Prefix}
	harness.Eventually(t, "the slot to be synchronized for good", func() bool {
		u.Exec(t, "SELECT pg_log_standby_snapshot()")
		safe, err := synced.IsSafe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return safe
	})
	time.Sleep(time.Second)
	if err := primary.Crash(); err != nil {
		t.Fatal(err)
	}
	u.Faulted(1)
	u.w.Survives.Store(true)
	u.promoted(t, standby)
	u.d.WaitFor(t, "notice: timeline")
	u.judged(t)
}

// promoted makes a standby the primary, gives it the writers and has the daemon find it by a reload.
func (u *underLoad) promoted(t *testing.T, standby *pgserver.Server) {
	t.Helper()
	if err := standby.Exec(t.Context(), u.Database, "SELECT pg_promote()"); err != nil {
		t.Fatal(err)
	}
	u.moved(t, standby)
	u.w.Abandon()
	u.writes(t)
	u.Command(t, harness.ExitDone, "reload", "--config", u.ConfigFile(), "--url", u.d.REST(t))
}

// P48, P60
func failoverWithoutSlot(t *testing.T, mode harness.Mode) {
	primary := ownPostgres(t, 16, nil)
	u := under(t, mode, primary, testenv.SharedKafka(t))
	standby := testenv.Standby(t, primary, nil)
	time.Sleep(time.Second)
	if err := primary.Crash(); err != nil {
		t.Fatal(err)
	}
	if code := u.d.Stop(t); code != harness.ExitDone && code != harness.ExitNotDrained { // of a transaction that was on its way
		t.Errorf("exit code %d:\n%s", code, u.d.Out.String())
	}
	if err := standby.Exec(t.Context(), u.Database, "SELECT pg_promote()"); err != nil {
		t.Fatal(err)
	}
	u.moved(t, standby)
	u.w.Abandon()
	u.writes(t)
	u.d = u.Start(t)
	u.repaired(t, "P60", "timeline 1, now 2")
}

// copied is a copy of a stopped server's folder, below the test's own.
func copied(t *testing.T, pg *pgserver.Server) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "backup")
	if out, err := exec.Command("cp", "-a", pg.DataDir(), to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return to
}

// putBack puts the copy into the place of the server's folder.
func putBack(t *testing.T, pg *pgserver.Server, backup string) {
	t.Helper()
	if err := os.RemoveAll(pg.DataDir()); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", backup, pg.DataDir()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// backedUp has a backup of an early state, and then goes on until its server is stopped.
func backedUp(t *testing.T, mode harness.Mode, version int) (u *underLoad, backup string) {
	t.Helper()
	u = under(t, mode, ownPostgres(t, version, nil), testenv.SharedKafka(t))
	time.Sleep(300 * time.Millisecond)
	if err := u.PG.Stop(); err != nil {
		t.Fatal(err)
	}
	backup = copied(t, u.PG)
	if err := u.PG.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 8 { // a log that the restored server has to write a while to reach
		u.Exec(t, "SELECT pg_switch_wal()", "CREATE TABLE filler()", "DROP TABLE filler")
	}
	time.Sleep(1500 * time.Millisecond)
	u.quiet(t)
	u.Converge(t)
	return u, backup
}

// P61, P62
func restoredEarlier(t *testing.T, mode harness.Mode) {
	u, backup := backedUp(t, mode, 18)
	if err := u.PG.Stop(); err != nil {
		t.Fatal(err)
	}
	putBack(t, u.PG, backup)
	if err := u.PG.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	u.writes(t)
	u.repaired(t, "P61", "restored to an earlier point", "bytes beyond the end of the server's log")
}

// P60, P61
func restoredOnATimeline(t *testing.T, mode harness.Mode) {
	u, backup := backedUp(t, mode, 16)
	if code := u.d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	if err := u.PG.Stop(); err != nil {
		t.Fatal(err)
	}
	putBack(t, u.PG, backup)
	if err := os.WriteFile(filepath.Join(u.PG.DataDir(), "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := u.PG.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	u.Exec(t, "SELECT pg_promote()")
	u.writes(t)
	harness.Eventually(t, "the log to be longer than before", func() bool {
		u.sql(t, u.Database, "SELECT pg_switch_wal()")
		return u.Query(t, fmt.Sprintf("SELECT (pg_current_wal_flush_lsn() > '%s')::text", u.stored(t))) == "true"
	})
	u.d = u.Start(t)
	u.repaired(t, "P60", "timeline")
}
