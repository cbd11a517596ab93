package mutants

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rdip/connect/rest"
	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/workload"
	"rdip/internal/failpoint"
)

// exactlyOnceScenarios are judged by what a reader of committed records sees, and of daemons that write under one
// name.
func exactlyOnceScenarios() []scenario {
	return []scenario{
		{"exactly once, killed at commits", "kill -9 when Kafka transactions are committed, and the offsets file does not know it", killedAtCommits},
		{"exactly once, killed in a transaction", "kill -9 in the middle of a source transaction of 6,000 rows, of which some were sent", killedInAKafkaTransaction},
		{"exactly once, killed behind a window", "kill -9 two seconds behind the first window of a copy that was cut off", killedBehindAWindow},
		{"exactly once, killed between windows", "kill -9 two seconds behind windows that leave something of their part of a table", killedBetweenWindows},
		{"exactly once, signalled", "nothing is copied, and a signal asks for every table, while two writers change rows", signalled},
		{"late requests", "the network keeps what a killed daemon sent until the next one has written, and delivers it then (K12)", lateRequests},
	}
}

func beginExactly(t *testing.T, binary string) *harness.Run {
	t.Helper()
	r := with(harness.ExactlyOnce.Run(t, testenv.SharedPostgres(t, 18), testenv.SharedKafka(t)), binary)
	d := r.Streaming(t)
	r.Converge(t)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	return r
}

func killedAtCommits(t *testing.T, binary string) {
	r := beginExactly(t, binary)
	w := workload.Start(t, r.PG, r.Database, r.Seed, 3*time.Millisecond)
	for range 2 {
		r.Crash(t, harness.Crash{Point: failpoint.Committed, N: 5}, nil)
	}
	w.Finish(t)
	again(t, r)
}

func killedInAKafkaTransaction(t *testing.T, binary string) {
	r := beginExactly(t, binary)
	r.Exec(t, "INSERT INTO single SELECT i, nextval('versions'), 'one of many', i FROM generate_series(10001, 16000) i")
	r.Crash(t, harness.Crash{Point: failpoint.MidTransaction, N: 5000, Linger: 800 * time.Millisecond}, nil)
	again(t, r)
}

func killedBehindAWindow(t *testing.T, binary string) {
	r := with(harness.ExactlyOnce.Run(t, testenv.SharedPostgres(t, 18), testenv.SharedKafka(t)), binary)
	r.CutOff = true
	r.Crash(t, harness.Crash{Point: failpoint.MidChunk, N: 50}, nil)
	r.Crash(t, harness.Crash{Point: failpoint.WindowEmitted, N: 1, Linger: 2500 * time.Millisecond}, nil)
	again(t, r)
}

func killedBetweenWindows(t *testing.T, binary string) {
	r := with(harness.ExactlyOnce.Run(t, testenv.SharedPostgres(t, 18), testenv.SharedKafka(t)), binary, "connectors.shop.incremental.snapshot.window.bytes", "16KiB")
	r.CutOff = true
	r.Crash(t, harness.Crash{Point: failpoint.MidChunk, N: 50}, nil)
	for n := 1; n <= 2; n++ {
		r.Crash(t, harness.Crash{Point: failpoint.WindowEmitted, N: n, Linger: 2500 * time.Millisecond}, nil)
	}
	again(t, r)
}

func signalled(t *testing.T, binary string) {
	r := with(harness.ExactlyOnce.Run(t, testenv.SharedPostgres(t, 18), testenv.SharedKafka(t)), binary,
		"connectors.shop.snapshot.mode", "no_data", "connectors.shop.signal.data.collection", "public.signals",
		"connectors.shop.table.include.list", "public.wide,public.single,public.composite,public.keyless,public.audited")
	delete(r.Keys, "connectors.shop.table.exclude.list")
	r.CutOff = true // the tables are read while they are streamed: what changes meanwhile is in the stream alone
	r.Exec(t, "CREATE TABLE signals(id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048))")
	d := r.Streaming(t)
	finish := updating(t, r, 20*time.Millisecond, func(i int) string {
		return fmt.Sprintf("UPDATE single SET version = nextval('versions'), amount = %d WHERE id %% 50 = %d", i, i%50)
	})
	r.Exec(t, `INSERT INTO signals VALUES ('one', 'execute-snapshot', '{"data-collections": ["public.wide", "public.single", "public.composite", "public.keyless", "public.audited"]}')`)
	harness.Eventually(t, "the reading to be planned", func() bool { return isRead(t, d) })
	soon(20*time.Second, func() bool {
		return !slices.ContainsFunc(d.Status(t).Rdip.Tables, func(table rest.TableDetails) bool { return table.Reading == nil || table.Reading.State != "finished" })
	})
	finish()
	conclude(t, r, d)
}

// lateRequests has a broker of its own, which it reaches through a proxy.
func lateRequests(t *testing.T, binary string) {
	kafka := testenv.Kafka(t, kafkaserver.Options{Proxied: true})
	r := with(harness.RunBetween(t, testenv.SharedPostgres(t, 18), kafka), binary, "bootstrap.servers", kafka.ProxiedBootstrap())
	d := r.Streaming(t)
	w := workload.Start(t, r.PG, r.Database, r.Seed, 3*time.Millisecond)
	for range 2 {
		time.Sleep(500 * time.Millisecond)
		release := kafka.Brokers[0].Proxy().Hold()
		time.Sleep(700 * time.Millisecond)
		d.Kill()
		d = r.Streaming(t)
		time.Sleep(700 * time.Millisecond) // all partitions are written to
		release()
		time.Sleep(500 * time.Millisecond)
	}
	w.Finish(t)
	conclude(t, r, d)
}
