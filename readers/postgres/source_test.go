package postgres

import (
	"testing"

	"rdip/envelope"
)

func TestASourceBlockAllocatesNothing(t *testing.T) {
	source := (&Config{Prefix: "p", Database: "d", Version: "v"}).sourceEncoder("s", "t")
	dst, tx, event := make([]byte, 0, 1<<10), &envelope.Transaction{ID: 1, Micros: 1, Previous: 7, Origin: "o", OriginPos: 1}, &envelope.Event{Place: 9}
	if allocations := testing.AllocsPerRun(100, func() { source(dst, tx, event) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
