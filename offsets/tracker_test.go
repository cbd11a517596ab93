package offsets_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"rdip/offsets"
)

func at(place uint64) offsets.Position { return offsets.Position{Place: place} }

func mustSeal(t *testing.T, tr *offsets.Tracker, token offsets.Token, last uint64, chunks ...offsets.Chunk) {
	t.Helper()
	if err := tr.Seal(token, at(last), chunks); err != nil {
		t.Fatal(err)
	}
}

func mustAck(t *testing.T, tr *offsets.Tracker, token offsets.Token) {
	t.Helper()
	if err := tr.Ack(token); err != nil {
		t.Fatal(err)
	}
}

func wantSafe(t *testing.T, tr *offsets.Tracker, place uint64) {
	t.Helper()
	if p, ok := tr.Safe(); p.Place != place || ok != (place != 0) {
		t.Errorf("safe at %v, %t; want %d", p, ok, place)
	}
}

func TestAPositionIsSafeOnceItsBatchAndAllBeforeAreAcknowledged(t *testing.T) {
	tr := offsets.NewTracker()
	a, b, c := tr.Open(), tr.Open(), tr.Open()
	mustSeal(t, tr, a, 10)
	mustSeal(t, tr, b, 20)
	mustSeal(t, tr, c, 30)
	wantSafe(t, tr, 0)
	mustAck(t, tr, c)
	mustAck(t, tr, b)
	wantSafe(t, tr, 0)
	mustAck(t, tr, a)
	wantSafe(t, tr, 30)
	if n := tr.Outstanding(); n != 0 {
		t.Errorf("%d batches outstanding", n)
	}
}

// P42: the rows of a transaction that fills several batches are not covered until its own commit is.
func TestATransactionOverSeveralBatchesIsNotSafeBeforeItsCommit(t *testing.T) {
	tr := offsets.NewTracker()
	a, b := tr.Open(), tr.Open()
	mustSeal(t, tr, a, 10) // commit at 10, then rows of the next transaction
	mustSeal(t, tr, b, 0)  // more of its rows, no commit
	mustAck(t, tr, a)
	mustAck(t, tr, b)
	wantSafe(t, tr, 10)
	c := tr.Open()
	mustSeal(t, tr, c, 20)
	wantSafe(t, tr, 10)
	mustAck(t, tr, c)
	wantSafe(t, tr, 20)
}

func TestAMarkWaitsForTheSealedBatchesOnly(t *testing.T) {
	tr := offsets.NewTracker()
	tr.Mark(at(5)) // idle before the first batch
	wantSafe(t, tr, 5)
	a := tr.Open()
	tr.Mark(at(6)) // the open batch is empty
	wantSafe(t, tr, 6)
	mustSeal(t, tr, a, 0)
	b := tr.Open()
	tr.Mark(at(20)) // commit of a's transaction, b still empty
	wantSafe(t, tr, 6)
	mustAck(t, tr, a)
	wantSafe(t, tr, 20)
	mustSeal(t, tr, b, 30)
	mustAck(t, tr, b)
	wantSafe(t, tr, 30)
}

// G4: what is safe never goes back, whatever it is told.
func TestSafeNeverGoesBack(t *testing.T) {
	tr := offsets.NewTracker()
	tr.Mark(at(50))
	tr.Mark(at(40))
	wantSafe(t, tr, 50)
	a := tr.Open()
	mustSeal(t, tr, a, 45)
	mustAck(t, tr, a)
	wantSafe(t, tr, 50)
	tr.Mark(offsets.Position{})
	wantSafe(t, tr, 50)
}

func TestTheDetailOfAPositionIsKept(t *testing.T) {
	tr := offsets.NewTracker()
	p := offsets.Position{Place: 7, Detail: "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-7"}
	a := tr.Open()
	if err := tr.Seal(a, p, nil); err != nil {
		t.Fatal(err)
	}
	mustAck(t, tr, a)
	if got, _ := tr.Safe(); got != p {
		t.Errorf("got %+v", got)
	}
}

func TestChunksAreHandedOverOnceAndInOrder(t *testing.T) {
	tr := offsets.NewTracker()
	one, two, three := offsets.Chunk{Table: "public.a", Index: 0}, offsets.Chunk{Table: "public.a", Index: 1}, offsets.Chunk{Table: "public.b"}
	a, b := tr.Open(), tr.Open()
	mustSeal(t, tr, a, 0, one)
	mustSeal(t, tr, b, 0, two)
	tr.MarkChunk(three) // an empty table, behind b
	mustAck(t, tr, b)
	if got := tr.TakeChunks(); got != nil {
		t.Errorf("taken before the first batch was acknowledged: %v", got)
	}
	mustAck(t, tr, a)
	got := tr.TakeChunks()
	if len(got) != 3 || got[0] != one || got[1] != two || got[2] != three {
		t.Errorf("got %v", got)
	}
	if again := tr.TakeChunks(); again != nil {
		t.Errorf("handed over twice: %v", again)
	}
	tr.MarkChunk(three) // nothing outstanding: safe at once
	if got := tr.TakeChunks(); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestMisuseOfATokenIsReportedAndChangesNothing(t *testing.T) {
	tr := offsets.NewTracker()
	a, b := tr.Open(), tr.Open()
	mustSeal(t, tr, a, 10)
	mustAck(t, tr, a)
	mustSeal(t, tr, b, 20)
	c := tr.Open()
	for name, err := range map[string]error{
		"acknowledged twice":                tr.Ack(a),
		"acknowledged before it was sealed": tr.Ack(c),
		"never opened":                      tr.Ack(99),
		"the zero token":                    tr.Ack(0),
		"sealed twice":                      tr.Seal(b, at(99), nil),
		"sealed after it was done":          tr.Seal(a, at(99), nil),
		"sealed and never opened":           tr.Seal(99, at(99), nil),
	} {
		if !errors.Is(err, offsets.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantSafe(t, tr, 10)
	if n := tr.Outstanding(); n != 2 {
		t.Errorf("%d batches outstanding", n)
	}
}

func TestReadyTellsOfEachChangeAndOfNothingElse(t *testing.T) {
	tr := offsets.NewTracker()
	told := func() bool {
		select {
		case <-tr.Ready():
			return true
		default:
			return false
		}
	}
	a, b := tr.Open(), tr.Open()
	mustSeal(t, tr, a, 10)
	mustSeal(t, tr, b, 20)
	mustAck(t, tr, b)
	if told() {
		t.Error("told of a batch behind one that is not acknowledged")
	}
	mustAck(t, tr, a)
	if !told() || told() {
		t.Error("one change is one notice")
	}
	tr.Mark(at(20))
	if told() {
		t.Error("told of a position that is the same")
	}
	tr.Mark(at(21))
	tr.MarkChunk(offsets.Chunk{Table: "public.a"})
	if !told() || told() {
		t.Error("a receiver that sleeps finds one notice")
	}
}

func TestASteadyLaneAllocatesNothing(t *testing.T) {
	tr := offsets.NewTracker()
	place := uint64(0)
	round := func() {
		var tokens [40]offsets.Token
		for i := range tokens {
			place++
			tokens[i] = tr.Open()
			if tr.Seal(tokens[i], at(place), nil) != nil {
				t.Fatal("seal")
			}
		}
		for i := range tokens {
			if tr.Ack(tokens[len(tokens)-1-i]) != nil {
				t.Fatal("ack")
			}
		}
		tr.Safe()
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations a round of 40 batches", n)
	}
}

func TestAcknowledgementsFromManyGoroutinesEndWithEverythingSafe(t *testing.T) {
	tr := offsets.NewTracker()
	const batches, workers = 2000, 8
	queues := make([]chan offsets.Token, workers)
	var done sync.WaitGroup
	for i := range queues {
		queues[i] = make(chan offsets.Token, 32)
		done.Go(func() {
			for token := range queues[i] {
				if err := tr.Ack(token); err != nil {
					t.Error(err)
				}
			}
		})
	}
	watch := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		var last uint64
		for {
			p, _ := tr.Safe()
			if p.Place < last {
				t.Errorf("went back from %d to %d", last, p.Place)
			}
			last = p.Place
			select {
			case <-watch:
				return
			case <-tr.Ready():
			}
		}
	})
	for i := range uint64(batches) {
		token := tr.Open()
		mustSeal(t, tr, token, i+1)
		queues[rand.IntN(workers)] <- token
	}
	for _, q := range queues {
		close(q)
	}
	done.Wait()
	close(watch)
	watcher.Wait()
	wantSafe(t, tr, batches)
	if tr.Outstanding() != 0 {
		t.Error("batches outstanding")
	}
}
