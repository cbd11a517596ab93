package testenv

import (
	"testing"

	"go.uber.org/goleak"
)

func TestASharedServersGoroutineIsNotATestsLeak(t *testing.T) {
	SharedPostgres(t, 18)
	goleak.VerifyNone(t, Running()...)
	if err := goleak.Find(saramaMetrics); err == nil {
		t.Error("the server's goroutine is not there: the check above checks nothing")
	}
}
