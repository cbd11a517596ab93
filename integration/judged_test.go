package integration

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
)

// judgedRun is a workload on one database, captured into topics that the judges look at in the end.
type judgedRun struct {
	*pipeline
	seed   uint64
	cutOff bool // see evidence.CutOff
}

// newJudgedRun makes the tables and the configuration that captures them.
func newJudgedRun(t *testing.T, version int) *judgedRun {
	t.Helper()
	return judgedBetween(t, testenv.SharedPostgres(t, version), testenv.SharedKafka(t))
}

func judgedBetween(t *testing.T, pg *pgserver.Server, kafka *kafkaserver.Cluster) *judgedRun {
	t.Helper()
	r := &judgedRun{pipeline: newPipelineBetween(t, pg, kafka), seed: seeded(t)}
	sql(t, r.pg, r.database, "testdata/workload/schema.sql")
	r.setup = r.with(
		"connectors.shop.table.exclude.list", "public.history",
		"connectors.shop.snapshot.chunk.bytes", "64KiB",
		"connectors.shop.topic.creation.default.partitions", "3")
	return r
}

// verdict lets every judge look at every table, and adds up what they saw.
func (r *judgedRun) verdict(t *testing.T) verdict {
	t.Helper()
	var all verdict
	reader := newTopicReader(r.registry)
	for _, table := range workloadTables {
		e := gathered(t, r.pg, r.database, r.kafka, reader, r.prefix, table)
		e.CutOff = r.cutOff
		v := judge(e)
		t.Logf("%s: %d records, %d of them repeated in %d repetitions", table.Name, v.Records, v.Repeated, v.Restarts)
		if len(v.Faults) > 0 {
			t.Errorf("%s:\n%s", table.Name, strings.Join(v.Faults, "\n"))
		}
		if v.Records == 0 {
			t.Errorf("%s: there is nothing to judge", table.Name)
		}
		all.Restarts += v.Restarts
		all.Repeated += v.Repeated
		all.Unavailable += v.Unavailable
	}
	return all
}

// G1, G2, G5, G6, P1, P2, P7, P10, P15, P16, P38: rows that two writers change while they are copied, and
// then while they are streamed.
func TestConcurrentTransactionsArriveWholeAndInOrder(t *testing.T) {
	r := newJudgedRun(t, 18)
	rdipBinary(t) // before the workload begins
	w := startWorkload(t, r.pg, r.database, r.seed, 4*time.Millisecond)
	d := r.start(t)
	d.waitFor(t, "state=streaming")
	time.Sleep(4 * time.Second)
	w.finish(t)
	r.converge(t)
	if code := d.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if v := r.verdict(t); v.Repeated > 0 || v.Unavailable == 0 {
		t.Errorf("%d records came twice without a restart; %d values were unavailable, and some should be", v.Repeated, v.Unavailable)
	}
}

// G1, G2, K1, P54: one daemon outlives its servers: PostgreSQL and Kafka crash and come back while writers go
// on, and nothing is missing or out of order.
func TestServersThatCrashAndComeBackLoseAndReorderNothing(t *testing.T) {
	r := judgedBetween(t, testenv.Postgres(t, pgserver.Options{Version: 18}), testenv.Kafka(t, kafkaserver.Options{}))
	rdipBinary(t) // before the workload begins
	d := r.streaming(t)
	w := startWorkload(t, r.pg, r.database, r.seed, 8*time.Millisecond)
	w.survives.Store(true)
	for _, outage := range []func() error{r.pg.Kill, r.kafka.Kill} {
		time.Sleep(time.Second)
		if err := outage(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(500 * time.Millisecond)
		if err := errors.Join(startAgain(t, r.pg), r.kafka.Start(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Second)
	w.survives.Store(false)
	w.finish(t)
	r.converge(t)
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	r.verdict(t)
}

func startAgain(t *testing.T, pg *pgserver.Server) error {
	t.Helper()
	if pg.Running() {
		return nil
	}
	return pg.Start(t.Context())
}

// queryText runs a query for one text.
func queryText(t *testing.T, pg *pgserver.Server, database, query string) string {
	t.Helper()
	conn, err := pg.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var text string
	if err := conn.QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}
