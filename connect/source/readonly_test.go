package source

import (
	"errors"
	"testing"

	"rdip/connect/source/routing"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/snapshot"
)

// A task that only reads its tables ends once nothing is left, and not well where one of them stopped: it neither
// waits for that one for ever nor says that every row is there.
func TestATaskThatOnlyReadsEndsAndNotWellWhereATableStopped(t *testing.T) {
	left := map[string]offsets.TableSnapshot{"public.orders": {Why: offsets.WhyInitial}}
	for name, c := range map[string]struct {
		stored  map[string]offsets.TableSnapshot
		stopped bool
		read    bool
	}{
		"a table is left":                       {stored: left},
		"the table that is left stopped":        {stored: left, stopped: true, read: true},
		"a table stopped in the first snapshot": {stopped: true, read: true},
		"every table is read":                   {read: true},
	} {
		t.Run(name, func(t *testing.T) {
			ts := newTables(routing.Naming{Prefix: "shop"}, nil)
			r := &run{task: &Task{Name: "shop", SnapshotOnly: true}, work: t.Context(), tables: ts,
				ledger: &ledger{readings: snapshot.NewReadings(c.stored, nil)}}
			if c.stopped {
				ts.entry("public.orders").stopped = &Stop{Reason: errors.New("refused")}
			}
			if r.isFinished() != c.read {
				t.Errorf("finished: %t", r.isFinished())
			}
			if err := r.finished(); fault.IsPermanent(err) != c.stopped || errors.Is(err, errFinished) == c.stopped {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}
