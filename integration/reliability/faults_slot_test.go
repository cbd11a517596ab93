package reliability

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
)

// slotFaults are the losses of a position: each stops with its gap and the repair, which is then run as it was printed (G7).
func slotFaults() []fault {
	const afterwards = "The topics are judged up to the loss, and again from the repair on. What was changed in the gap, and above all what was deleted there, is missing, as docs/DELIVERY.md says. Nobody writes while the tables are copied again."
	lost := func(name, proves, not string, short bool, run func(*testing.T, harness.Mode)) fault {
		return fault{name: name, proves: proves, not: not + afterwards, short: short, modes: both, run: run}
	}
	return []fault{
		lost("the slot is dropped under a running daemon", "P48, G7: rdip stops with the gap and the command; nothing is made anew; the command mends it.", "", true,
			func(t *testing.T, mode harness.Mode) {
				lostUnderway(t, mode, testenv.SharedPostgres(t, 18), func(u *underLoad) { u.dropSlot(t) }, "the slot does not exist any more")
			}),
		lost("the slot is dropped while rdip is stopped", "P48, G7: the same at the next start.", "", false,
			func(t *testing.T, mode harness.Mode) {
				lostBetween(t, mode, testenv.SharedPostgres(t, 14), func(u *underLoad) { u.dropSlot(t) }, "P48", "the slot does not exist any more")
			}),
		lost("the slot is made anew by hand under a running daemon", "P49, G7: a slot of the same name that begins later is not read, although the server would send from there without a word.", "", false,
			func(t *testing.T, mode harness.Mode) {
				lostUnderway(t, mode, testenv.SharedPostgres(t, 18), func(u *underLoad) { u.recreateSlot(t) }, "P49")
			}),
		lost("the slot is made anew by hand while rdip is stopped", "P49, G7: the same at the next start.", "", false,
			func(t *testing.T, mode harness.Mode) {
				lostBetween(t, mode, testenv.SharedPostgres(t, 17), func(u *underLoad) { u.recreateSlot(t) }, "P49")
			}),
		lost("the slot is invalidated by max_slot_wal_keep_size while rdip is frozen", "P50, G7: rdip wakes up without a walsender, and stops with the server's reason.", "", false,
			func(t *testing.T, mode harness.Mode) {
				lostUnderway(t, mode, ownPostgres(t, 18, nil), func(u *underLoad) { u.frozen(t, func() { u.outgrowSlot(t) }) }, "P50")
			}),
		lost("the slot is invalidated by max_slot_wal_keep_size while rdip is stopped", "P50, G7: the same at the next start.", "", false,
			func(t *testing.T, mode harness.Mode) {
				lostBetween(t, mode, ownPostgres(t, 14, nil), func(u *underLoad) { u.outgrowSlot(t) }, "P50")
			}),
		lost("the slot is invalidated by idle_replication_slot_timeout", "P50, G7: 18 gives up a slot that nobody reads; the start says so.", "", false,
			func(t *testing.T, mode harness.Mode) {
				lostBetween(t, mode, ownPostgres(t, 18, nil), func(u *underLoad) { u.idleSlot(t) }, "P50", "idle_timeout")
			}),
	}
}

// lostUnderway has the position go while the daemon runs.
func lostUnderway(t *testing.T, mode harness.Mode, pg *pgserver.Server, lose func(*underLoad), words ...string) {
	t.Helper()
	u := under(t, mode, pg, testenv.SharedKafka(t))
	time.Sleep(700 * time.Millisecond)
	u.quiet(t)
	u.Converge(t)
	u.Verdict(t)
	u.writes(t)
	time.Sleep(300 * time.Millisecond)
	lose(u)
	u.repaired(t, words...)
}

// lostBetween has it go while the daemon is stopped.
func lostBetween(t *testing.T, mode harness.Mode, pg *pgserver.Server, lose func(*underLoad), words ...string) {
	t.Helper()
	u := under(t, mode, pg, testenv.SharedKafka(t))
	u.judged(t)
	u.writes(t)
	time.Sleep(300 * time.Millisecond)
	lose(u)
	u.d = u.Start(t)
	u.repaired(t, words...)
}

// repaired sees the daemon stop with those words and the stored position, runs what it printed, and judges what comes from there on.
func (u *underLoad) repaired(t *testing.T, words ...string) {
	t.Helper()
	u.d.MustSay(t, harness.ExitPositionLost, words...)
	if at := u.stored(t); !strings.Contains(u.d.Out.String(), "the stored position "+at) {
		t.Errorf("rdip does not name the stored position, %s:\n%s", at, u.d.Out.String())
	}
	u.Faulted(1)
	u.Mark(t)
	time.Sleep(300 * time.Millisecond) // more goes into the gap
	u.quiet(t)
	if sql := u.d.PrintedSQL("SELECT pg_drop_replication_slot"); sql != "" {
		u.Exec(t, sql)
	} else if left := u.Slot(t, "slot_name"); left != "" {
		t.Errorf("slot %s is left, and rdip does not say how to drop it:\n%s", left, u.d.Out.String())
	}
	u.Command(t, harness.ExitDone, append(u.d.Printed(t, u.Pipeline, "offsets reset"), "--yes")...)
	u.again(t)
	u.writes(t)
	u.judged(t)
}

// dropSlot ends the walsender and drops the slot, before it is back.
func (u *underLoad) dropSlot(t *testing.T) {
	t.Helper()
	u.swapSlot(t, fmt.Sprintf("SELECT pg_drop_replication_slot('%s')", u.Prefix))
}

// recreateSlot drops the slot and makes it again, with work in between.
func (u *underLoad) recreateSlot(t *testing.T) {
	t.Helper()
	u.swapSlot(t, fmt.Sprintf("DO $$BEGIN PERFORM pg_drop_replication_slot('%[1]s'); UPDATE audited SET version = nextval('versions'), note = 'in the gap'; END$$", u.Prefix))
	u.sql(t, u.Database, fmt.Sprintf("SELECT pg_create_logical_replication_slot('%s', 'pgoutput')", u.Prefix))
}

// swapSlot runs a statement that needs the slot for itself.
func (u *underLoad) swapSlot(t *testing.T, statement string) {
	t.Helper()
	harness.Eventually(t, "the slot to be free for a moment", func() bool {
		u.sql(t, u.Database, fmt.Sprintf("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '%s' AND active", u.Prefix))
		return u.PG.Exec(t.Context(), u.Database, statement) == nil
	})
}

// outgrowSlot has the server give the slot up for the log that it keeps.
func (u *underLoad) outgrowSlot(t *testing.T) {
	t.Helper()
	u.Exec(t, "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'", "SELECT pg_reload_conf()")
	harness.Eventually(t, "the slot to be invalidated", func() bool {
		u.Exec(t, "SELECT pg_switch_wal()", "CREATE TABLE IF NOT EXISTS filler(); DROP TABLE filler", "CHECKPOINT")
		return u.Slot(t, "wal_status") == "lost"
	})
	u.Exec(t, "ALTER SYSTEM RESET max_slot_wal_keep_size", "SELECT pg_reload_conf()")
}

// idleSlot has the server give the slot up for nobody reading it.
func (u *underLoad) idleSlot(t *testing.T) {
	t.Helper()
	u.Exec(t, "ALTER SYSTEM SET idle_replication_slot_timeout = '1s'", "SELECT pg_reload_conf()")
	harness.Eventually(t, "the slot to be invalidated", func() bool {
		u.Exec(t, "SELECT pg_switch_wal()", "CHECKPOINT")
		return u.Slot(t, "invalidation_reason") != ""
	})
	u.Exec(t, "ALTER SYSTEM RESET idle_replication_slot_timeout", "SELECT pg_reload_conf()")
}

// frozen stops the daemon's process, and lets it go on afterwards.
func (u *underLoad) frozen(t *testing.T, during func()) {
	t.Helper()
	if err := u.d.Cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	during()
	if err := u.d.Cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}
