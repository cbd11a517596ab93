package harness

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"rdip/connect/rest"
	"rdip/integration/judge"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
	"rdip/integration/workload"
	"rdip/offsets"
)

// Run is a workload on one database, captured into topics that the judges look at in the end.
type Run struct {
	*Pipeline
	Seed   uint64
	Mode   Mode
	CutOff bool     // see judge.Evidence
	Added  []string // tables that are captured later than others, while these are written to; see judge.Evidence

	killed, faulted int
	since           map[string][]int // records of each partition of a topic that Mark left out
}

// Killed adds to the kills of the daemon that the table shows; Crash counts its own.
func (r *Run) Killed(n int) { r.killed += n }

// Faulted adds to the faults around the daemon that the table shows.
func (r *Run) Faulted(n int) { r.faulted += n }

// NewRun makes the tables and the configuration that captures them.
func NewRun(t *testing.T, version int) *Run {
	t.Helper()
	return RunBetween(t, testenv.SharedPostgres(t, version), testenv.SharedKafka(t))
}

// RunBetween is NewRun on servers of the caller's.
func RunBetween(t *testing.T, pg *pgserver.Server, kafka *kafkaserver.Cluster) *Run {
	t.Helper()
	r := &Run{Pipeline: NewPipelineBetween(t, pg, kafka), Seed: workload.Seeded(t), Mode: AtLeastOnce}
	Script(t, r.PG, r.Database, workload.Schema)
	r.Setup = r.With(
		"connectors.shop.table.exclude.list", "public.history",
		"connectors.shop.provide.transaction.metadata", "true",
		"connectors.shop.skipped.operations", "none", // a TRUNCATE is an event
		"connectors.shop.snapshot.chunk.bytes", "64KiB",
		"connectors.shop.topic.creation.default.partitions", "3")
	return r
}

// StartAgain starts a server that is not running.
func StartAgain(t *testing.T, pg *pgserver.Server) error {
	t.Helper()
	if pg.Running() {
		return nil
	}
	return pg.Start(t.Context())
}

// Converge waits until the daemon that was started last has read what was left of the tables, and the slot has confirmed
// all that was written until now. A table whose reading does not come to an end is for the judges.
func (r *Run) Converge(t *testing.T) {
	t.Helper()
	if d := r.latest.Daemon; d != nil && d.Running() {
		for deadline := time.Now().Add(Patience / 2); d.Running(); time.Sleep(50 * time.Millisecond) {
			status := d.Status(t).Rdip
			if status.Snapshot.State == rest.SnapshotDone || status.Snapshot.State == rest.SnapshotNone {
				break
			}
			if time.Now().After(deadline) {
				t.Logf("the snapshot is %+v, the tables %+v", status.Snapshot, status.Tables)
				break
			}
		}
	}
	r.Pipeline.Converge(t)
}

// Reads is how many rows of snapshots are in a table's topic, and how many of them are stored as delivered.
func (r *Run) Reads(t *testing.T, table judge.Table) (inTopic, stored int64, left bool) {
	t.Helper()
	topic := r.Prefix + ".public." + table.Name
	_, _, there, err := r.Kafka.Topic(topic)
	if err != nil {
		t.Fatal(err)
	}
	if there {
		for _, partition := range NewTopicReader(r.Registry).Partitions(t, r.Kafka, topic, table) {
			for _, record := range partition {
				if record.Op == 'r' {
					inTopic++
				}
			}
		}
	}
	contents, err := offsets.Dump(r.Keys["state.dir"], offsets.Options{})
	if errors.Is(err, fs.ErrNotExist) {
		return inTopic, 0, false // the file was not made yet
	}
	if err != nil {
		t.Fatal(err)
	}
	s := contents.Tables["shop"]["public."+table.Name]
	return inTopic, s.Rows, s.Left()
}

// SnapshotDone waits until the daemon shows that nothing is left to read.
func SnapshotDone(t *testing.T, d *Daemon) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for {
		s := d.Status(t)
		if s.Rdip.Snapshot.State == rest.SnapshotDone {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the snapshot is %+v, the tables %+v", s.Rdip.Snapshot, s.Rdip.Tables)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
