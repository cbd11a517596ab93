package integration

import (
	"testing"

	"rdip/integration/harness"
)

// endCopies waits for connections that copy rows, of this database, and ends them. It waits in the server: a copy of a
// chunk takes milliseconds.
const endCopies = `DO $$
DECLARE started timestamptz := clock_timestamp();
BEGIN
	LOOP
		PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'COPY %' AND state = 'active';
		EXIT WHEN FOUND;
		IF clock_timestamp() > started + interval '1 minute' THEN
			RAISE 'nothing was copied for a minute';
		END IF;
		PERFORM pg_stat_clear_snapshot();
	END LOOP;
END $$`

// P54, G6: the server ends the connections that copy a table, twice, in the middle of it. The daemon lives, what Kafka has is
// not copied again, and in the end every row is there.
func TestASnapshotWhoseConnectionsDieGoesOnAndIsNeverDoneEarly(t *testing.T) {
	const rows = 50_000
	p := harness.NewPipeline(t, 18).Configured("connectors.shop.snapshot.chunk.bytes", "256KiB", "connectors.shop.incremental.snapshot.chunk.bytes", "256KiB",
		"connectors.shop.snapshot.max.threads", "2", "memory.budget", "4MiB")
	p.Exec(t, "CREATE TABLE large(id int PRIMARY KEY, note text)",
		"INSERT INTO large SELECT i, repeat(md5(i::text), 12) FROM generate_series(1, 50000) i")
	d := p.Start(t)
	for range 2 {
		p.Exec(t, endCopies)
		if s := d.Status(t); s.Rdip.Snapshot.State == "done" {
			t.Fatalf("the snapshot is done, it says: %+v", s.Rdip.Snapshot)
		}
	}
	d.WaitFor(t, "state=streaming")
	harness.SnapshotDone(t, d)
	p.Converge(t)
	records, err := p.Kafka.Read(t.Context(), p.Prefix+".public.large")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, r := range records {
		keys[string(r.Key)] = true
	}
	if len(keys) != rows {
		t.Errorf("%d of %d rows are in the topic", len(keys), rows)
	}
	if len(records) > rows+rows/2 {
		t.Errorf("%d records for %d rows: what was delivered was copied again", len(records), rows)
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
}
