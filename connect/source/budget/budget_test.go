package budget

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
		b := New(0) // the least: four batches
		var taken []*sinks.Batch
		for range 4 {
			batch, err := b.Take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b.Sent()
			taken = append(taken, batch)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a fifth batch was handed out: %v", err)
		}
		got := make(chan *sinks.Batch)
		go func() {
			batch, _ := b.Take(t.Context())
			got <- batch
		}()
		synctest.Wait()
		b.Put(taken[0], true)
		if batch := <-got; batch != taken[0] {
			t.Error("the batch that came back was not used again")
		}
		if used, limit := b.Held(); used != limit {
			t.Errorf("%d of %d bytes are counted, all are in use", used, limit)
		}
	})
}

// P70: a row larger than the whole budget is delayed until nothing else is under way, and then passes.
func TestALargeRowWaitsForAnEmptyBudgetAndPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(0)
		other, _ := b.Take(t.Context())
		b.Sent()
		large, _ := b.Take(t.Context())
		large.Arena = make([]byte, 100*ArenaBytes)
		passed := make(chan error)
		go func() { passed <- b.Reserve(t.Context(), int64(len(large.Arena)-ArenaBytes)) }()
		synctest.Wait()
		select {
		case err := <-passed:
			t.Fatalf("the row passed beside another batch: %v", err)
		default:
		}
		b.Put(other, true)
		if err := <-passed; err != nil {
			t.Fatal(err)
		}
		b.Sent()
		b.Put(large, true)
		if used, _ := b.Held(); used != 0 {
			t.Errorf("%d bytes are still counted", used)
		}
		if next, _ := b.Take(t.Context()); cap(next.Arena) > 2*ArenaBytes {
			t.Error("the large arena was kept")
		}
	})
}
