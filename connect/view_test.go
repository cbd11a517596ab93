package connect_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rdip/connect"
	"rdip/connect/rest"
	"rdip/connect/source"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/sinks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// task is one whose producer cannot be made, for the reason given.
func task(t *testing.T, name string, store *offsets.Store, reason error) *source.Task {
	t.Helper()
	return &source.Task{Name: name, Prefix: name, Memory: 1 << 20, DrainTimeout: time.Second, Store: store,
		Log:         slog.New(slog.DiscardHandler),
		NewProducer: func(sinks.Acks) (sinks.Producer, error) { return nil, reason }}
}

func openStore(t *testing.T) *offsets.Store {
	t.Helper()
	store, err := offsets.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func worker(t *testing.T, store *offsets.Store, tasks ...*source.Task) *connect.Worker {
	t.Helper()
	var connectors []connect.Connector
	for _, task := range tasks {
		connectors = append(connectors, connect.Connector{Task: task})
	}
	w, err := connect.NewWorker(connect.Options{Store: store}, connectors...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var (
	refused = &fault.Error{Kind: fault.Preflight, Op: "log in", Object: "Kafka", Cause: errors.New("no"), Permanent: true}
	passing = &fault.Error{Op: "reach", Object: "Kafka", Cause: errors.New("away")}
)

// D6: what cannot pass ends the worker once no connector is left, with the kind of the failure.
func TestAWorkerEndsWhenEveryConnectorHasFailedForGood(t *testing.T) {
	store := openStore(t)
	w := worker(t, store, task(t, "a", store, refused), task(t, "b", store, refused))
	err := w.Run(t.Context())
	if fault.KindOf(err) != fault.Preflight {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
	for _, c := range w.View().Connectors() {
		if c.State != rest.Failed || !strings.Contains(c.Trace, "log in Kafka: no") || c.Tasks[0].State != rest.Failed {
			t.Errorf("%s is %s: %s", c.Name, c.State, c.Trace)
		}
	}
}

// K1: what may pass leaves the others alone, is tried again, and shows as not assigned with its reason.
func TestAConnectorThatIsTriedAgainIsShownWithItsReason(t *testing.T) {
	store := openStore(t)
	w := worker(t, store, task(t, "a", store, refused), task(t, "b", store, passing))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	view := w.View()
	deadline := time.Now().Add(10 * time.Second)
	for {
		c := view.Connectors()
		if c[0].State == rest.Failed && c[1].State == rest.Unassigned && strings.Contains(c[1].Trace, "away") && c[1].Stats.Reconnects > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v", c)
		}
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := <-ended; fault.KindOf(err) != fault.Preflight {
		t.Errorf("the failed connector's error is not the worker's: %v", err)
	}
}
