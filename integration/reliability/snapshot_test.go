package reliability

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/judge"
	"rdip/integration/workload"
	"rdip/internal/failpoint"
)

// G2, G3, G6, D1, P54, P56: a snapshot that was killed goes on where it was, while rows that it has read and rows
// that it has not change, go and change their key; what was stored as delivered is not read again.
func TestAKilledSnapshotGoesOnWhereItWas(t *testing.T) {
	for name, c := range map[string]struct {
		kills []harness.Crash
		kept  bool // something was stored as delivered before the last run
	}{
		"between two chunks of the copy, then everywhere in its windows": {kills: []harness.Crash{{Point: failpoint.ChunkStored, N: 2}, {Point: failpoint.WindowOpened, N: 1},
			{Point: failpoint.WindowRead, N: 2}, {Point: failpoint.WindowEmitted, N: 1}, {Point: failpoint.ChunkStored, N: 1}}, kept: true},
		"while the offsets file is made":               {kills: []harness.Crash{{Point: failpoint.Initialising, N: 1}}},
		"with its slot made, and nothing stored of it": {kills: []harness.Crash{{Point: failpoint.SlotCreated, N: 1}, {Point: failpoint.WindowOpened, N: 1}}},
		"with its view exported, and nothing read":     {kills: []harness.Crash{{Point: failpoint.SnapshotExported, N: 1}}},
		"in the middle of a part":                      {kills: []harness.Crash{{Point: failpoint.MidChunk, N: 700}, {Point: failpoint.WindowRead, N: 1}}},
		"copied, and not yet marked":                   {kills: []harness.Crash{{Point: failpoint.SnapshotCopied, N: 1}}},
		"at its end, when it is marked as copied":      {kills: []harness.Crash{{Point: failpoint.SnapshotMarked, N: 1}}, kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := harness.NewRun(t, 18)
			r.Setup = r.With("connectors.shop.incremental.snapshot.window.bytes", "32KiB")
			r.Tags, r.CutOff = []string{"failpoints"}, true
			random := rand.New(rand.NewPCG(r.Seed, 7))
			before := ""
			for _, kill := range c.kills {
				r.Crash(t, kill, random)
				if before == "" {
					before = r.Slot(t, "confirmed_flush_lsn")
				}
				r.Exec(t, "DELETE FROM single WHERE id % 7 = 3", "UPDATE wide SET version = nextval('versions'), note = 'later' WHERE id % 2 = 0",
					"UPDATE single SET id = id + 10000, version = nextval('versions') WHERE id % 11 = 4 AND id < 10000",
					"DELETE FROM wide WHERE id < 50", "DELETE FROM keyless WHERE id % 2 = 0")
			}
			looked := []judge.Table{workload.Tables[0], workload.Tables[2], workload.Tables[4]} // several parts, no key, large values
			type counted struct{ inTopic, stored int64 }
			was := map[string]counted{}
			var kept int64
			for _, table := range looked {
				in, stored, _ := r.Reads(t, table)
				was[table.Name] = counted{in, stored}
				kept += stored
			}
			if c.kept && kept == 0 {
				t.Error("nothing is stored as delivered, though a part was")
			}
			last := *r.Setup
			last.Tags = nil
			d := last.Start(t)
			d.WaitFor(t, "state=streaming")
			harness.SnapshotDone(t, d)
			r.Converge(t)
			if code := d.Stop(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
			r.Verdict(t)
			for _, table := range looked {
				in, stored, left := r.Reads(t, table)
				if read, counts := in-was[table.Name].inTopic, stored-was[table.Name].stored; read != counts || left {
					t.Errorf("%s: %d rows were read in the last run, and %d were still to be delivered; left: %v", table.Name, read, counts, left)
				}
			}
		})
	}
}

// A table that is added to the configuration is read alone while the others are streamed (P58), also one without
// a key (P71), and status shows each table's reading.
func TestATableThatIsAddedIsReadAlone(t *testing.T) {
	t.Parallel()
	r := harness.NewRun(t, 17)
	first := r.With("connectors.shop.table.exclude.list", "public.history,public.wide,public.keyless")
	d := first.Start(t)
	d.WaitFor(t, "state=streaming")
	harness.SnapshotDone(t, d)
	if code := d.Stop(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	single, _, _ := r.Reads(t, workload.Tables[0])
	w := workload.Start(t, r.PG, r.Database, r.Seed, 8*time.Millisecond)
	d = r.Start(t)
	d.WaitFor(t, "state=streaming")
	harness.SnapshotDone(t, d)
	w.Finish(t)
	r.Converge(t)
	text := r.Command(t, 0, "status", "--url", d.REST(t))
	if !strings.Contains(text, "public.wide") || !strings.Contains(text, "snapshot: done") {
		t.Errorf("status says:\n%s", text)
	}
	if code := d.Stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	r.Added = []string{"wide", "keyless"}
	r.Verdict(t)
	if again, _, _ := r.Reads(t, workload.Tables[0]); again != single {
		t.Errorf("public.single had %d rows of its snapshot in the topic, and has %d", single, again)
	}
}
