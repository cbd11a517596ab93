package notify_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rdip/connect/notify"
	"rdip/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen is systemd's end: a datagram socket that NOTIFY_SOCKET names.
func listen(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "n")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return c
}

func receive(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestSystemdIsToldWhatTheProcessDoes(t *testing.T) {
	c := listen(t)
	for want, err := range map[string]func() error{
		"READY=1\nSTATUS=1 connector, 3 tables": func() error { return notify.Ready("1 connector, 3 tables") },
		"READY=1":                               func() error { return notify.Ready("") },
		"STOPPING=1\nSTATUS=draining":           func() error { return notify.Stopping("draining") },
		"STATUS=snapshot 40 % READY=0 x":        func() error { return notify.Status("snapshot 40 %\nREADY=0\r\n x ") },
	} {
		if err := err(); err != nil {
			t.Errorf("%q: %v", want, err)
		}
		if got := receive(t, c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestOutsideSystemdNothingHappens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	for name, err := range map[string]error{
		"ready": notify.Ready("x"), "stopping": notify.Stopping("x"), "status": notify.Status("x"),
		"watch": notify.Watch(t.Context(), func() error { t.Error("asked without a watchdog"); return nil }),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASocketThatIsGoneIsNamed(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	var f *fault.Error
	if err := notify.Ready(""); !errors.As(err, &f) || f.Object != "NOTIFY_SOCKET" {
		t.Errorf("got %v", err)
	}
}

// The watchdog is told while the process is alive, and not told while it is not.
func TestTheWatchdogIsToldOnlyWhileTheProcessIsAlive(t *testing.T) {
	c := listen(t)
	t.Setenv("WATCHDOG_USEC", strconv.FormatInt((40*time.Millisecond).Microseconds(), 10))
	t.Setenv("WATCHDOG_PID", "")
	var dead atomic.Bool
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- notify.Watch(ctx, func() error {
			if dead.Load() {
				return errors.New("the stream's loop has not turned for 1m0s")
			}
			return nil
		})
	}()
	for range 3 {
		if got := receive(t, c); got != "WATCHDOG=1" {
			t.Errorf("got %q", got)
		}
	}
	dead.Store(true)
	const reason = "STATUS=not alive: the stream's loop has not turned for 1m0s"
	for got := receive(t, c); got != reason; got = receive(t, c) {
		if got != "WATCHDOG=1" { // those that were sent before
			t.Fatalf("got %q", got)
		}
	}
	for range 3 {
		if got := receive(t, c); strings.Contains(got, "WATCHDOG=1") {
			t.Error("told that a dead process is alive")
		}
	}
	dead.Store(false)
	for receive(t, c) != "WATCHDOG=1" {
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAWatchdogOfAnotherProcessIsNotOurs(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "1000000")
	t.Setenv("WATCHDOG_PID", "1")
	if err := notify.Watch(t.Context(), func() error { t.Error("asked"); return nil }); err != nil {
		t.Error(err)
	}
}

func TestAnIntervalThatIsNoneIsRefused(t *testing.T) {
	t.Setenv("WATCHDOG_PID", "")
	for _, text := range []string{"soon", "-5", "0"} {
		t.Setenv("WATCHDOG_USEC", text)
		if err := notify.Watch(t.Context(), nil); fault.KindOf(err) != fault.Configuration || !fault.IsPermanent(err) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
