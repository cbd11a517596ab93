package integration

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/judge"
	"rdip/integration/workload"
	"rdip/internal/failpoint"
)

// snapshot.mode initial_only: the daemon ends by itself, well, with every row in the topics, also where it was killed
// in the middle and reads what was left beside the stream (P56), a table without a key among it (P71).
func TestInitialOnlyEndsWellOnceEveryRowIsThere(t *testing.T) {
	for name, kills := range map[string][]harness.Crash{
		"at once":      nil,
		"after a kill": {{Point: failpoint.MidChunk, N: 300}, {Point: failpoint.WindowEmitted, N: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := harness.NewRun(t, 16)
			r.Setup = r.With("connectors.shop.snapshot.mode", "initial_only", "connectors.shop.incremental.snapshot.window.bytes", "16KiB")
			random := rand.New(rand.NewPCG(r.Seed, 7))
			if len(kills) > 0 {
				r.Tags = []string{"failpoints"}
			}
			for _, kill := range kills {
				r.Crash(t, kill, random)
				r.Exec(t, "UPDATE wide SET version = nextval('versions') WHERE id % 3 = 0", "UPDATE single SET version = nextval('versions') WHERE id % 100 = 0")
			}
			d := r.Start(t)
			if code := d.Wait(t, harness.Patience); code != harness.ExitDone {
				t.Fatalf("exit code %d", code)
			}
			for _, table := range workload.Tables {
				read := readKeys(r.Pipeline, t, table.Name, table.Keys...)
				if _, _, left := r.Reads(t, table); left || fmt.Sprint(len(read)) != r.Query(t, "SELECT count(*)::text FROM "+table.Name) {
					t.Errorf("%s: %d rows are in the topic; something is left: %t", table.Name, len(read), left)
				}
			}
			if code := r.Start(t).Wait(t, harness.Patience); code != harness.ExitDone { // there is nothing more to do
				t.Errorf("exit code of the next start: %d", code)
			}
		})
	}
}

// snapshot.mode always: each start reads every table again, beside the stream.
func TestAlwaysReadsEveryTableAgainAtEachStart(t *testing.T) {
	p := harness.ItemsPipeline(t, 15).Configured("connectors.shop.snapshot.mode", "always")
	p.Exec(t, "INSERT INTO items SELECT i, 'row' FROM generate_series(1, 9) i", "CREATE TABLE loose(id int, note text); ALTER TABLE loose REPLICA IDENTITY FULL",
		"INSERT INTO loose VALUES (1, 'a'), (2, 'b')")
	for start := 1; start <= 3; start++ {
		d := p.Streaming(t)
		harness.SnapshotDone(t, d)
		p.Converge(t)
		if code := d.Stop(t); code != harness.ExitDone {
			t.Fatalf("exit code %d", code)
		}
		for table, rows := range map[string]int{"items": 10, "loose": 2} {
			read := readKeys(p, t, table, "id")
			if len(read) != rows {
				t.Errorf("%s: %d rows were read", table, len(read))
			}
			for key, n := range read {
				if n != start {
					t.Errorf("%s: row %s was read %d times in %d starts", table, key, n, start)
				}
			}
		}
	}
}

// G2, P1, P56: rows with large values that no update carries move through the table while it is read in windows:
// whoever folds the topic knows every value in the end.
func TestLargeValuesThatNoUpdateCarriesAreKnownAfterAKilledSnapshot(t *testing.T) {
	r := harness.NewRun(t, 17)
	r.Tags, r.CutOff = []string{"failpoints"}, true
	r.Setup = r.With("connectors.shop.table.include.list", "public.wide", "connectors.shop.snapshot.chunk.bytes", "128KiB",
		"connectors.shop.incremental.snapshot.window.bytes", "32KiB")
	delete(r.Keys, "connectors.shop.table.exclude.list")
	r.Exec(t, "INSERT INTO wide SELECT i, nextval('versions'), repeat('n', 200), repeat(md5(i::text), 100) FROM generate_series(201, 2000) i")
	r.Crash(t, harness.Crash{Point: failpoint.MidChunk, N: 50}, nil)
	again := *r.Setup
	again.Tags = nil
	d := again.Start(t)
	var writers sync.WaitGroup
	stop := make(chan struct{})
	for n := range 2 {
		writers.Go(func() {
			for i := n; ; i += 2 {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
				}
				update := fmt.Sprintf("UPDATE wide SET version = nextval('versions'), note = repeat('m', 150 + %d %% 50) WHERE id %% 50 = %d", i, i%50)
				if err := r.PG.Exec(t.Context(), r.Database, update); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	d.WaitFor(t, "state=streaming")
	harness.SnapshotDone(t, d)
	close(stop)
	writers.Wait()
	r.Converge(t)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	wide := workload.Tables[len(workload.Tables)-1]
	bodies := map[string]string{}
	for _, partition := range harness.NewTopicReader(r.Registry).Partitions(t, r.Kafka, r.Prefix+".public.wide", wide) {
		for _, record := range partition {
			if body := record.After["body"]; record.After != nil && body != judge.Unavailable {
				bodies[record.Key] = body
			}
		}
	}
	if n := r.Query(t, "SELECT count(*)::text FROM wide"); fmt.Sprint(len(bodies)) != n {
		t.Errorf("of %s rows %d have their value in the topic", n, len(bodies))
	}
	if _, _, left := r.Reads(t, wide); left {
		t.Error("the table is not read to its end")
	}
}

// noteOf is the note of a table's row in its newest record.
func noteOf(p *harness.Pipeline, t *testing.T, table, id string) string {
	t.Helper()
	note := ""
	for _, r := range p.Records(t, table) {
		if r.After != nil && r.After["id"] == id {
			note = r.After["note"]
		}
	}
	return note
}
