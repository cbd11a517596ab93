package budget

import (
	"context"
	"testing"
	"time"

	"rdip/sinks"
)

// G8: the share of a connector that runs changes when others come and go, and what is out counts on.
func TestASmallerBudgetHoldsBackUntilEnoughIsGivenBackAndALargerOneLetsGo(t *testing.T) {
	b := New(8 * arenaCost)
	var batches []*sinks.Batch
	for range 8 {
		batch, err := b.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.Sent()
		batches = append(batches, batch)
	}
	b.Resize(4 * arenaCost)
	b.Put(batches[0], true)
	if taken(b) {
		t.Fatal("7 batches are out, of 4 that may be, and another was handed out")
	}
	for _, batch := range batches[1:5] {
		b.Put(batch, true)
	}
	if !taken(b) {
		t.Fatal("3 batches were out, of 4 that may be, and none was handed out")
	}
	if taken(b) {
		t.Fatal("4 batches are out, of 4 that may be, and another was handed out")
	}
	waits := make(chan error, 1)
	go func() {
		_, err := b.Take(t.Context())
		waits <- err
	}()
	b.Resize(5 * arenaCost)
	if err := <-waits; err != nil {
		t.Fatal(err)
	}
	if used, limit := b.Held(); used != 5*ArenaBytes || limit != 5*ArenaBytes {
		t.Errorf("%d of %d bytes", used, limit)
	}
}

// taken says whether a batch is handed out at once; it is then out.
func taken(b *Budget) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	batch, err := b.Take(ctx)
	if err == nil {
		b.Sent()
	}
	return batch != nil
}
