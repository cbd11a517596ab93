package reliability

import (
	"errors"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
	"rdip/integration/workload"
)

// G1, G2, G5, G6, P1, P2, P7, P10, P14, P15, P16, P38, P69: rows that four writers change while they are copied, and
// then while they are streamed, in transactions of one row and of thousands, under schemas that change and in files
// that are rewritten, one of them emptied by TRUNCATE now and then.
func TestConcurrentTransactionsArriveWholeAndInOrder(t *testing.T) {
	t.Parallel()
	r := harness.NewRun(t, 18)
	harness.Binary(t) // before the workload begins
	o := workload.Options{Writers: 4, Pause: 4 * time.Millisecond, Rows: 5_000, LargeEvery: 60, ChangeEvery: 30, RewriteEvery: 70, EmptyEvery: 50}
	if harness.Long() {
		o.Rows = 100_000
	}
	w := workload.StartWith(t, r.PG, r.Database, r.Seed, o)
	d := r.Start(t)
	d.WaitFor(t, "state=streaming")
	time.Sleep(4 * time.Second)
	w.Finish(t)
	r.Converge(t)
	if code := d.Stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if v := r.Verdict(t); v.Repeated > 0 || v.Unavailable == 0 {
		t.Errorf("%d records came twice without a restart; %d values were unavailable, and some should be", v.Repeated, v.Unavailable)
	}
}

// G1, G2, K1, P54: one daemon outlives its servers: PostgreSQL and Kafka crash and come back while writers go
// on, and nothing is missing or out of order.
func TestServersThatCrashAndComeBackLoseAndReorderNothing(t *testing.T) {
	r := harness.RunBetween(t, testenv.Postgres(t, pgserver.Options{Version: 18}), testenv.Kafka(t, kafkaserver.Options{}))
	harness.Binary(t) // before the workload begins
	d := r.Streaming(t)
	w := workload.Start(t, r.PG, r.Database, r.Seed, 8*time.Millisecond)
	w.Survives.Store(true)
	for _, outage := range []func() error{r.PG.Kill, r.Kafka.Kill} {
		time.Sleep(time.Second)
		if err := outage(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(500 * time.Millisecond)
		if err := errors.Join(harness.StartAgain(t, r.PG), r.Kafka.Start(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Second)
	w.Survives.Store(false)
	w.Finish(t)
	r.Converge(t)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	r.Verdict(t)
}
