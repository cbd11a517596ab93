package mutants

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/integration/workload"
	"rdip/internal/failpoint"
)

// killScenarios are of a daemon that is killed while it streams.
func killScenarios() []scenario {
	return []scenario{
		{"killed before the file", "kill -9 half a second after acknowledgements came, before the offsets file is written", killedBeforeTheFile},
		{"killed in a transaction", "kill -9 in the middle of a transaction of 6,000 rows, after the first of them are acknowledged", killedInATransaction},
		{"killed at a commit", "the position is where the commit record of an open transaction will begin; kill -9, then it commits", killedAtACommit},
		{"killed anywhere", "kill -9 at the points of the stream, while two writers go on", killedAnywhere},
	}
}

func killedBeforeTheFile(t *testing.T, binary string) {
	r := begin(t, binary)
	r.Crash(t, harness.Crash{Point: failpoint.SnapshotMarked, N: 1}, nil)
	r.Exec(t, "UPDATE single SET version = nextval('versions') WHERE id % 10 = 0")
	r.Crash(t, harness.Crash{Point: failpoint.Acked, N: 1, Linger: 800 * time.Millisecond}, nil)
	if !t.Failed() { // else the source has let go of what it was told is safe, and nothing starts again
		again(t, r)
	}
}

func killedInATransaction(t *testing.T, binary string) {
	r := begin(t, binary)
	r.Crash(t, harness.Crash{Point: failpoint.SnapshotMarked, N: 1}, nil)
	r.Exec(t, "INSERT INTO single SELECT i, nextval('versions'), 'one of many', i FROM generate_series(10001, 16000) i")
	r.Crash(t, harness.Crash{Point: failpoint.MidTransaction, N: 5000, Linger: 800 * time.Millisecond}, nil)
	again(t, r)
}

// killedAtACommit has a server of its own: nobody else may write a record between the position and the commit.
func killedAtACommit(t *testing.T, binary string) {
	pg := testenv.Postgres(t, pgserver.Options{Version: 18, Settings: map[string]string{"autovacuum": "off", "bgwriter_delay": "10s"}})
	r := with(harness.RunBetween(t, pg, testenv.SharedKafka(t)), binary, "connectors.shop.heartbeat.interval.ms", "0")
	d := r.Streaming(t)
	r.Converge(t)
	conn, err := pg.Connect(t.Context(), r.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for n := range 5 {
		tx, err := conn.Begin(t.Context())
		if err == nil {
			_, err = tx.Exec(t.Context(), fmt.Sprintf("UPDATE single SET version = nextval('versions'), note = 'open %d' WHERE id = 1", n))
		}
		if err == nil {
			_, err = tx.Exec(t.Context(), "SELECT pg_log_standby_snapshot()") // whose end is flushed soon
		}
		if err != nil {
			t.Fatal(err)
		}
		var end, now string
		if err := tx.QueryRow(t.Context(), "SELECT pg_current_wal_insert_lsn()::text").Scan(&end); err != nil {
			t.Fatal(err)
		}
		reached := soon(5*time.Second, func() bool { return r.Slot(t, "confirmed_flush_lsn = '"+end+"'") == "true" })
		d.Kill()
		if err := tx.QueryRow(t.Context(), "SELECT pg_current_wal_insert_lsn()::text").Scan(&now); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		d = r.Streaming(t)
		if reached && now == end {
			t.Logf("the position is %s, and the commit record begins there", end)
			conclude(t, r, d)
			return
		}
	}
	t.Fatal("the position never was where a commit record begins: this proves nothing")
}

func killedAnywhere(t *testing.T, binary string) {
	r := begin(t, binary)
	random := rand.New(rand.NewPCG(r.Seed, 99))
	r.Crash(t, harness.Crash{Point: failpoint.SnapshotMarked, N: 1}, random)
	w := workload.Start(t, r.PG, r.Database, r.Seed, 8*time.Millisecond)
	for _, point := range []string{failpoint.Produced, failpoint.Stored, failpoint.MidTransaction} {
		r.Crash(t, harness.Crash{Point: point, N: 1 + random.IntN(10)}, random)
	}
	w.Finish(t)
	again(t, r)
}
