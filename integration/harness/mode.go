package harness

import (
	"os"
	"testing"

	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
)

// Mode is a promise of delivery that a run is held to.
type Mode struct {
	Name    string
	Exactly bool // no duplicate at all for a reader of committed records
}

// The promises: G2's duplicates, and none.
var (
	AtLeastOnce = Mode{Name: "at least once"}
	ExactlyOnce = Mode{Name: "exactly once", Exactly: true}
)

// Long says whether the whole of a suite was asked for (RDIP_LONG=1, which make crash, faults and soak set), and not
// the short, fixed part of make test.
func Long() bool { return os.Getenv("RDIP_LONG") == "1" }

// Run is RunBetween, configured for and judged by the mode.
func (m Mode) Run(t *testing.T, pg *pgserver.Server, kafka *kafkaserver.Cluster) *Run {
	t.Helper()
	r := RunBetween(t, pg, kafka)
	r.Mode = m
	if m.Exactly {
		r.Setup = r.With("connectors.shop.exactly.once.support", "required")
	}
	return r
}
