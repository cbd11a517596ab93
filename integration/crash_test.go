package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"rdip/internal/failpoint"
	"rdip/offsets"
)

// crash is one death of a daemon by SIGKILL: at a named point, the n-th time that it is passed, or at a
// random moment.
type crash struct {
	point string // "" for a random moment
	n     int
}

func (c crash) String() string {
	if c.point == "" {
		return "at a random moment"
	}
	return fmt.Sprintf("%s:%d", c.point, c.n)
}

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
func snapshotCrashes(random *rand.Rand) []crash {
	return []crash{{failpoint.SlotCreated, 1}, {failpoint.SchemaIDs, 1 + random.IntN(3)}, {failpoint.WindowOpened, 1 + random.IntN(2)},
		{failpoint.MidTransaction, 1 + random.IntN(500)}, {failpoint.WindowRead, 1}, {failpoint.WindowEmitted, 1}, {failpoint.ChunkStored, 1}}
}

// streamCrashes are the points of the stream, in random order.
func streamCrashes(random *rand.Rand) []crash {
	list := []crash{{failpoint.SlotCreated, 1}, {failpoint.MidTransaction, 1}, {failpoint.MidTransaction, 2 + random.IntN(500)}, {failpoint.SchemaIDs, 1},
		{failpoint.Produced, 1 + random.IntN(60)}, {failpoint.Acked, 1 + random.IntN(20)}, {failpoint.Stored, 1 + random.IntN(20)},
		{failpoint.Confirmed, 1 + random.IntN(20)}, {failpoint.Draining, 1}, {}, {}}
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// D1, G1 to G6, P7, P42, P56: kill -9 again and again, while two writers go on; nothing is missing in the
// end, nothing is out of order, and what comes twice is a suffix that begins with a transaction.
func TestKillingTheDaemonAnywhereLosesAndReordersNothing(t *testing.T) {
	r := newJudgedRun(t, 15)
	r.tags, r.cutOff = []string{"failpoints"}, true
	random := rand.New(rand.NewPCG(r.seed, 99))
	rdipBinary(t, r.tags...) // before the workload begins
	w := startWorkload(t, r.pg, r.database, r.seed, 8*time.Millisecond)
	for _, c := range snapshotCrashes(random) {
		r.crash(t, c, random)
	}
	for range crashRounds(t) {
		for _, c := range streamCrashes(random) {
			r.crash(t, c, random)
		}
	}
	last := *r.setup
	last.tags = nil
	d := last.start(t)
	d.waitFor(t, "state=streaming")
	time.Sleep(time.Second)
	w.finish(t)
	r.converge(t)
	if code := d.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if v := r.verdict(t); v.Restarts == 0 {
		t.Error("nothing came twice: no kill hit between a delivery and its position")
	}
}

// crash starts a daemon and sees it die, and checks what it leaves behind.
func (r *judgedRun) crash(t *testing.T, c crash, random *rand.Rand) {
	t.Helper()
	t.Logf("kill -9 %v", c)
	s := *r.setup
	s.env = []string{"RDIP_FAILPOINT=" + c.String()}
	d := s.start(t)
	switch c.point {
	case "":
		select {
		case <-d.done:
		case <-time.After(500*time.Millisecond + time.Duration(random.Int64N(int64(2*time.Second)))):
		}
		d.kill()
	case failpoint.Draining:
		d.waitFor(t, "state=streaming")
		time.Sleep(300 * time.Millisecond)
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-d.done:
	case <-time.After(patience):
		t.Fatalf("rdip did not come to %v:\n%s", c, d.out.String())
	}
	if status := d.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
		t.Fatalf("rdip ended by itself before %v: %v\n%s", c, d.cmd.ProcessState, d.out.String())
	}
	r.confirmedIsDurable(t)
}

// confirmedIsDurable: the source was never told more than what is on disk (G3, G4).
func (r *judgedRun) confirmedIsDurable(t *testing.T) {
	t.Helper()
	place, err := strconv.ParseUint(r.slot(t, "confirmed_flush_lsn - '0/0'"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	contents, err := offsets.Dump(r.keys["state.dir"], offsets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if record := contents.Connectors["shop"]; record.Position != "" && place > record.Place {
		t.Errorf("the slot has confirmed %X, and only %X is durable", place, record.Place)
	}
}
