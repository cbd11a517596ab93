package source

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"rdip/sinks"
)

// G8, D4: what is under way is bounded in bytes, and waiting ends with the context.
func TestTheBudgetHoldsBackWhatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0) // the least: four batches
		var taken []*sinks.Batch
		for range 4 {
			batch, err := b.take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b.sent()
			taken = append(taken, batch)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a fifth batch was handed out: %v", err)
		}
		got := make(chan *sinks.Batch)
		go func() {
			batch, _ := b.take(t.Context())
			got <- batch
		}()
		synctest.Wait()
		b.put(taken[0], true)
		if batch := <-got; batch != taken[0] {
			t.Error("the batch that came back was not used again")
		}
		if used, limit := b.held(); used != limit {
			t.Errorf("%d of %d bytes are counted, all are in use", used, limit)
		}
	})
}

// P70: a row larger than the whole budget is delayed until nothing else is under way, and then passes.
func TestALargeRowWaitsForAnEmptyBudgetAndPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(0)
		other, _ := b.take(t.Context())
		b.sent()
		large, _ := b.take(t.Context())
		large.Arena = make([]byte, 100*arenaBytes)
		passed := make(chan error)
		go func() { passed <- b.reserve(t.Context(), int64(len(large.Arena)-arenaBytes)) }()
		synctest.Wait()
		select {
		case err := <-passed:
			t.Fatalf("the row passed beside another batch: %v", err)
		default:
		}
		b.put(other, true)
		if err := <-passed; err != nil {
			t.Fatal(err)
		}
		b.sent()
		b.put(large, true)
		if used, _ := b.held(); used != 0 {
			t.Errorf("%d bytes are still counted", used)
		}
		if next, _ := b.take(t.Context()); cap(next.Arena) > 2*arenaBytes {
			t.Error("the large arena was kept")
		}
	})
}
