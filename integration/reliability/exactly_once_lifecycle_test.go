package reliability

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/internal/failpoint"
)

// asked is a command that asks a running daemon.
func asked(t *testing.T, p *harness.Pipeline, d *harness.Daemon, args ...string) string {
	t.Helper()
	return p.Command(t, harness.ExitDone, append(args, "--config", p.ConfigFile(), "--url", d.REST(t))...)
}

// fill inserts rows in one transaction of the source, which takes a moment to be read.
func fill(t *testing.T, p *harness.Pipeline, from, to int) {
	t.Helper()
	p.Exec(t, fmt.Sprintf("INSERT INTO items SELECT i, repeat('x', 100) FROM generate_series(%d, %d) i", from, to))
}

// G2, D9: pauses, a reload and a restart in the middle of transactions repeat nothing.
func TestExactlyOncePausesReloadsAndRestartsRepeatNothing(t *testing.T) {
	p := once(t)
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	const rows = 8000
	fill(t, p, 1, rows)
	asked(t, p, d, "pause", "shop")
	p.Insert(t, rows+1, rows+2)
	asked(t, p, d, "resume", "shop")
	p.MustHold(t, rows+2, false)

	fill(t, p, rows+3, 2*rows)
	p.Configured("connectors.shop.skipped.operations", "t,d").File(t)
	if out := asked(t, p, d, "reload"); !strings.Contains(out, "restarted: shop") {
		t.Errorf("rdip reload: %s", out)
	}
	p.Insert(t, 2*rows+1, 2*rows+2)
	p.MustHold(t, 2*rows+2, false)

	fill(t, p, 2*rows+3, 3*rows)
	asked(t, p, d, "restart", "shop")
	p.Insert(t, 3*rows+1, 3*rows+1)
	p.MustHold(t, 3*rows+1, false)
	ends(t, d)
}

// R2, P25: a table that stopped goes on without a restart of the process, at the very row, and the others repeat nothing.
func TestExactlyOnceATableIsResumedWithoutARestart(t *testing.T) {
	p := once(t)
	p.Exec(t, "CREATE TABLE bad(id int PRIMARY KEY, n numeric(6,2))")
	d := p.Streaming(t)
	harness.SnapshotDone(t, d)
	p.Exec(t, "INSERT INTO bad VALUES (2, 2), (3, 3); INSERT INTO items VALUES (1, 'x'); INSERT INTO bad VALUES (4, 'NaN'), (5, 5)", "INSERT INTO bad VALUES (6, 6)")
	d.WaitFor(t, "table stopped")
	p.Insert(t, 2, 2)
	p.MustHold(t, 2, false)
	if out := p.Command(t, harness.ExitRuntime, "resume", "shop", "public.bad", "--url", d.REST(t)); !strings.Contains(out, "it has stopped again") {
		t.Errorf("resumed before it was mended:\n%s", out)
	}
	p.Insert(t, 3, 3)
	p.Configured("connectors.shop.decimal.handling.mode", "string").File(t)
	asked(t, p, d, "reload")
	harness.Eventually(t, "rows 2 to 6", func() bool { return len(p.Records(t, "bad")) >= 5 })
	p.Insert(t, 4, 4)
	p.MustHold(t, 4, false)
	p.Converge(t)
	var keys strings.Builder
	for _, r := range p.Records(t, "bad") {
		keys.WriteString(r.Key)
	}
	if keys.String() != "23456" {
		t.Errorf("the table has the rows %s", &keys)
	}
	ends(t, d)
}

// A transaction of the source that cannot be sent within transaction.timeout.ms ends the connector by name, and no reader of
// committed records has seen any of it; with more time it passes, once.
func TestExactlyOnceATransactionThatOutlastsTheLimitIsNamedAndNothingOfItIsSeen(t *testing.T) {
	p := once(t)
	short := p.Configured("transaction.timeout.ms", "1000")
	d := short.Streaming(t)
	short.MustHold(t, 0, false)
	const rows = 400_000
	fill(t, p, 1, rows)
	d.MustSay(t, harness.ExitRuntime, "outlasts transaction.timeout.ms (1s)", "raise transaction.timeout.ms, now 1000", "exactly.once.support: requested")
	if n := len(p.Records(t, "items")); n != 1 {
		t.Errorf("%d records are seen of a transaction that was aborted", n-1)
	}
	d = p.Streaming(t)
	p.Converge(t)
	if n := len(p.Records(t, "items")); n != rows+1 {
		t.Errorf("%d records of %d rows", n, rows+1)
	}
	ends(t, d)
}

// O4, G3: while the state folder's disk is full everything goes on, and the source is told, since the position is durable
// in Kafka; the start behind it has no use for the old copy.
func TestExactlyOnceAFullStateDiskHoldsNothingBack(t *testing.T) {
	p := once(t)
	state := p.Keys["state.dir"]
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	disk := testenv.SmallDisk(t, state, 512<<10, os.Geteuid())
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	p.Converge(t)
	if err := disk.Fill(); err != nil {
		t.Fatal(err)
	}
	for i := range 60 { // the record grows with each table's topic, and so asks for room
		p.Exec(t, fmt.Sprintf("CREATE TABLE more_%d(id int PRIMARY KEY); ALTER PUBLICATION %s ADD TABLE more_%d", i, p.Prefix, i), fmt.Sprintf("INSERT INTO more_%d VALUES (1)", i))
	}
	d.WaitFor(t, "no space left on device")
	p.Insert(t, 1, 3)
	p.MustHold(t, 3, false)
	p.Converge(t) // the slot moves on
	d.Kill()
	d = p.Streaming(t)
	p.Insert(t, 4, 4)
	p.MustHold(t, 4, false)
	p.Converge(t)
	if err := disk.Free(); err != nil {
		t.Fatal(err)
	}
	p.Insert(t, 5, 5)
	p.MustHold(t, 5, false)
	ends(t, d)
	if n := len(p.Records(t, "more_59")); n != 1 {
		t.Errorf("the last table has %d records", n)
	}
}

// A connector that is dropped leaves nothing in the topic of positions, and the next start under its name is a first one.
func TestExactlyOnceADropClearsTheTopicOfPositions(t *testing.T) {
	p := once(t)
	d := p.Streaming(t)
	p.Insert(t, 1, 2)
	p.MustHold(t, 2, false)
	ends(t, d)
	drops := func() {
		t.Helper()
		if out := p.Command(t, harness.ExitDone, "drop", "shop", "--yes", "--config", p.File(t)); !strings.Contains(out, "remove  its positions in topic "+p.Prefix+".positions") {
			t.Errorf("rdip drop says\n%s", out)
		}
		records, err := p.Kafka.Read(t.Context(), p.Prefix+".positions")
		if err != nil {
			t.Fatal(err)
		}
		left := map[string]bool{}
		for _, r := range records {
			left[string(r.Key)] = r.Value != nil
		}
		for key, there := range left {
			if there {
				t.Errorf("the topic of positions still has %s", key)
			}
		}
		if out := p.Command(t, harness.ExitDone, "drop", "shop", "--yes", "--config", p.File(t)); !strings.Contains(out, "nothing is left") {
			t.Errorf("rdip drop again says\n%s", out)
		}
	}
	drops()
	d = p.Streaming(t)
	harness.Eventually(t, "a snapshot of all rows", func() bool { return len(p.Records(t, "items")) == 3+3 })
	ends(t, d)

	// All else is gone already.
	p.Exec(t, fmt.Sprintf("SELECT pg_drop_replication_slot('%s')", p.Prefix), "DROP PUBLICATION "+p.Prefix)
	if err := os.RemoveAll(p.Keys["state.dir"]); err != nil {
		t.Fatal(err)
	}
	drops()
	d = p.Streaming(t)
	harness.Eventually(t, "another snapshot of all rows", func() bool { return len(p.Records(t, "items")) == 3+3+3 })
	ends(t, d)
}

// D1: what a signal asks for is done once, wherever the daemon is killed behind it.
func TestExactlyOnceASignalIsActedUponOnceOverAKill(t *testing.T) {
	for _, point := range []string{failpoint.WindowEmitted, failpoint.PositionsSent, failpoint.Committed} {
		t.Run(point, func(t *testing.T) {
			p := once(t)
			p.Exec(t, "INSERT INTO items SELECT i, 'row' FROM generate_series(1, 9) i", "CREATE TABLE signals(id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048))")
			p = p.Configured("connectors.shop.table.include.list", `public\.items`, "connectors.shop.signal.data.collection", "public.signals", "connectors.shop.snapshot.mode", "no_data")
			p.Tags = []string{"failpoints"}
			d := p.Streaming(t)
			p.Insert(t, 10, 10)
			harness.Eventually(t, "row 10", func() bool { return len(p.Records(t, "items")) == 1 })
			ends(t, d)
			killed := p.Configured()
			killed.Env = []string{"RDIP_FAILPOINT=" + point + ":2"}
			if point == failpoint.WindowEmitted {
				killed.Env = []string{"RDIP_FAILPOINT=" + point + ":1"}
			}
			d = killed.Start(t)
			p.Exec(t, `INSERT INTO signals VALUES ('one', 'execute-snapshot', '{"data-collections": ["public.items"]}')`)
			for i := 11; d.Running(); i++ {
				p.Insert(t, i, i)
				time.Sleep(100 * time.Millisecond)
			}
			d = p.Streaming(t)
			harness.Eventually(t, "the rows to be read", func() bool { return d.Status(t).Rdip.Snapshot.State == "done" || readOf(t, p)["0"] > 0 })
			p.Converge(t)
			ends(t, d)
			d = p.Streaming(t)
			p.Converge(t)
			ends(t, d)
			reads := readOf(t, p)
			for i := range 10 {
				if n := reads[fmt.Sprint(i)]; n != 1 {
					t.Errorf("row %d was read %d times", i, n)
				}
			}
		})
	}
}

// readOf counts the rows of items that a snapshot gave.
func readOf(t *testing.T, p *harness.Pipeline) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, r := range p.Records(t, "items") {
		if r.Op == 'r' {
			n[r.Key]++
		}
	}
	return n
}

// G2, G4: a stop whose time runs out in the middle of a transaction of the source aborts what was sent of it: no reader of
// committed records sees a part, and the next start delivers it whole, once.
func TestExactlyOnceAStopThatCannotWaitForTheTransactionsEndAbortsIt(t *testing.T) {
	p := once(t)
	hasty := p.Configured("task.shutdown.graceful.timeout.ms", "200")
	d := hasty.Streaming(t)
	hasty.MustHold(t, 0, false)
	const rows = 400_000
	fill(t, p, 1, rows)
	harness.Eventually(t, "a part to be sent", func() bool { return d.Status(t).Rdip.Records > 1 })
	if code := d.Stop(t); code != harness.ExitNotDrained {
		t.Errorf("exit code %d:\n%s", code, d.Out.String())
	}
	if n := len(p.Records(t, "items")); n != 1 {
		t.Errorf("%d records are seen of a transaction that was aborted", n-1)
	}
	d = p.Streaming(t)
	p.Converge(t)
	ends(t, d)
	if n := len(p.Records(t, "items")); n != rows+1 {
		t.Errorf("%d records of %d rows", n, rows+1)
	}
}
