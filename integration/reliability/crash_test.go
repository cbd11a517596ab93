package reliability

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/workload"
	"rdip/internal/failpoint"
)

// crashRounds is how often the stream's points are gone through; RDIP_CRASH_ROUNDS asks for more.
func crashRounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("RDIP_CRASH_ROUNDS")
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
	return []harness.Crash{{Point: failpoint.SlotCreated, N: 1}, {Point: failpoint.SchemaIDs, N: 1 + random.IntN(3)}, {Point: failpoint.WindowOpened, N: 1 + random.IntN(2)},
		{Point: failpoint.MidTransaction, N: 1 + random.IntN(500)}, {Point: failpoint.WindowRead, N: 1}, {Point: failpoint.WindowEmitted, N: 1}, {Point: failpoint.ChunkStored, N: 1}}
}

// streamCrashes are the points of the stream, in random order.
func streamCrashes(random *rand.Rand) []harness.Crash {
	list := []harness.Crash{{Point: failpoint.SlotCreated, N: 1}, {Point: failpoint.MidTransaction, N: 1}, {Point: failpoint.MidTransaction, N: 2 + random.IntN(500)}, {Point: failpoint.SchemaIDs, N: 1},
		{Point: failpoint.Produced, N: 1 + random.IntN(60)}, {Point: failpoint.Acked, N: 1 + random.IntN(20)}, {Point: failpoint.Stored, N: 1 + random.IntN(20)},
		{Point: failpoint.Confirmed, N: 1 + random.IntN(20)}, {Point: failpoint.Draining, N: 1}, {}, {}}
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// D1, G1 to G6, P7, P42, P56: kill -9 again and again, while two writers go on; nothing is missing in the
// end, nothing is out of order, and what comes twice is a suffix that begins with a transaction.
func TestKillingTheDaemonAnywhereLosesAndReordersNothing(t *testing.T) {
	r := harness.NewRun(t, 15)
	r.Tags, r.CutOff = []string{"failpoints"}, true
	random := rand.New(rand.NewPCG(r.Seed, 99))
	harness.Binary(t, r.Tags...) // before the workload begins
	w := workload.Start(t, r.PG, r.Database, r.Seed, 8*time.Millisecond)
	for _, c := range snapshotCrashes(random) {
		r.Crash(t, c, random)
	}
	for range crashRounds(t) {
		for _, c := range streamCrashes(random) {
			r.Crash(t, c, random)
		}
	}
	last := *r.Setup
	last.Tags = nil
	d := last.Start(t)
	d.WaitFor(t, "state=streaming")
	time.Sleep(time.Second)
	w.Finish(t)
	r.Converge(t)
	if code := d.Stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if v := r.Verdict(t); v.Restarts == 0 {
		t.Error("nothing came twice: no kill hit between a delivery and its position")
	}
}
