package integration

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"rdip/connect/rest"
	"rdip/internal/failpoint"
	"rdip/offsets"
)

// reads is how many rows of snapshots are in a table's topic, and how many of them are stored as delivered.
func (r *judgedRun) reads(t *testing.T, table judgedTable) (inTopic, stored int64, left bool) {
	t.Helper()
	topic := r.prefix + ".public." + table.Name
	_, _, there, err := r.kafka.Topic(topic)
	if err != nil {
		t.Fatal(err)
	}
	if there {
		for _, partition := range newTopicReader(r.registry).partitions(t, r.kafka, topic, table) {
			for _, record := range partition {
				if record.Op == 'r' {
					inTopic++
				}
			}
		}
	}
	contents, err := offsets.Dump(r.keys["state.dir"], offsets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := contents.Tables["shop"]["public."+table.Name]
	return inTopic, s.Rows, s.Left()
}

// snapshotDone waits until the daemon shows that nothing is left to read.
func snapshotDone(t *testing.T, d *daemon) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		s := d.status(t)
		if s.Rdip.Snapshot.State == rest.SnapshotDone {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the snapshot is %+v, the tables %+v", s.Rdip.Snapshot, s.Rdip.Tables)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// G2, G3, G6, D1, P54, P56: a snapshot that was killed goes on where it was, while rows that it has read and rows
// that it has not change, go and change their key; what was stored as delivered is not read again.
func TestAKilledSnapshotGoesOnWhereItWas(t *testing.T) {
	for name, c := range map[string]struct {
		kills []crash
		kept  bool // something was stored as delivered before the last run
	}{
		"between two chunks of the copy, then everywhere in its windows": {kills: []crash{{failpoint.ChunkStored, 2}, {failpoint.WindowOpened, 1},
			{failpoint.WindowRead, 2}, {failpoint.WindowEmitted, 1}, {failpoint.ChunkStored, 1}}, kept: true},
		"copied, and not yet marked":              {kills: []crash{{failpoint.SnapshotCopied, 1}}},
		"at its end, when it is marked as copied": {kills: []crash{{failpoint.SnapshotMarked, 1}}, kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newJudgedRun(t, 18)
			r.setup = r.with("connectors.shop.incremental.snapshot.window.bytes", "32KiB")
			r.tags, r.cutOff = []string{"failpoints"}, true
			random := rand.New(rand.NewPCG(r.seed, 7))
			before := ""
			for _, kill := range c.kills {
				r.crash(t, kill, random)
				if before == "" {
					before = r.slot(t, "confirmed_flush_lsn")
				}
				r.exec(t, "DELETE FROM single WHERE id % 7 = 3", "UPDATE wide SET version = nextval('versions'), note = 'later' WHERE id % 2 = 0",
					"UPDATE single SET id = id + 10000, version = nextval('versions') WHERE id % 11 = 4 AND id < 10000",
					"DELETE FROM wide WHERE id < 50", "DELETE FROM keyless WHERE id % 2 = 0")
			}
			looked := []judgedTable{workloadTables[0], workloadTables[2], workloadTables[4]} // several parts, no key, large values
			type counted struct{ inTopic, stored int64 }
			was := map[string]counted{}
			var kept int64
			for _, table := range looked {
				in, stored, _ := r.reads(t, table)
				was[table.Name] = counted{in, stored}
				kept += stored
			}
			if c.kept && kept == 0 {
				t.Error("nothing is stored as delivered, though a part was")
			}
			last := *r.setup
			last.tags = nil
			d := last.start(t)
			d.waitFor(t, "state=streaming")
			snapshotDone(t, d)
			r.converge(t)
			if code := d.stop(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
			r.verdict(t)
			for _, table := range looked {
				in, stored, left := r.reads(t, table)
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
	r := newJudgedRun(t, 17)
	first := r.with("connectors.shop.table.exclude.list", "public.history,public.wide,public.keyless")
	d := first.start(t)
	d.waitFor(t, "state=streaming")
	snapshotDone(t, d)
	if code := d.stop(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	single, _, _ := r.reads(t, workloadTables[0])
	w := startWorkload(t, r.pg, r.database, r.seed, 8*time.Millisecond)
	d = r.start(t)
	d.waitFor(t, "state=streaming")
	snapshotDone(t, d)
	w.finish(t)
	r.converge(t)
	text := r.rdip(t, 0, "status", "--url", d.rest(t))
	if !strings.Contains(text, "public.wide") || !strings.Contains(text, "snapshot: done") {
		t.Errorf("status says:\n%s", text)
	}
	if code := d.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	r.cutOff = true // its rows' history began before it was captured
	r.verdict(t)
	if again, _, _ := r.reads(t, workloadTables[0]); again != single {
		t.Errorf("public.single had %d rows of its snapshot in the topic, and has %d", single, again)
	}
}
