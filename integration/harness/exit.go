package harness

// exit codes, as docs and scripts know them (internal/fault).
const (
	ExitDone          = 0
	ExitRuntime       = 1
	ExitConfiguration = 2
	ExitPreflight     = 3
	ExitPositionLost  = 4
	ExitNotDrained    = 5
)
