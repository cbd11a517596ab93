package reliability

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/judge"
	"rdip/integration/testenv"
	"rdip/integration/workload"
	"rdip/internal/failpoint"
)

// crashRounds is how often a whole scenario is gone through, each time from another seed: ROUNDS of make crash.
func crashRounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("RDIP_ROUNDS")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// snapshotCrashes are points of a first start's way, in an order in which each of them comes: the copy is cut
// off, and the rest is read in windows of the stream.
func snapshotCrashes(random *rand.Rand) []harness.Crash {
	first := []harness.Crash{{Point: failpoint.Initialising, N: 1}, {Point: failpoint.SlotCreated, N: 1}}
	if random.IntN(2) == 0 {
		first = []harness.Crash{{Point: failpoint.SnapshotExported, N: 1}}
	}
	return append(first, harness.Crash{Point: failpoint.SchemaIDs, N: 1 + random.IntN(3)}, harness.Crash{Point: failpoint.WindowOpened, N: 1 + random.IntN(2)},
		harness.Crash{Point: failpoint.MidTransaction, N: 1 + random.IntN(500)}, harness.Crash{Point: failpoint.WindowRead, N: 1},
		harness.Crash{Point: failpoint.WindowEmitted, N: 1})
}

// streamCrashes are the points of the stream, in random order.
func streamCrashes(random *rand.Rand, mode harness.Mode) []harness.Crash {
	list := []harness.Crash{{Point: failpoint.SlotCreated, N: 1}, {Point: failpoint.Received, N: 1 + random.IntN(50)}, {Point: failpoint.MidTransaction, N: 1},
		{Point: failpoint.MidTransaction, N: 2 + random.IntN(500)}, {Point: failpoint.Produced, N: 1 + random.IntN(40)}, {Point: failpoint.Storing, N: 3 + random.IntN(10)},
		{Point: failpoint.Stored, N: 1 + random.IntN(10)}, {Point: failpoint.Confirmed, N: 1 + random.IntN(10)}, {Point: failpoint.Draining, N: 1}, {}, {}}
	if mode.Exactly {
		list = append(list, harness.Crash{Point: failpoint.Restoring, N: 1}, harness.Crash{Point: failpoint.TransactionOpen, N: 1 + random.IntN(20)},
			harness.Crash{Point: failpoint.Committing, N: 1 + random.IntN(20)}, harness.Crash{Point: failpoint.PositionsSent, N: 1 + random.IntN(20)},
			harness.Crash{Point: failpoint.Committed, N: 1 + random.IntN(20)})
	} else {
		list = append(list, harness.Crash{Point: failpoint.SomeAcks, N: 1 + random.IntN(3)}, harness.Crash{Point: failpoint.Acked, N: 1 + random.IntN(10)})
	}
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// D1, G1 to G6, P7, P42, P56, R1: kill -9 again and again, while two writers go on, in the snapshot, in windows, at the
// hand-over and in the stream; nothing is missing in the end, nothing is out of order, and what comes twice is a
// suffix that begins with a transaction; of exactly once nothing comes twice.
func TestKillingTheDaemonAnywhereLosesAndReordersNothing(t *testing.T) {
	modes := both
	if !harness.Long() { // exactly once has a short test of its own
		modes = []harness.Mode{harness.AtLeastOnce}
	}
	for _, mode := range modes {
		for range crashRounds(t) {
			t.Run(mode.Name, func(t *testing.T) {
				t.Parallel()
				killAnywhere(t, mode, 15)
			})
		}
	}
}

// P33, P34, P35, P42, D1: the same where the server sends transactions before they have ended, of which everything goes
// through files: what is cut off comes again from its beginning, and what was rolled back never.
func TestKillingTheDaemonWhileTransactionsAreInProgressLosesAndReordersNothing(t *testing.T) {
	modes := both
	if !harness.Long() {
		modes = []harness.Mode{harness.ExactlyOnce}
	}
	for _, mode := range modes {
		for range crashRounds(t) {
			t.Run(mode.Name, func(t *testing.T) {
				r := killAnywhere(t, mode, 18, "connectors.shop.streaming", "on", "connectors.shop.two.phase", "true", "connectors.shop.spill.memory.bytes", "4096")
				if n := r.Query(t, "SELECT stream_txns::text FROM pg_stat_replication_slots WHERE slot_name = '"+r.Prefix+"'"); n == "0" {
					t.Error("the server has sent no transaction in progress")
				}
			})
		}
	}
}

func killAnywhere(t *testing.T, mode harness.Mode, version int, keys ...string) *harness.Run {
	t.Helper()
	r := mode.Run(t, testenv.SharedPostgres(t, version), testenv.SharedKafka(t))
	r.Setup = r.With(keys...)
	r.Tags, r.CutOff = []string{"failpoints"}, true
	random := rand.New(rand.NewPCG(r.Seed, 99))
	harness.Binary(t, r.Tags...) // before the workload begins
	o := workload.Standard(8 * time.Millisecond)
	if harness.Long() {
		o.Rows, o.LargeEvery = 20_000, 300
	}
	w := workload.StartWith(t, r.PG, r.Database, r.Seed, o)
	for _, c := range snapshotCrashes(random) {
		r.Crash(t, c, random)
	}
	for _, c := range streamCrashes(random, mode) {
		r.Crash(t, c, random)
	}
	if v := finish(t, r, w); v.Restarts == 0 && !mode.Exactly {
		t.Error("nothing came twice: no kill hit between a delivery and its position")
	}
	return r
}

// finish lets the workload end, and the daemon deliver the rest of it, and judges.
func finish(t *testing.T, r *harness.Run, w *workload.Workload) judge.Verdict {
	t.Helper()
	d := r.Streaming(t)
	time.Sleep(time.Second)
	w.Finish(t)
	r.Converge(t)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	return r.Verdict(t)
}
