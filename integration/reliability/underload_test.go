package reliability

import (
	"fmt"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
	"rdip/integration/workload"
	"rdip/offsets"
)

// underLoad is a run whose writers go on while something happens to it.
type underLoad struct {
	*harness.Run
	w *workload.Workload
	d *harness.Daemon

	begun uint64 // how often the writers were
}

// under starts a daemon with those keys and, once it streams, the writers, who outlive the server.
func under(t *testing.T, mode harness.Mode, pg *pgserver.Server, kafka *kafkaserver.Cluster, keys ...string) *underLoad {
	t.Helper()
	u := &underLoad{Run: mode.Run(t, pg, kafka)}
	u.Setup = u.With(keys...)
	u.d = u.Streaming(t)
	u.writes(t)
	return u
}

// lately is under, between shared servers, with what was delivered for a moment behind it, and then the end given: killed,
// or stopped. It counts as one fault.
func lately(t *testing.T, mode harness.Mode, version int, end func(u *underLoad, t *testing.T)) *underLoad {
	t.Helper()
	u := under(t, mode, testenv.SharedPostgres(t, version), testenv.SharedKafka(t))
	time.Sleep(600 * time.Millisecond)
	end(u, t)
	u.Faulted(1)
	return u
}

// killed ends the daemon with SIGKILL, while the writers go on.
func (u *underLoad) killed(*testing.T) {
	u.d.Kill()
	u.Killed(1)
}

// stopped ends the daemon in order, while the writers go on.
func (u *underLoad) stopped(t *testing.T) {
	t.Helper()
	if code := u.d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
}

// writes starts the writers again, with other transactions each time.
func (u *underLoad) writes(t *testing.T) {
	t.Helper()
	u.w = workload.Start(t, u.PG, u.Database, u.Seed+u.begun, 8*time.Millisecond)
	u.begun++
	u.w.Survives.Store(true)
}

// quiet ends the writers.
func (u *underLoad) quiet(t *testing.T) {
	t.Helper()
	u.w.Survives.Store(false)
	u.w.Finish(t)
}

// judged writes for a moment more, lets everything arrive, stops the daemon and calls the judges.
func (u *underLoad) judged(t *testing.T) {
	t.Helper()
	time.Sleep(time.Second)
	u.quiet(t)
	u.Converge(t)
	if code := u.d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	u.Verdict(t)
}

// again starts the daemon after something was mended.
func (u *underLoad) again(t *testing.T) {
	t.Helper()
	u.d = u.Streaming(t)
}

// stored is the position in the state folder, as PostgreSQL writes it.
func (u *underLoad) stored(t *testing.T) string {
	t.Helper()
	contents, err := offsets.Dump(u.Keys["state.dir"], offsets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	place := contents.Connectors["shop"].Place
	return fmt.Sprintf("%X/%X", place>>32, uint32(place))
}

// sql runs statements whatever becomes of their session.
func (u *underLoad) sql(t *testing.T, database, statement string) {
	t.Helper()
	if err := u.PG.Exec(t.Context(), database, statement); err != nil {
		t.Logf("%s: %v", statement, err)
	}
}

// allRead says whether every table is shown as read to its end, by whichever run of the connector.
func (u *underLoad) allRead(t *testing.T) bool {
	t.Helper()
	tables := u.d.Status(t).Rdip.Tables
	for _, table := range tables {
		if table.Reading != nil && table.Reading.State != "finished" {
			return false
		}
	}
	return len(tables) > 0
}
