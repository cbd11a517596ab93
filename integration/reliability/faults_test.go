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

// Each fault goes through in each of its modes, in make test the short ones alone.
func TestNoFaultLosesOrReordersAChange(t *testing.T) {
	for _, f := range faults() {
		if !f.short && !harness.Long() {
			continue
		}
		for _, mode := range f.modes {
			t.Run(f.name+", "+mode.Name, func(t *testing.T) { f.run(t, mode) })
		}
	}
}
