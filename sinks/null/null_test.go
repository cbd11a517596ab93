package null_test

import (
	"context"
	"testing"

	"rdip/sinks"
	"rdip/sinks/null"
)

func TestEveryBatchIsCountedAndReportedOnce(t *testing.T) {
	var reported []*sinks.Batch
	p := null.New(3, func(b *sinks.Batch, err error) {
		if err != nil {
			t.Error(err)
		}
		reported = append(reported, b)
	})
	ctx := context.Background()
	if topic, err := p.Prepare(ctx, "shop.public.orders"); err != nil || topic.Partitions != 3 {
		t.Fatalf("%+v, %v", topic, err)
	}
	one := &sinks.Batch{Records: []sinks.Record{{Key: []byte("k"), Value: []byte("value")}, {Key: []byte("k")}}}
	two := &sinks.Batch{Records: []sinks.Record{{Value: []byte("v")}}}
	for _, b := range []*sinks.Batch{one, two} {
		if err := p.Send(ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	if len(reported) != 2 || reported[0] != one || reported[1] != two {
		t.Errorf("reported %v", reported)
	}
	if p.Records() != 3 || p.Bytes() != 8 {
		t.Errorf("%d records, %d bytes", p.Records(), p.Bytes())
	}
	_ = p.Close(ctx)
	if p.Send(ctx, one) == nil || len(reported) != 2 {
		t.Error("a closed producer took a batch")
	}
}

func TestSendingAllocatesNothing(t *testing.T) {
	p := null.New(1, func(*sinks.Batch, error) {})
	b := &sinks.Batch{Records: make([]sinks.Record, 100)}
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { _ = p.Send(ctx, b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
