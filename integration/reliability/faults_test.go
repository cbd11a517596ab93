package reliability

import (
	"slices"
	"testing"

	"rdip/integration/harness"
)

// fault is something that goes wrong around a daemon under load, and the judgement afterwards.
type fault struct {
	name   string // a sentence: "a broker is stopped and started again"
	proves string // what a pass shows
	not    string // what it does not show
	short  bool   // part of make test, not only of make faults
	modes  []harness.Mode
	run    func(t *testing.T, mode harness.Mode)
}

// both are the modes of a fault that holds each promise to account.
var both = []harness.Mode{harness.AtLeastOnce, harness.ExactlyOnce}

// faults is every fault: those of Kafka, of the registry, of PostgreSQL, of the state folder and of the machine.
func faults() []fault {
	return slices.Concat(kafkaFaults(), registryFaults(), postgresFaults(), stateFaults(), machineFaults())
}

// Each fault goes through in each of its modes, in make test the short ones alone. What each of them is about stands with
// it: D2, D3, D4, D5, D6, D7, K1, K2, K3, K4, K6, K7, K11, K12, O1, O2, O4, O6, P45, P47, P48, P49, P50, P54, P56,
// P60, P61, P62, P66, R1, R2, R3, R4.
func TestNoFaultLosesOrReordersAChange(t *testing.T) {
	for _, f := range faults() {
		if !f.short && !harness.Long() {
			continue
		}
		for _, mode := range f.modes {
			t.Run(f.name+", "+mode.Name, func(t *testing.T) {
				f.run(t, mode)
				if n, ok := harness.Shown(t); n == 0 || !ok {
					t.Errorf("the table shows %d faults (a verdict: %t)", n, ok)
				}
			})
		}
	}
}
