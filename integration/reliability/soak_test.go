package reliability

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
	"rdip/integration/workload"
)

// soakFor is how long make soak was asked to go on; 0 where nobody asked.
func soakFor(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("RDIP_SOAK")
	if text == "" {
		return 0
	}
	minutes, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(minutes * float64(time.Minute))
}

// Runs from random seeds, until the time of make soak is over: each is a workload of random size on a random version
// of PostgreSQL under kills and outages in random order, or one of the faults. A run is repeated by its seed alone:
// RDIP_SEED=n make soak MINUTES=0.
func TestASoakOfRandomRunsLosesAndReordersNothing(t *testing.T) {
	limit := soakFor(t)
	if limit == 0 && os.Getenv("RDIP_SOAK") == "" {
		t.Skip("make soak asks for it")
	}
	given := os.Getenv("RDIP_SEED")
	for began, n := time.Now(), 1; n == 1 || given == "" && time.Since(began) < limit; n++ {
		seed := rand.Uint64()
		if given != "" {
			seed, _ = strconv.ParseUint(given, 10, 64)
		}
		if !t.Run(fmt.Sprintf("%d", seed), func(t *testing.T) { soakOnce(t, seed) }) {
			t.Logf("to run this again: RDIP_SEED=%d make soak MINUTES=0", seed)
		}
	}
}

// soakOnce is the run of one seed: two of three are mixed ones.
func soakOnce(t *testing.T, seed uint64) {
	t.Setenv("RDIP_SEED", fmt.Sprint(seed))
	random := rand.New(rand.NewPCG(seed, 1))
	if random.IntN(3) > 0 {
		mixed(t, both[random.IntN(len(both))], random)
		return
	}
	all := faults()
	f := all[random.IntN(len(all))]
	mode := f.modes[random.IntN(len(f.modes))]
	t.Run(f.name+", "+mode.Name, func(t *testing.T) { f.run(t, mode) })
}

// mixed is a workload under kills of the daemon at any point, and outages of the servers while it is down or up.
func mixed(t *testing.T, mode harness.Mode, random *rand.Rand) {
	pg := testenv.Postgres(t, pgserver.Options{Version: 14 + random.IntN(5)})
	kafka := testenv.Kafka(t, kafkaserver.Options{})
	r := mode.Run(t, pg, kafka)
	r.Tags, r.CutOff = []string{"failpoints"}, true
	harness.Binary(t, r.Tags...) // before the workload begins
	o := workload.Options{Writers: 1 + random.IntN(4), Pause: time.Duration(1+random.IntN(10)) * time.Millisecond, Rows: 10 << random.IntN(13),
		LargeEvery: 100 + random.IntN(400), ChangeEvery: 10 + random.IntN(100), RewriteEvery: 50 + random.IntN(200), EmptyEvery: 20 + random.IntN(100)}
	t.Logf("PostgreSQL %d, %s, %+v", pg.Version(), mode.Name, o)
	w := workload.StartWith(t, pg, r.Database, r.Seed, o)
	w.Survives.Store(true)
	first := snapshotCrashes(random)
	for _, c := range first[:random.IntN(len(first)+1)] {
		r.Crash(t, c, random)
	}
	for range 3 + random.IntN(8) {
		if random.IntN(3) == 0 {
			outage(t, r, random)
			continue
		}
		list := streamCrashes(random, mode)
		r.Crash(t, list[0], random)
	}
	w.Survives.Store(false)
	finish(t, r, w)
}

// outage is a daemon that outlives its servers, one or two of them at once, and is then killed.
func outage(t *testing.T, r *harness.Run, random *rand.Rand) {
	t.Helper()
	d := r.Start(t)
	defer func() {
		d.Kill()
		r.Killed(1)
	}()
	d.WaitFor(t, "rdip started")
	time.Sleep(time.Duration(random.Int64N(int64(2 * time.Second))))
	kinds := []struct {
		name string
		do   func() error
	}{
		{"PostgreSQL is killed", r.PG.Kill}, {"PostgreSQL is restarted", r.PG.Stop}, {"the broker is killed", r.Kafka.Kill}, {"the broker is restarted", r.Kafka.Stop},
		{"the walsenders are terminated", func() error {
			return r.PG.Exec(t.Context(), pgserver.Superuser, "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
		}},
		{"the broker is frozen", func() error {
			err := r.Kafka.Pause()
			time.Sleep(2 * time.Second)
			return errors.Join(err, r.Kafka.Resume())
		}},
	}
	random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	for _, k := range kinds[:1+random.IntN(2)] {
		t.Log(k.name)
		r.Faulted(1)
		if err := k.do(); err != nil && r.PG.Running() && r.Kafka.Brokers[0].Running() {
			t.Fatalf("%s: %v", k.name, err)
		}
	}
	time.Sleep(time.Duration(random.Int64N(int64(time.Second))))
	if err := harness.StartAgain(t, r.PG); err != nil {
		t.Fatal(err)
	}
	if !r.Kafka.Brokers[0].Running() {
		if err := r.Kafka.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Duration(random.Int64N(int64(3 * time.Second))))
}
