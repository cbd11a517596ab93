// Package notify tells systemd how the process is (sd_notify(3)): ready, stopping, a line of status, and
// that it is alive. Outside systemd, where NOTIFY_SOCKET is not set, it does nothing.
package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"rdip/internal/fault"
)

// Ready says that every connector has been started; systemd then starts what waits for this unit.
func Ready(status string) error { return send(daemon.SdNotifyReady, status) }

// Stopping says that the process is draining; systemd then waits TimeoutStopSec for it.
func Stopping(status string) error { return send(daemon.SdNotifyStopping, status) }

// Status sets the line that systemctl status shows.
func Status(status string) error { return send("", status) }

// Watch tells systemd's watchdog (WatchdogSec=) that the process is alive, at half of its interval, while
// alive returns nil and returns in time; systemd restarts the process otherwise. alive says what a restart
// would mend: a loop that no longer turns, and not a Kafka that is away. Watch returns when ctx ends, or at
// once where there is no watchdog; its error is that systemd could not be told the last time.
func Watch(ctx context.Context, alive func() error) error {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return &fault.Error{Kind: fault.Configuration, Op: "read the watchdog's interval", Object: "WATCHDOG_USEC", Cause: err,
			Hint: "let systemd set it (WatchdogSec=), or unset it", Permanent: true}
	}
	if interval == 0 {
		return nil
	}
	ticks := time.NewTicker(max(interval/2, time.Millisecond))
	defer ticks.Stop()
	for {
		told := report(alive())
		select {
		case <-ctx.Done():
			return told
		case <-ticks.C:
		}
	}
}

func report(dead error) error {
	if dead != nil {
		return Status("not alive: " + dead.Error())
	}
	return send(daemon.SdNotifyWatchdog, "")
}

// send gives systemd a state, a line of status, or both in one message.
func send(state, status string) error {
	if status != "" {
		state = strings.TrimPrefix(state+"\nSTATUS="+oneLine(status), "\n")
	}
	if state == "" {
		return nil
	}
	if _, err := daemon.SdNotify(false, state); err != nil {
		return &fault.Error{Op: "notify systemd", Object: "NOTIFY_SOCKET", Cause: fmt.Errorf("%q: %w", state, err)}
	}
	return nil
}

// oneLine keeps a status from being read as further assignments.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
