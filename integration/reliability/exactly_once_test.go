package reliability

import (
	"math/rand/v2"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/workload"
	"rdip/internal/failpoint"
)

// exactlyOnceCrashes are all points of the stream, and of the ends of transactions among them, in random order.
func exactlyOnceCrashes(random *rand.Rand) []harness.Crash {
	list := []harness.Crash{{Point: failpoint.Restoring, N: 1}, {Point: failpoint.SlotCreated, N: 1}, {Point: failpoint.MidTransaction, N: 2 + random.IntN(500)},
		{Point: failpoint.Produced, N: 1 + random.IntN(60)}, {Point: failpoint.TransactionOpen, N: 1 + random.IntN(60)}, {Point: failpoint.Committing, N: 1 + random.IntN(20)},
		{Point: failpoint.PositionsSent, N: 1 + random.IntN(20)}, {Point: failpoint.Committed, N: 1 + random.IntN(20)}, {Point: failpoint.Stored, N: 1 + random.IntN(3)}, {Point: failpoint.Confirmed, N: 1 + random.IntN(3)},
		{Point: failpoint.Draining, N: 1}, {}, {}}
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// D1, G1 to G6, P42, P56, K12: kill -9 at every point of a first snapshot, of its windows, of the stream and of the
// ends of Kafka transactions, while two writers go on: a reader of committed records has every change once, in order, and
// every transaction's BEGIN and END once.
func TestExactlyOnceNothingComesTwiceWhereverTheDaemonIsKilled(t *testing.T) {
	r := harness.ExactlyOnce.Run(t, testenv.SharedPostgres(t, 17), testenv.SharedKafka(t))
	r.Tags, r.CutOff = []string{"failpoints"}, true
	random := rand.New(rand.NewPCG(r.Seed, 4))
	harness.Binary(t, r.Tags...) // before the workload begins
	w := workload.Start(t, r.PG, r.Database, r.Seed, 8*time.Millisecond)
	first := []harness.Crash{{Point: failpoint.MidChunk, N: 300}, {Point: failpoint.Restoring, N: 1}}
	for _, c := range append(first, snapshotCrashes(random)[1:]...) {
		r.Crash(t, c, random)
	}
	for range crashRounds(t) {
		for _, c := range exactlyOnceCrashes(random) {
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
	if v := r.Verdict(t); v.Repeated > 0 || v.Restarts > 0 {
		t.Errorf("%d records came twice, in %d repetitions", v.Repeated, v.Restarts)
	}
}
