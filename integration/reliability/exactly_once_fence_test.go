package reliability

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rdip/integration/harness"
)

// second is the same connector on another machine: it has the configuration, and a state folder of its own.
func second(t *testing.T, p *harness.Pipeline, keys ...string) *harness.Pipeline {
	t.Helper()
	return p.Configured(append(keys, "state.dir", filepath.Join(t.TempDir(), "state"))...)
}

// D7, P51: a second daemon does not fence one that is healthy: it waits for the slot, and names who has it. Once the first
// is gone it goes on from the topic of positions, with nothing missing and nothing twice.
func TestExactlyOnceASecondDaemonLeavesAHealthyOneAloneAndGoesOnWhenItDies(t *testing.T) {
	p := once(t)
	first := p.Streaming(t)
	p.Insert(t, 1, 3)
	p.MustHold(t, 3, false)
	d := second(t, p, "connectors.shop.slot.max.retries", "2", "connectors.shop.slot.retry.delay.ms", "100").Start(t)
	reads := fmt.Sprintf("PID %s reads it", p.Slot(t, "active_pid"))
	harness.Eventually(t, "the second to have tried twice", func() bool { return strings.Count(d.Out.String(), reads) >= 2 })
	p.Insert(t, 4, 6)
	p.MustHold(t, 6, false)
	if text := first.Out.String(); !first.Running() || strings.Contains(text, "starts again") || strings.Contains(text, "taken it over") {
		t.Errorf("the first was disturbed:\n%s", text)
	}
	first.Kill()
	p.Insert(t, 7, 8)
	d.WaitFor(t, "state=streaming")
	p.Insert(t, 9, 9)
	p.MustHold(t, 9, false)
	ends(t, d)
}

// D7, K7, K12: a daemon that stood still, and lost its slot to another meanwhile, is fenced when it comes back: it ends by
// name, and nothing of it is seen.
func TestExactlyOnceAZombieIsFencedAndNamed(t *testing.T) {
	p := once(t)
	first := p.Streaming(t)
	p.Insert(t, 1, 3)
	p.MustHold(t, 3, false)
	if err := first.Cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	p.Insert(t, 4, 6) // its connection holds them
	p.Query(t, fmt.Sprintf("SELECT pg_terminate_backend(%s)::text", p.Slot(t, "active_pid")))
	d := second(t, p).Streaming(t)
	p.Insert(t, 7, 8)
	p.MustHold(t, 8, false)
	if err := first.Cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the first to be refused", func() bool {
		text := first.Out.String()
		return strings.Contains(text, "taken it over") || strings.Contains(text, "reads it")
	})
	p.Insert(t, 9, 9)
	p.MustHold(t, 9, false)
	if text := d.Out.String(); strings.Contains(text, "starts again") {
		t.Errorf("the second was disturbed:\n%s", text)
	}
	ends(t, d)
}
