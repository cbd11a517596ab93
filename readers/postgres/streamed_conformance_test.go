package postgres

import (
	"path/filepath"
	"testing"

	"rdip/integration/testenv"
	"rdip/readers/readertest"
)

// The contract holds as well where transactions are received before they have ended.
func TestTheContractOfReadersHoldsForTransactionsInProgress(t *testing.T) { // P33, P37
	server := testenv.SharedPostgres(t, 18)
	readertest.Run(t, readertest.Subject{
		Dialect: dialect,
		New: func(t *testing.T) readertest.Database {
			c := newConformed(t, server)
			c.cfg.Streaming, c.cfg.TwoPhase = StreamingOn, true
			c.cfg.SpillDir, c.cfg.SpillMemory = filepath.Join(t.TempDir(), "spill"), 4<<10
			return c
		},
		OmitsUnchanged: true,
		Values:         conformedValues(),
		Goroutines:     testenv.Running,
	})
}
