package mutants

import (
	"slices"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/workload"
)

// scenario is a test of the harness, run with a binary that may be a mutant. It waits for nothing that a bug could keep
// from coming, where a judge is to have the last word.
type scenario struct {
	name string // as a table shows it
	says string // what happens in it
	run  func(t *testing.T, binary string)
}

// scenarios is every one of them.
func scenarios() []scenario {
	return slices.Concat(streamScenarios(), killScenarios(), snapshotScenarios(), faultScenarios(), exactlyOnceScenarios())
}

// begin is a run between the shared servers, with that binary.
func begin(t *testing.T, binary string, keys ...string) *harness.Run {
	t.Helper()
	r := harness.RunBetween(t, testenv.SharedPostgres(t, 18), testenv.SharedKafka(t))
	return with(r, binary, keys...)
}

// with configures a run for a binary.
func with(r *harness.Run, binary string, keys ...string) *harness.Run {
	r.Setup = r.With(keys...)
	r.Path, r.Tags = binary, []string{"failpoints"}
	return r
}

// writing lets the workload go on for a time.
func writing(t *testing.T, r *harness.Run, d time.Duration) {
	t.Helper()
	w := workload.Start(t, r.PG, r.Database, r.Seed, 3*time.Millisecond)
	time.Sleep(d)
	w.Finish(t)
}

// conclude waits until everything has arrived, and lets the judges speak.
func conclude(t *testing.T, r *harness.Run, d *harness.Daemon) {
	t.Helper()
	r.Converge(t)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	r.Verdict(t)
}

// again starts the daemon after kills, and concludes.
func again(t *testing.T, r *harness.Run) {
	t.Helper()
	d := r.Streaming(t)
	harness.SnapshotDone(t, d)
	conclude(t, r, d)
}

// soon waits for a while for what a mutant may keep from coming, and says whether it came.
func soon(limit time.Duration, ok func() bool) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return true
		}
	}
	return false
}
