package source

import (
	"context"
	"testing"
	"time"

	"rdip/sinks"
)

// G8: the share of a connector that runs changes when others come and go, and what is out counts on.
func TestASmallerBudgetHoldsBackUntilEnoughIsGivenBackAndALargerOneLetsGo(t *testing.T) {
	task := &Task{Memory: 8 * arenaCost}
	b := newBudget(task.memory())
	task.current = &run{budget: b}
	var batches []*sinks.Batch
	for range 8 {
		batch, err := b.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.sent()
		batches = append(batches, batch)
	}
	task.SetMemory(4 * arenaCost)
	b.put(batches[0], true)
	if taken(b) {
		t.Fatal("7 batches are out, of 4 that may be, and another was handed out")
	}
	for _, batch := range batches[1:5] {
		b.put(batch, true)
	}
	if !taken(b) {
		t.Fatal("3 batches were out, of 4 that may be, and none was handed out")
	}
	if taken(b) {
		t.Fatal("4 batches are out, of 4 that may be, and another was handed out")
	}
	waits := make(chan error, 1)
	go func() {
		_, err := b.take(t.Context())
		waits <- err
	}()
	task.SetMemory(5 * arenaCost)
	if err := <-waits; err != nil {
		t.Fatal(err)
	}
	if used, limit := b.held(); used != 5*arenaBytes || limit != 5*arenaBytes {
		t.Errorf("%d of %d bytes", used, limit)
	}
}

// taken says whether a batch is handed out at once; it is then out.
func taken(b *budget) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	batch, err := b.take(ctx)
	if err == nil {
		b.sent()
	}
	return batch != nil
}
