package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"rdip/connect/rest"
	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/failpoint"
)

// snapshotScenarios are of tables that are being read.
func snapshotScenarios() []scenario {
	return []scenario{
		{"killed copy", "kill -9 in the middle of a part of a table that is copied; windows read the rest", killedCopy},
		{"killed at the copy's end", "kill -9 when the copy is marked as complete, its last rows waiting for company before they are sent", killedAtTheCopysEnd},
		{"unseen commits", "commits that wait for a synchronous standby are in the log, and in no view, while their table is read in windows (P67)", unseenCommits},
		{"windows under load", "kill -9 while the tables are copied; the rest is read in windows while two writers change the same rows", windowsUnderLoad},
		{"large values", "rows move through their table without their large values, while it is read in windows", largeValues},
	}
}

func killedCopy(t *testing.T, binary string) {
	r := begin(t, binary, "connectors.shop.incremental.snapshot.window.bytes", "16KiB")
	r.CutOff = true
	r.Exec(t, "INSERT INTO single SELECT i, nextval('versions'), repeat('n', 50), i FROM generate_series(20001, 26000) i")
	// In the middle of single, what came before is stored as delivered, and the part under way is not.
	r.Crash(t, harness.Crash{Point: failpoint.MidChunk, N: 4000, Linger: 500 * time.Millisecond}, nil)
	again(t, r)
}

func killedAtTheCopysEnd(t *testing.T, binary string) {
	r := begin(t, binary, "linger.ms", "2000", "batch.size", "16MiB")
	r.Crash(t, harness.Crash{Point: failpoint.SnapshotMarked, N: 1}, nil)
	r.Setup = r.With("linger.ms", "0")
	again(t, r)
}

// unseenCommits has a server of its own: its commits wait for a standby that does not exist. One of them is delivered
// before its table is to be read, another one in the first window, which the next must know.
func unseenCommits(t *testing.T, binary string) {
	pg := testenv.Postgres(t, pgserver.Options{Version: 18})
	r := with(harness.RunBetween(t, pg, testenv.SharedKafka(t)), binary,
		"connectors.shop.incremental.snapshot.window.bytes", "16KiB")
	d := r.Streaming(t)
	r.Converge(t)
	standby := func(name string) {
		r.Exec(t, "ALTER SYSTEM SET synchronous_standby_names = '"+name+"'", "SELECT pg_reload_conf()")
		harness.Eventually(t, "the setting", func() bool { return r.Query(t, "SHOW synchronous_standby_names") == name })
	}
	standby("nobody")
	var waiting sync.WaitGroup
	update := func(note string, remainder int) {
		waiting.Go(func() {
			err := pg.Exec(context.WithoutCancel(t.Context()), r.Database, fmt.Sprintf("UPDATE single SET version = nextval('versions'), note = '%s' WHERE id %% 10 = %d", note, remainder))
			if err != nil {
				t.Error(err)
			}
		})
		harness.Eventually(t, "the "+note+" update to be delivered", func() bool { return delivered(t, r, note) })
	}
	update("first", 1)
	r.Command(t, harness.ExitDone, "snapshot", "shop", "public.single", "--config", r.ConfigFile(), "--url", d.REST(t))
	harness.Eventually(t, "the reading to be planned", func() bool { return isRead(t, d) })
	first := ""
	soon(4*time.Second, func() bool { // one that does not wait goes on meanwhile
		first = waitsFor(t, d)
		return first != ""
	})
	update("second", 2)
	r.Query(t, "SELECT count(pg_cancel_backend(pid))::text FROM pg_stat_activity WHERE query LIKE 'UPDATE single %first%'")
	soon(5*time.Second, func() bool { // the next window waits for the other one; one that does not has gone out
		now := waitsFor(t, d)
		return now != first && (now != "" || d.Status(t).Rdip.Snapshot.State == rest.SnapshotDone)
	})
	standby("")
	waiting.Wait()
	harness.SnapshotDone(t, d)
	conclude(t, r, d)
}

// delivered says whether a note is in the topic of single.
func delivered(t *testing.T, r *harness.Run, note string) bool {
	t.Helper()
	for _, record := range r.Records(t, "single") {
		if record.After["note"] == note {
			return true
		}
	}
	return false
}

// isRead says whether the reading of single that was asked for is planned.
func isRead(t *testing.T, d *harness.Daemon) bool {
	t.Helper()
	_, body := d.Get(t, "/connectors/shop/snapshots")
	var all []rest.SnapshotStatus
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return slices.ContainsFunc(all, func(s rest.SnapshotStatus) bool {
		return s.Table == "public.single" && s.Why == "asked" && s.Chunks > 0
	})
}

var waitingFor = regexp.MustCompile(`"transaction [0-9]+`)

// waitsFor is the transaction that a reading waits for; "" for none.
func waitsFor(t *testing.T, d *harness.Daemon) string {
	t.Helper()
	_, body := d.Get(t, "/connectors/shop/snapshots")
	return waitingFor.FindString(body)
}

// windowsUnderLoad has a copy that was cut off read on while two writers change rows of all of its windows. The source's
// sender is stopped again and again, so that the stream is behind what a window sees.
func windowsUnderLoad(t *testing.T, binary string) {
	r := begin(t, binary, "connectors.shop.incremental.snapshot.window.bytes", "16KiB")
	r.CutOff = true
	r.Exec(t, "INSERT INTO single SELECT i, nextval('versions'), repeat('n', 50), i FROM generate_series(20001, 40000) i")
	r.Crash(t, harness.Crash{Point: failpoint.MidChunk, N: 50}, nil)
	finish := updating(t, r, 40*time.Millisecond, func(i int) string {
		return fmt.Sprintf("UPDATE single SET version = nextval('versions'), amount = %d WHERE id %% 32 = %d", i, i%32)
	})
	d := r.Streaming(t)
	defer finish()
	for range 6 {
		active := ""
		harness.Eventually(t, "the slot to be in use", func() bool {
			active = r.Slot(t, "active_pid")
			return active != ""
		})
		pid, err := strconv.Atoi(active)
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGSTOP)
			time.Sleep(300 * time.Millisecond)
			err = errors.Join(err, syscall.Kill(pid, syscall.SIGCONT))
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	harness.SnapshotDone(t, d)
	finish()
	conclude(t, r, d)
}

// updating has two writers run statements, each its own half of their numbers, until the function that it gives is called.
func updating(t *testing.T, r *harness.Run, pause time.Duration, statement func(i int) string) (finish func()) {
	t.Helper()
	var writers sync.WaitGroup
	stop := make(chan struct{})
	for n := range 2 {
		writers.Go(func() {
			for i := n; ; i += 2 {
				select {
				case <-stop:
					return
				case <-time.After(pause):
				}
				if err := r.PG.Exec(t.Context(), r.Database, statement(i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return sync.OnceFunc(func() {
		close(stop)
		writers.Wait()
	})
}

func largeValues(t *testing.T, binary string) {
	r := begin(t, binary, "connectors.shop.table.include.list", "public.wide,public.single,public.composite,public.keyless,public.audited",
		"connectors.shop.snapshot.chunk.bytes", "128KiB", "connectors.shop.incremental.snapshot.window.bytes", "32KiB")
	delete(r.Keys, "connectors.shop.table.exclude.list")
	r.CutOff = true
	r.Exec(t, "INSERT INTO wide SELECT i, nextval('versions'), repeat('n', 200), repeat(md5(i::text), 100) FROM generate_series(201, 1500) i")
	r.Crash(t, harness.Crash{Point: failpoint.MidChunk, N: 50}, nil)
	d := r.Start(t)
	finish := updating(t, r, 5*time.Millisecond, func(i int) string {
		return fmt.Sprintf("UPDATE wide SET version = nextval('versions'), note = repeat('m', 150 + %d %% 50) WHERE id %% 50 = %d", i, i%50)
	})
	d.WaitFor(t, "state=streaming")
	harness.SnapshotDone(t, d)
	finish()
	conclude(t, r, d)
}
