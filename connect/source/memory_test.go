package source

import (
	"rdip/connect/source/budget"
	"testing"
)

// A reload divides the memory anew, of a connector that runs too.
func TestARunHasTheMemoryThatItsTaskIsGivenLater(t *testing.T) {
	task := &Task{Memory: 8 << 20, Reserved: 1 << 20}
	task.current = &run{budget: budget.New(task.memory())}
	_, before := task.current.budget.Held()
	task.SetMemory(64 << 20)
	if _, after := task.current.budget.Held(); after <= before || task.memory() != 63<<20 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
}
