package reliability

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/workload"
)

// stops waits until status says that a table stopped. While the registry refuses everything, others may too.
func (l *loaded) stops(t *testing.T, table string) {
	t.Helper()
	harness.Eventually(t, table+" to stop", func() bool { return slices.Contains(l.stopped(t), table) })
}

func (l *loaded) stopped(t *testing.T) (names []string) {
	t.Helper()
	for _, table := range l.daemon.Status(t).Rdip.Tables {
		if table.Stopped != "" {
			names = append(names, table.Table)
		}
	}
	return names
}

// othersGoOn writes to a table that has not stopped and waits until it arrives.
func (l *loaded) othersGoOn(t *testing.T) {
	t.Helper()
	const marked = "999999"
	l.Exec(t, "INSERT INTO single(id, version, note) VALUES ("+marked+", nextval('versions'), 'committed')")
	harness.Eventually(t, "a row of another table to arrive", func() bool {
		for _, r := range l.Records(t, "single") {
			if r.Key == marked {
				return true
			}
		}
		return false
	})
}

// resumed has a table that stopped go on, and ends: the others repeat nothing, and it repeats at most what it had
// under way when it stopped, in exactly-once mode nothing.
func (l *loaded) resumed(t *testing.T, mode harness.Mode, table string) {
	t.Helper()
	l.Command(t, harness.ExitDone, "resume", "shop", "public."+table, "--url", l.daemon.REST(t))
	l.goesOn(t, 500*time.Millisecond)
	if left := l.stopped(t); len(left) > 0 {
		t.Errorf("still stopped: %v", left)
	}
	l.end(t)
	for _, other := range workload.Tables {
		if other.Name == table && !mode.Exactly {
			continue
		}
		if n := l.repeated(t, other.Name); n > 0 {
			t.Errorf("%s: %d records came twice", other.Name, n)
		}
	}
}

// repeated is how many changes of a table are in its topic a second time.
func (l *loaded) repeated(t *testing.T, table string) (n int) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range l.Records(t, table) {
		if r.Op == 'T' || r.Op == 'r' {
			continue
		}
		id := fmt.Sprint(r, r.Row())
		if seen[id] {
			n++
		}
		seen[id] = true
	}
	return n
}
