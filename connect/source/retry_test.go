package source

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
	"rdip/readers/postgres"
	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/kafka/embedded"
	"rdip/snapshot"
)

// A start that fails for now is tried again with a producer and a reader of its own, and leaves nothing of the
// one before behind.
func TestEachTryOfATaskEndsWhatItBegan(t *testing.T) {
	before := goleak.IgnoreCurrent()
	b, err := embedded.Start(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := postgres.Config{Hostname: "127.0.0.1", Port: nobody.Addr().(*net.TCPAddr).Port, Database: "d", User: "u"}
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var tries atomic.Int32
	task := &Task{Name: "shop", Prefix: "shop", Registrar: numbers{}, Store: openStore(t), Log: slog.New(slog.DiscardHandler),
		Memory: 4 << 20, FlushInterval: time.Millisecond, DrainTimeout: 5 * time.Second,
		NewProducer: func(acks sinks.Acks) (sinks.Producer, error) {
			return kafka.New(kafka.NewConfig(b.Addr()), kafka.NewCreation(), acks, nil)
		},
		NewReader: func() (readers.Reader, error) {
			if tries.Add(1) == 3 {
				cancel()
			}
			return postgres.New("shop", cfg), nil
		}}
	if err := task.Run(ctx); err != nil {
		t.Errorf("a stop during a start is not clean: %v", err)
	}
	if s := task.Status(); s.State != StateStopped || s.Retries != 2 {
		t.Errorf("%v after %d retries", s.State, s.Retries)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // the process's own, see sinks/kafka
}

// stalled is a reader whose stream hands over rows until it is stopped, over the one that it embeds.
type stalled struct {
	readers.Reader
	layout *envelope.Layout
	begun  *atomic.Int64 // rows that were handed over, or wait for that
}

func (stalled) Open(context.Context, readers.Stored) (readers.Resume, error) {
	return readers.Resume{Identity: "{}", From: at(1)}, nil
}

func (stalled) Live() snapshot.Live { return nil }

func (s stalled) Stream(ctx context.Context, _ offsets.Position, h envelope.Handler) error {
	if err := h.Begin(&envelope.Transaction{ID: 1, Place: 2}); err != nil {
		return err
	}
	if err := h.Table(s.layout); err != nil {
		return err
	}
	for ctx.Err() == nil {
		s.begun.Add(1)
		if err := h.Row(&envelope.Event{Op: envelope.Create, Layout: s.layout, After: envelope.Row{present("1"), present("x"), {}}}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// waiting is a registry that never answers.
type waiting struct{}

func (waiting) ID(ctx context.Context, _, _ string) (int32, error) {
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

// D2: a stop while a row waits for the registry, or for room in the budget, ends within its bound and says
// that not all was delivered; it stops no table.
func TestAStopWhileARowWaitsEndsWithinItsBound(t *testing.T) {
	const bound = 300 * time.Millisecond
	b, err := embedded.Start(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	for name, registrar := range map[string]records.Registrar{"for the registry": waiting{}, "for room, Kafka being frozen": numbers{}} {
		t.Run(name, func(t *testing.T) {
			store := openStore(t)
			ctx, cancel := context.WithCancel(t.Context())
			var begun atomic.Int64
			task := &Task{Name: "shop", Prefix: "shop", Registrar: registrar, Store: store, Log: slog.New(slog.DiscardHandler),
				FlushInterval: time.Millisecond, DrainTimeout: bound,
				NewProducer: func(acks sinks.Acks) (sinks.Producer, error) {
					p, err := kafka.New(kafka.NewConfig(b.Addr()), kafka.NewCreation(), acks, nil)
					return swallowing{p}, err
				},
				NewReader: func() (readers.Reader, error) {
					return stalled{postgres.New("shop", postgres.Config{}), ordersLayout(0), &begun}, nil
				}}
			ended := make(chan error)
			go func() { ended <- task.Run(ctx) }()
			for was := int64(0); was == 0 || was != begun.Load(); { // until a row waits
				was = begun.Load()
				time.Sleep(500 * time.Millisecond)
			}
			began := time.Now()
			cancel()
			err := <-ended
			if fault.KindOf(err) != fault.NotDrained || !errors.Is(err, errDrain) {
				t.Errorf("the stop ended with %v", err)
			}
			if took := time.Since(began); took > 10*bound {
				t.Errorf("the stop took %v", took)
			}
			if r, _, err := store.Get("shop"); err != nil || len(r.Stopped) != 0 || r.Place != 1 {
				t.Errorf("stored: %+v %v", r, err)
			}
		})
	}
}

// swallowing takes batches and says nothing of them any more, as behind a frozen broker.
type swallowing struct{ sinks.Producer }

func (swallowing) Send(ctx context.Context, _ *sinks.Batch) error { return ctx.Err() }
