package integration

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"rdip/connect/rest"
	"rdip/integration/harness"
	"rdip/integration/judge"
	"rdip/internal/failpoint"
)

// readKeys is how often each key of a table came as a row of a snapshot.
func readKeys(p *harness.Pipeline, t *testing.T, table string, key ...string) map[string]int {
	t.Helper()
	topic := p.Prefix + ".public." + table
	seen := map[string]int{}
	if _, _, ok, err := p.Kafka.Topic(topic); err != nil || !ok {
		return seen
	}
	for _, partition := range harness.NewTopicReader(p.Registry).Partitions(t, p.Kafka, topic, judge.Table{Name: table, Keys: key}) {
		for _, r := range partition {
			if r.Op == 'r' {
				seen[r.Key]++
			}
		}
	}
	return seen
}

// snapshots is what the daemon says of a connector's snapshots, by table.
func snapshots(d *harness.Daemon, t *testing.T) map[string]rest.SnapshotStatus {
	t.Helper()
	_, body := d.Get(t, "/connectors/shop/snapshots")
	var all []rest.SnapshotStatus
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	by := map[string]rest.SnapshotStatus{}
	for _, s := range all {
		by[s.Table] = s
	}
	return by
}

// rdip snapshot reads a table again, or the rows of a predicate or of keys, while the log is streamed.
func TestASnapshotThatIsAskedForReadsWhatIsAskedForAndNothingElse(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	p.Exec(t, "INSERT INTO items SELECT i, 'row' FROM generate_series(1, 9) i", "CREATE TABLE pairs(a int, b text, note text, PRIMARY KEY (a, b))",
		`INSERT INTO pairs SELECT i, 'it''s, ' || i, '' FROM generate_series(1, 5) i`, "CREATE TABLE loose(id int, note text); ALTER TABLE loose REPLICA IDENTITY FULL")
	d := p.Streaming(t)
	ask := func(code int, args ...string) string {
		t.Helper()
		return p.Command(t, code, flags(p, t, d, append([]string{"snapshot", "shop"}, args...)...)...)
	}
	if out := ask(harness.ExitDone); !strings.Contains(out, "no snapshot is under way") {
		t.Errorf("rdip snapshot without anything under way: %s", out)
	}
	out := ask(harness.ExitDone, "public.items", "--where", "id > 7 AND note <> ')'", "--wait")
	if !strings.Contains(out, "asked for") || !strings.Contains(out, "finished") {
		t.Errorf("rdip snapshot --where: %s", out)
	}
	d.WaitFor(t, `msg="a snapshot is asked for" connector=shop table=public.items by="rdip snapshot`)
	ask(harness.ExitDone, "public.items", "--keys", "3,5,77", "--wait")
	ask(harness.ExitDone, "public.pairs", "--keys", `(1,"it's, 1"),(4,"it's, 4"),(4,"absent")`, "--wait")
	want := map[string]int{"0": 1, "1": 1, "2": 1, "3": 2, "4": 1, "5": 2, "6": 1, "7": 1, "8": 2, "9": 2}
	if got := readKeys(p, t, "items", "id"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("items were read %v; needed is %v", got, want)
	}
	if got := readKeys(p, t, "pairs", "a"); fmt.Sprint(got) != fmt.Sprint(map[string]int{"1": 2, "2": 1, "3": 1, "4": 2, "5": 1}) {
		t.Errorf("pairs were read %v", got)
	}
	if out := ask(harness.ExitDone); !strings.Contains(out, "3 keys") || !strings.Contains(out, "asked, by rdip snapshot") {
		t.Errorf("the list says:\n%s", out)
	}
	ask(harness.ExitDone, "public.items", "public.pairs", "--wait")
	if got := readKeys(p, t, "items", "id"); got["0"] != 2 || got["3"] != 3 {
		t.Errorf("items were read %v after a snapshot of all rows", got)
	}
	p.Insert(t, 10, 12)
	harness.Eventually(t, "the stream to go on", func() bool { return len(p.Records(t, "items")) >= 10+2+2+10+3 })
}

// What cannot be read is refused before anything is stored, with the nearest name or the server's own words.
func TestASnapshotThatCannotBeTakenIsRefusedByName(t *testing.T) {
	p := harness.ItemsPipeline(t, 17)
	p.Exec(t, "CREATE TABLE pairs(a int, b text, PRIMARY KEY (a, b))", "CREATE TABLE loose(id int, note text); ALTER TABLE loose REPLICA IDENTITY FULL")
	d := p.Streaming(t)
	for _, c := range []struct {
		args  string
		words string
	}{
		{"public.itemz", "did you mean public.items"},
		{"items", "did you mean public.items"},
		{"public.items --where idd>7", `column "idd" does not exist`},
		{"public.items --where id>7);DROP/**/TABLE/**/items;--", "syntax error"},
		{"public.items --keys seven", "invalid input syntax for type integer"},
		{"public.pairs --keys 1,2", "2 columns (a, b)"},
		{"public.pairs --keys (1,", "--keys"},
		{"public.loose --keys 1", "no key"},
		{"public.items --where id=1 --keys 1", "cannot be given together"},
		{"public.items public.pairs --keys 1", "of one table"},
		{"--where id=1", "no table is named"},
		{"--pause", "no snapshot is under way"},
		{"public.items --stop", "no snapshot of it is under way"},
		{"--pause --resume", "exclude each other"},
	} {
		args := append([]string{"snapshot", "shop"}, strings.Fields(c.args)...)
		if out := p.Command(t, harness.ExitConfiguration, flags(p, t, d, args...)...); !strings.Contains(out, c.words) {
			t.Errorf("rdip snapshot shop %s says, without %q:\n%s", c.args, c.words, out)
		}
	}
	for _, left := range snapshots(d, t) {
		if left.Why == "asked" {
			t.Errorf("what was refused is under way: %+v", left)
		}
	}
}

// P58: a table that rdip reload adds to the file is read, and no other is read again.
func TestATableThatAReloadAddsIsReadAlone(t *testing.T) {
	p := harness.ItemsPipeline(t, 18).Configured("connectors.shop.table.include.list", `public\.items`)
	p.Exec(t, "CREATE TABLE more(id int PRIMARY KEY, note text)", "INSERT INTO more SELECT i, 'before' FROM generate_series(1, 100) i")
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	p.Configured("connectors.shop.table.include.list", `public\.items,public\.more`).File(t)
	p.Command(t, harness.ExitDone, flags(p, t, d, "reload")...)
	harness.Eventually(t, "the added table to be read", func() bool { return len(readKeys(p, t, "more", "id")) == 100 })
	p.Insert(t, 1, 2)
	p.MustHold(t, 2, false)
	if got := readKeys(p, t, "items", "id"); fmt.Sprint(got) != "map[0:1]" {
		t.Errorf("items were read again: %v", got)
	}
}

// bigPipeline has a table big of so many rows, which windows read in many parts.
func bigPipeline(t *testing.T, rows int) *harness.Pipeline {
	t.Helper()
	p := harness.NewPipeline(t, 18).Configured("connectors.shop.incremental.snapshot.chunk.bytes", "64KiB", "connectors.shop.snapshot.mode", "no_data")
	p.Exec(t, "CREATE TABLE big(id int PRIMARY KEY, note text)", fmt.Sprintf("INSERT INTO big SELECT i, repeat('x', 200) FROM generate_series(1, %d) i", rows))
	return p
}

// readOnce checks that every row was read, and none twice but for as many as one part has, and how many may be.
func readOnce(p *harness.Pipeline, t *testing.T, rows, twice int) {
	t.Helper()
	got := readKeys(p, t, "big", "id")
	again := 0
	for _, n := range got {
		again += n - 1
	}
	if len(got) != rows || again > twice {
		t.Errorf("%d of %d rows were read, %d of them again", len(got), rows, again)
	}
}

// A paused snapshot stays paused over a restart, and goes on where it was; a stopped one is given up.
func TestAPausedSnapshotStaysPausedOverARestart(t *testing.T) {
	const rows = 60000
	p := bigPipeline(t, rows)
	d := p.Streaming(t)
	p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.big")...)
	harness.Eventually(t, "some parts to be read", func() bool { return snapshots(d, t)["public.big"].ChunksDone > 1 })
	p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.big", "--pause")...)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Fatalf("exit code %d", code)
	}
	d = p.Streaming(t)
	was := snapshots(d, t)["public.big"]
	if was.State != "paused" || was.ChunksDone == 0 || was.ChunksDone >= was.Chunks {
		t.Fatalf("after the restart: %+v", was)
	}
	if out := p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop")...); !strings.Contains(out, "public.big  paused") {
		t.Errorf("rdip snapshot says:\n%s", out)
	}
	p.Exec(t, "UPDATE big SET note = 'changed' WHERE id <= 10")
	harness.Eventually(t, "the stream to go on", func() bool {
		n := 0
		for _, r := range p.Records(t, "big") {
			if r.Op == 'u' {
				n++
			}
		}
		return n == 10
	})
	if now := snapshots(d, t)["public.big"]; now.ChunksDone != was.ChunksDone {
		t.Errorf("a paused snapshot went from %d parts to %d", was.ChunksDone, now.ChunksDone)
	}
	p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "--resume", "--wait")...)
	got := readKeys(p, t, "big", "id")
	for key, n := range got {
		if n > 1 && len(key) > 2 { // the rows that changed have moved: to a part that was still to be read
			t.Fatalf("row %s was read %d times", key, n)
		}
	}
	if len(got) < rows-10 { // a row that changed may be in the log alone
		t.Errorf("%d of %d rows were read", len(got), rows)
	}
	p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.big")...)
	p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "--stop")...)
	if now := snapshots(d, t)["public.big"]; now.State != "stopped" {
		t.Errorf("after --stop: %+v", now)
	}
}

// D1, G3: kill -9 in the middle of a snapshot that was asked for: it goes on by itself, and what was stored as read
// is not read again.
func TestASnapshotThatWasAskedForGoesOnByItselfAfterAKill(t *testing.T) {
	const rows = 20000
	p := bigPipeline(t, rows)
	p.Tags = []string{"failpoints"}
	p.Streaming(t).Stop(t)
	killed := p.Configured()
	killed.Env = []string{"RDIP_FAILPOINT=" + failpoint.ChunkStored + ":3"}
	d := killed.Streaming(t)
	p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.big")...)
	<-d.Done
	before := len(readKeys(p, t, "big", "id"))
	d = p.Streaming(t)
	harness.Eventually(t, "the snapshot to be finished", func() bool { return snapshots(d, t)["public.big"].State == "finished" })
	if before == 0 || before >= rows {
		t.Errorf("%d rows were read before the kill", before)
	}
	readOnce(p, t, rows, before/2) // parts whose rows had arrived and were not yet stored as read
}
