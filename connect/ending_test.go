package connect_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"rdip/connect"
	"rdip/internal/fault"
)

// P68: what was seen of the source before a run has ended, or before it had made its slot, is not shown of a connector
// that is paused: it is looked at again at once, not with the next tick.
func TestAPausedConnectorIsShownAsItsSourceIsNow(t *testing.T) {
	store := openStore(t)
	synctest.Test(t, func(t *testing.T) {
		task, _ := runs(t, "a", store, nil)
		var looks atomic.Int64
		w, err := connect.NewWorker(connect.Options{Store: store}, connect.Connector{Task: task, Survey: func(context.Context) (connect.Survey, error) {
			n := looks.Add(1)
			return connect.Survey{RetainedBytes: n, RetainLimit: -1, Detail: fmt.Sprint("look ", n)}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		end := running(t, w)
		synctest.Wait()
		if got := w.View().Connectors()[0].Detail; got != "look 1" {
			t.Errorf("while it runs: %q", got)
		}
		if err := w.Pause("a"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := w.View().Connectors()[0]; got.Detail != "look 2" || got.Stats.RetainedBytes != 2 {
			t.Errorf("a paused connector shows %q, %d bytes: what was seen while it ran", got.Detail, got.Stats.RetainedBytes)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
	})
}

// A connector that ends while others run on has nobody else to say so.
func TestTheLogTellsHowAConnectorEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		ends   error
		change func(*connect.Worker) error
		want   string
	}{
		{"failed", &fault.Error{Op: "stream", Object: "slot", Cause: errors.New("it is gone"), Permanent: true}, nil, "level=ERROR msg=\"the connector has failed, and waits for rdip restart or rdip reload\" error=\"stream slot: it is gone"},
		{"paused", nil, func(w *connect.Worker) error { return w.Pause("a") }, "level=INFO msg=connector state=stopped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := openStore(t)
			synctest.Test(t, func(t *testing.T) {
				var log lines
				task, _ := runs(t, "a", store, c.ends)
				task.Log = slog.New(slog.NewTextHandler(&log, nil))
				other, _ := runs(t, "b", store, nil)
				w, err := connect.NewWorker(connect.Options{Store: store}, connect.Connector{Task: task}, connect.Connector{Task: other})
				if err != nil {
					t.Fatal(err)
				}
				end := running(t, w)
				synctest.Wait()
				if c.change != nil {
					if err := c.change(w); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				if got := log.String(); strings.Count(got, c.want) != 1 {
					t.Errorf("the log lacks %s:\n%s", c.want, got)
				}
				_ = end() // the error of the one that failed
			})
		})
	}
}
