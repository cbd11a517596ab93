package connect_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rdip/connect"
	"rdip/connect/rest"
	"rdip/connect/source"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
	"rdip/sinks"
	"rdip/snapshot"
)

// idle is a source in which nothing happens, and which counts its streams.
type idle struct {
	readers.Reader
	streams *atomic.Int32
	ends    error // of the stream; nil: it goes on until it is stopped
}

func (r idle) Open(context.Context, readers.Stored) (readers.Resume, error) {
	return readers.Resume{Identity: "{}", From: offsets.Position{Place: 1}}, nil
}

func (r idle) Stream(ctx context.Context, _ offsets.Position, _ envelope.Handler) error {
	r.streams.Add(1)
	if r.ends != nil {
		return r.ends
	}
	<-ctx.Done()
	return ctx.Err()
}

func (idle) Confirm(offsets.Position)               {}
func (idle) EncodePosition(offsets.Position) string { return `{"lsn":"0/1"}` }
func (idle) DecodePosition(string) (offsets.Position, error) {
	return offsets.Position{Place: 1}, nil
}
func (idle) Status() readers.Status      { return readers.Status{RetainedBytes: -1, RetainLimit: -1} }
func (idle) Live() snapshot.Live         { return nil }
func (idle) Close(context.Context) error { return nil }

// nothing is a producer that is sent nothing.
type nothing struct{ sinks.Producer }

func (nothing) Identity(context.Context) (string, error) { return "cluster", nil }
func (nothing) Close(context.Context) error              { return nil }

// runs is a task that streams until it is stopped, or fails with an error, and the count of its streams.
func runs(t *testing.T, name string, store *offsets.Store, ends error) (*source.Task, *atomic.Int32) {
	t.Helper()
	n := &atomic.Int32{}
	return &source.Task{Name: name, Prefix: name, Memory: 1 << 20, FlushInterval: time.Millisecond, DrainTimeout: time.Second, Store: store,
		Log:         slog.New(slog.DiscardHandler),
		NewReader:   func() (readers.Reader, error) { return idle{streams: n, ends: ends}, nil },
		NewProducer: func(sinks.Acks) (sinks.Producer, error) { return nothing{}, nil }}, n
}

// running runs a worker until the returned function ends it, which gives its error.
func running(t *testing.T, w *connect.Worker) func() error {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return func() error {
		stop()
		return <-ended
	}
}

// states are the connectors' names and states.
func states(w *connect.Worker) string {
	var all []string
	for _, c := range w.View().Connectors() {
		all = append(all, c.Name+" "+string(c.State))
	}
	return strings.Join(all, ", ")
}

func mustBe(t *testing.T, w *connect.Worker, want string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); states(w) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the connectors are %s; want %s", states(w), want)
		}
	}
}

func TestAConnectorIsPausedStoppedAndResumedWithoutTheOthersAndOverARestart(t *testing.T) {
	store := openStore(t)
	a, nA := runs(t, "a", store, nil)
	b, nB := runs(t, "b", store, nil)
	w := worker(t, store, a, b)
	end := running(t, w)
	mustBe(t, w, "a RUNNING, b RUNNING")
	for _, step := range []struct {
		do   func(string) error
		want string
	}{{w.Pause, "a PAUSED, b RUNNING"}, {w.Pause, "a PAUSED, b RUNNING"}, {w.Stop, "a STOPPED, b RUNNING"},
		{w.Resume, "a RUNNING, b RUNNING"}, {w.Pause, "a PAUSED, b RUNNING"}} {
		if err := step.do("a"); err != nil {
			t.Fatal(err)
		}
		mustBe(t, w, step.want)
	}
	if err := w.Restart("a", false); err != nil {
		t.Fatal(err)
	}
	mustBe(t, w, "a PAUSED, b RUNNING") // a restart starts nothing that a person paused
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if nA.Load() != 2 || nB.Load() != 1 {
		t.Errorf("a streamed %d times, b %d times", nA.Load(), nB.Load())
	}

	w = worker(t, store, a, b)
	end = running(t, w)
	mustBe(t, w, "a PAUSED, b RUNNING")
	if position := w.View().Connectors()[0].Position; position != `{"lsn":"0/1"}` {
		t.Errorf("the stored position of a paused connector is shown as %q", position)
	}
	if err := w.Resume("a"); err != nil {
		t.Fatal(err)
	}
	mustBe(t, w, "a RUNNING, b RUNNING")
	if err := end(); err != nil {
		t.Fatal(err)
	}
}

func TestARestartBeginsOneConnectorAnewAndAFailedOneAgain(t *testing.T) {
	store := openStore(t)
	a, nA := runs(t, "a", store, nil)
	b, nB := runs(t, "b", store, refused)
	w := worker(t, store, a, b)
	end := running(t, w)
	mustBe(t, w, "a RUNNING, b FAILED")
	for _, onlyFailed := range []bool{true, false} {
		before := nB.Load()
		if err := errors.Join(w.Restart("b", onlyFailed), w.Restart("a", true)); err != nil {
			t.Fatal(err)
		}
		for nB.Load() == before {
			time.Sleep(time.Millisecond)
		}
		mustBe(t, w, "a RUNNING, b FAILED")
	}
	if nA.Load() != 1 {
		t.Errorf("a, which did not fail, began %d times", nA.Load())
	}
	if err := w.Restart("a", false); err != nil {
		t.Fatal(err)
	}
	for nA.Load() != 2 {
		time.Sleep(time.Millisecond)
	}
	if err := end(); fault.KindOf(err) != fault.Preflight {
		t.Errorf("the failed connector's error is not the worker's: %v", err)
	}
}

// A connector that failed keeps the process up while another is paused: a person may restart it.
func TestAWorkerWithAPausedConnectorGoesOnWhenTheOthersHaveFailed(t *testing.T) {
	store := openStore(t)
	if err := store.SetDesired("a", offsets.DesiredPaused); err != nil {
		t.Fatal(err)
	}
	a, _ := runs(t, "a", store, nil)
	b, _ := runs(t, "b", store, refused)
	w := worker(t, store, a, b)
	end := running(t, w)
	mustBe(t, w, "a PAUSED, b FAILED")
	if done, err := w.Apply([]connect.Connector{{Task: b}}); err != nil || !slices.Equal(done.Removed, []string{"a"}) {
		t.Fatalf("%v, %v", done, err)
	}
	if err := end(); fault.KindOf(err) != fault.Preflight {
		t.Errorf("%v", err)
	}
	if err := w.Pause("b"); err == nil || !strings.Contains(err.Error(), "ending") {
		t.Errorf("a worker that has ended was changed: %v", err)
	}
}

// D9: what is unchanged runs on untouched; what changed, came or went is the only thing that moves.
func TestApplyingAConfigurationTouchesOnlyWhatChanged(t *testing.T) {
	store := openStore(t)
	same, nSame := runs(t, "same", store, nil)
	changed, nChanged := runs(t, "changed", store, nil)
	gone, _ := runs(t, "gone", store, nil)
	failed, _ := runs(t, "failed", store, refused)
	w, err := connect.NewWorker(connect.Options{Store: store, Memory: 64 << 20}, connect.Connector{Task: same, Fingerprint: "1"},
		connect.Connector{Task: changed, Fingerprint: "1"}, connect.Connector{Task: gone, Fingerprint: "1"}, connect.Connector{Task: failed, Fingerprint: "1"})
	if err != nil {
		t.Fatal(err)
	}
	end := running(t, w)
	mustBe(t, w, "same RUNNING, changed RUNNING, gone RUNNING, failed FAILED")
	share := same.Status().Budget

	again, nAgain := runs(t, "changed", store, nil)
	mended, _ := runs(t, "failed", store, nil)
	added, _ := runs(t, "new", store, nil)
	unused, nUnused := runs(t, "same", store, nil)
	done, err := w.Apply([]connect.Connector{{Task: added, Fingerprint: "1"}, {Task: unused, Fingerprint: "1"}, {Task: mended, Fingerprint: "2"},
		{Task: again, Fingerprint: "2", Config: map[string]string{"now": "2"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := done.String(), "1 unchanged, restarted [failed changed], started [new], removed [gone]"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	mustBe(t, w, "new RUNNING, same RUNNING, failed RUNNING, changed RUNNING")
	for nAgain.Load() != 1 {
		time.Sleep(time.Millisecond)
	}
	if nSame.Load() != 1 || nChanged.Load() != 1 || nUnused.Load() != 0 {
		t.Errorf("same began %d times, changed's first form %d, same's second form %d", nSame.Load(), nChanged.Load(), nUnused.Load())
	}
	if c := w.View().Connectors()[3]; c.Config["now"] != "2" {
		t.Errorf("the configuration shown is %v", c.Config)
	}
	if now := same.Status().Budget; now != share {
		t.Errorf("four connectors before and after: the share went from %d to %d", share, now)
	}
	if _, err := w.Apply([]connect.Connector{{Task: same, Fingerprint: "1"}}); err != nil {
		t.Fatal(err)
	}
	if now := same.Status().Budget; now <= 2*share {
		t.Errorf("the only connector that is left has %d bytes, of four it had %d", now, share)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
}

func TestAPositionIsChangedOnlyWhileItsConnectorIsStopped(t *testing.T) {
	store := openStore(t)
	a, _ := runs(t, "a", store, nil)
	w := worker(t, store, a)
	end := running(t, w)
	mustBe(t, w, "a RUNNING")
	done := func() error { return errors.New("done") }
	if err := w.WhileStopped("a", done); !errors.Is(err, connect.ErrNotStopped) {
		t.Errorf("while it runs: %v", err)
	}
	if err := w.Pause("a"); err != nil {
		t.Fatal(err)
	}
	mustBe(t, w, "a PAUSED")
	if err := w.WhileStopped("a", done); !errors.Is(err, connect.ErrNotStopped) {
		t.Errorf("while it is paused: %v", err)
	}
	if err := w.Stop("a"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "done", "not configured any more": "done"} {
		if err := w.WhileStopped(name, done); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(string) error{w.Pause, w.Stop, w.Resume} {
		if err := change("nobody"); err == nil {
			t.Error("a connector that is not there was changed")
		}
	}
}

// P68: retained log is told once a threshold that it crosses, and shown for a paused connector too.
func TestRetainedLogAndOrphansAreToldOnceAndShownWhileAConnectorIsPaused(t *testing.T) {
	const mib = 1 << 20
	store := openStore(t)
	if err := store.SetDesired("a", offsets.DesiredPaused); err != nil {
		t.Fatal(err)
	}
	orphan := fault.Finding{Severity: fault.Warning, Where: `slot "rdip_old"`, Seen: "nobody reads it"}
	synctest.Test(t, func(t *testing.T) {
		looks := []connect.Survey{
			{RetainedBytes: 10 * mib, RetainLimit: 100 * mib},
			{RetainedBytes: 50 * mib, RetainLimit: 100 * mib, Orphans: []fault.Finding{orphan}},
			{RetainedBytes: 60 * mib, RetainLimit: 100 * mib, Orphans: []fault.Finding{orphan}},
			{RetainedBytes: 80 * mib, RetainLimit: 100 * mib},
			{RetainedBytes: 1 * mib, RetainLimit: 100 * mib},
			{RetainedBytes: 60 * mib, RetainLimit: -1, WarnBytes: 70 * mib},
			{RetainedBytes: 70 * mib, RetainLimit: -1, WarnBytes: 70 * mib},
			{RetainedBytes: -1, RetainLimit: -1, WarnBytes: 70 * mib},
		}
		shown := []string{"0 0 0", "1 1 2", "1 1 2", "2 0 1", "0 0 0", "0 0 0", "1 0 1", "0 0 0"} // alarm, orphans, notices
		told := []int{0, 2, 2, 3, 3, 3, 4, 4}
		var log lines
		task, _ := runs(t, "a", store, nil)
		next := 0
		w, err := connect.NewWorker(connect.Options{Store: store, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})), SurveyEvery: time.Minute},
			connect.Connector{Task: task, Survey: func(context.Context) (connect.Survey, error) {
				next++
				return looks[next-1], nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		end := running(t, w)
		for i := range looks {
			synctest.Wait()
			c := w.View().Connectors()[0]
			if got := strings.Join([]string{digit(c.Stats.RetainedAlarm), digit(c.Stats.Orphans), digit(len(c.Notices))}, " "); got != shown[i] {
				t.Errorf("look %d is shown as %s, want %s: %v", i, got, shown[i], c.Notices)
			}
			if c.Stats.RetainedBytes != looks[i].RetainedBytes || c.State != rest.Paused {
				t.Errorf("look %d is shown with %d bytes, %s", i, c.Stats.RetainedBytes, c.State)
			}
			if log.count() != told[i] {
				t.Errorf("after look %d the log has %d warnings, want %d:\n%s", i, log.count(), told[i], log.String())
			}
			if i < len(looks)-1 {
				time.Sleep(time.Minute)
			}
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
	})
}

func digit(n int) string { return string(rune('0' + n)) }

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) count() int { return strings.Count(l.String(), "\n") }
