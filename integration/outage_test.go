package integration

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
)

// P47, D5: readiness is progress. A server that swallows what it is sent is noticed by its silence, and
// left for a new connection once it answers.
func TestReadinessTurnsFalseWhileTheSourceIsABlackHoleAndTrueAfterIt(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	between := testenv.Proxy(t, p.PG.Addr())
	p = p.Configured("connectors.shop.database.port", fmt.Sprint(between.Port()), "health.stall.timeout.ms", "2000",
		"connectors.shop.database.connect.timeout.ms", "1000")
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	harness.Eventually(t, "rdip to be ready", func() bool { ok, _ := d.Ready(t); return ok })
	between.Blackhole()
	p.Insert(t, 1, 5)
	harness.Eventually(t, "readiness to turn false", func() bool { ok, _ := d.Ready(t); return !ok })
	if ok, why := d.Ready(t); ok || !strings.Contains(why, "shop") {
		t.Errorf("readiness: %v, %s", ok, why)
	}
	if code, _ := d.Get(t, "/health/live"); code != 200 {
		t.Errorf("liveness is %d: a restart would not help", code)
	}
	between.Pass()
	p.MustHold(t, 5, true)
	harness.Eventually(t, "rdip to be ready again", func() bool { ok, _ := d.Ready(t); return ok })
}

// impatientPostgres ends a walsender whose client is silent for two seconds.
func impatientPostgres(t *testing.T) *pgserver.Server {
	t.Helper()
	return testenv.Postgres(t, pgserver.Options{Version: 15, Settings: map[string]string{"wal_sender_timeout": "2s"}})
}

// K1, P45, G8: while the broker is away memory is bounded, whatever the source writes, and the source's
// walsender is kept alive; afterwards everything arrives.
func TestWhileKafkaIsAwayMemoryIsBoundedAndTheSourceIsKeptAlive(t *testing.T) {
	kafka := testenv.Kafka(t, kafkaserver.Options{})
	p := harness.NewPipelineBetween(t, impatientPostgres(t), kafka).Configured("memory.budget", "8MiB")
	p.Tags = []string{harness.Released}
	p.MakeItems(t)
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	before := resident(d, t)
	walsender := p.Slot(t, "active_pid")
	freeze(t, kafka, func() {
		// 64 MB of rows, eight times the budget.
		p.Exec(t, "INSERT INTO items SELECT i, repeat(md5(i::text), 64) FROM generate_series(1, 30000) i")
		for began := time.Now(); time.Since(began) < 8*time.Second; time.Sleep(200 * time.Millisecond) {
			if now := resident(d, t); now > before+48<<20 {
				t.Fatalf("rdip takes %d MiB, %d before Kafka went away, with a budget of 8", now>>20, before>>20)
			}
		}
		if s := d.Status(t); !strings.Contains(s.Rdip.WaitingOn, "Kafka") {
			t.Errorf("the status says that it waits for %q", s.Rdip.WaitingOn)
		}
		if now := p.Slot(t, "active_pid"); now != walsender {
			t.Errorf("the walsender was %s and is %q: keepalives were not answered", walsender, now)
		}
	})
	p.MustHold(t, 30000, true)
	p.Converge(t)
	if now := p.Slot(t, "active_pid"); now != walsender {
		t.Errorf("the walsender was %s and is %q", walsender, now)
	}
}

// resident is the daemon's resident memory in bytes (VmRSS).
func resident(d *harness.Daemon, t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// R1, P45: without the registry the connector waits, at the start and in the middle of the stream; status
// names the subject, the source is kept alive, and nothing is lost.
func TestWithoutTheRegistryTheConnectorWaitsNamingTheSubject(t *testing.T) {
	p := harness.NewPipelineBetween(t, impatientPostgres(t), testenv.SharedKafka(t))
	p.MakeItems(t)
	between := testenv.Proxy(t, strings.Split(strings.TrimPrefix(p.Registry, "http://"), "/")[0])
	away := p.Configured("schema.registry.url", strings.Replace(p.Registry, strings.Split(strings.TrimPrefix(p.Registry, "http://"), "/")[0], between.Addr(), 1))
	waits := func(d *harness.Daemon, subject string) {
		t.Helper()
		harness.Eventually(t, "status to name "+subject, func() bool { return strings.Contains(d.Status(t).Rdip.WaitingOn, subject) })
	}

	between.Cut()
	d := away.Start(t)
	waits(d, p.Prefix+".public.items-key")
	between.Pass()
	p.MustHold(t, 0, false)
	d.WaitFor(t, "state=streaming")
	p.Insert(t, 1, 3)
	p.MustHold(t, 3, false)

	walsender := p.Slot(t, "active_pid")
	between.Cut()
	p.Exec(t, "ALTER TABLE items ADD COLUMN more text")
	p.Insert(t, 4, 6)
	waits(d, p.Prefix+".public.items-value")
	time.Sleep(4 * time.Second) // twice wal_sender_timeout
	if now := p.Slot(t, "active_pid"); now != walsender {
		t.Errorf("the walsender was %s and is %q: keepalives were not answered", walsender, now)
	}
	between.Pass()
	p.MustHold(t, 6, false)
	if waiting := d.Status(t).Rdip.WaitingOn; waiting != "" {
		t.Errorf("the status still says that it waits for %s", waiting)
	}
}
