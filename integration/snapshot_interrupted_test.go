package integration

import (
	"fmt"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/snapshot"
)

// slowly is a predicate that holds up each row's reading for so many seconds.
func slowly(seconds float64) string { return fmt.Sprintf("pg_sleep(%g) IS NOT NULL", seconds) }

// reaches waits until the reading of a table is in a state, and gives what it says of it.
func reaches(d *harness.Daemon, t *testing.T, table string, state snapshot.ReadingState) (says string) {
	t.Helper()
	harness.Eventually(t, fmt.Sprintf("the snapshot of %s to be %s", table, state), func() bool {
		s := snapshots(d, t)[table]
		says = s.WaitingOn
		return s.State == string(state)
	})
	return says
}

// A statement that takes long holds nobody up who wants its table stopped or paused, nor the tables behind it, and
// neither a lock nor a snapshot of it stays at the server.
func TestAReadingIsStoppedInTheMiddleOfAStatement(t *testing.T) {
	p := harness.ItemsPipeline(t, 17)
	p.Exec(t, "CREATE TABLE zeta(id int PRIMARY KEY)", "INSERT INTO zeta VALUES (1)")
	d := p.Streaming(t)
	reading := func() bool {
		return p.Query(t, "SELECT count(*)::text FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%pg_sleep%'") == "1"
	}
	for _, change := range []string{"--pause", "--stop"} {
		p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.items", "--where", slowly(3600))...)
		if change == "--stop" {
			p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.items", "--resume")...)
		}
		harness.Eventually(t, "the statement to run", reading)
		p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.items", change)...)
		p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.zeta", "--wait")...)
		harness.Eventually(t, "the server to end the statement", func() bool { return !reading() })
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
}

// In the middle of windows a table loses its rights, or its place in the publication: its reading stops with what to do,
// the stream and other tables go on, and --resume takes it up: where changes were not in the log, from its beginning.
func TestARightThatIsTakenAwayWhileATableIsReadStopsItWithTheRepair(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	role := testenv.Name("reader")
	p.Exec(t, "CREATE ROLE "+role+" LOGIN REPLICATION", "CREATE TABLE rows(id int PRIMARY KEY, note text)", "INSERT INTO rows SELECT i, repeat('x', 500) FROM generate_series(1, 200) i",
		"GRANT CREATE ON DATABASE "+p.Database+" TO "+role, "ALTER TABLE items OWNER TO "+role, "GRANT SELECT ON rows TO "+role,
		"CREATE PUBLICATION "+p.Prefix+" FOR TABLE items, rows")
	t.Cleanup(func() { _ = p.PG.Exec(t.Context(), p.Database, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	p = p.Configured("connectors.shop.database.user", role, "connectors.shop.publication.autocreate.mode", "disabled",
		"connectors.shop.incremental.snapshot.window.bytes", "32KiB")
	d := p.Streaming(t)
	for _, c := range []struct {
		take, give string
		says       []string
		lost       bool // changes were not in the log meanwhile
	}{
		{"REVOKE SELECT ON rows FROM " + role, "GRANT SELECT ON rows TO " + role, []string{"permission denied", `GRANT SELECT ON "public"."rows" TO`}, false},
		{"REVOKE USAGE ON SCHEMA public FROM public", "GRANT USAGE ON SCHEMA public TO public", []string{"permission denied", `GRANT USAGE ON SCHEMA "public" TO`}, false},
		{"ALTER PUBLICATION " + p.Prefix + " DROP TABLE rows", "ALTER PUBLICATION " + p.Prefix + " ADD TABLE rows", []string{"its changes are not in the log", "ADD TABLE ONLY", "--resume"}, true},
	} {
		p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.rows", "--where", slowly(0.005))...)
		harness.Eventually(t, "some of its rows to go out", func() bool { return snapshots(d, t)["public.rows"].Rows > 0 })
		p.Exec(t, c.take)
		says := reaches(d, t, "public.rows", snapshot.ReadingFailed)
		for _, words := range c.says {
			if !strings.Contains(says, words) {
				t.Errorf("after %s it says, without %q: %s", c.take, words, says)
			}
		}
		p.Exec(t, "UPDATE rows SET note = 'changed behind "+role+"' WHERE id = 1", "UPDATE items SET note = note")
		p.Exec(t, c.give)
		before := readKeys(p, t, "rows", "id")
		p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.rows", "--resume", "--wait")...)
		after := readKeys(p, t, "rows", "id")
		if again := after["2"] - before["2"]; again > 0 != c.lost {
			t.Errorf("after %s: a row that went out before was read %d times more", c.take, again)
		}
		if len(after) != 200 || p.Query(t, "SELECT 'changed behind "+role+"'") != noteOf(p, t, "rows", "1") {
			t.Errorf("after %s: %d rows were read; the newest of the changed one says %q", c.take, len(after), noteOf(p, t, "rows", "1"))
		}
		p.Exec(t, "UPDATE rows SET note = repeat('x', 500) WHERE id = 1")
	}
	p.Converge(t)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
}
