package postgres

import (
	"maps"
	"slices"
	"testing"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
)

// What decides how values become text has to arrive at the server. A pooler refuses settings of the startup packet, or
// drops them without a word where it is told to; then the database's own would be in force.
func TestAPoolerIsRefusedByNameWhateverItDoesWithOurSettings(t *testing.T) { // P64
	server := testenv.SharedPostgres(t, 15)
	s := newLogServer(t, server, "")
	s.exec(t, "ALTER DATABASE "+quoteIdentifier(s.db)+" SET extra_float_digits = -5")
	ours := slices.DeleteFunc(slices.Collect(maps.Keys(sessionSettings)), func(name string) bool {
		return slices.Contains([]string{"client_encoding", "DateStyle", "TimeZone"}, name) // which it passes on
	})
	for _, mode := range []string{"session", "transaction"} {
		for name, c := range map[string]struct {
			ignored []string
			seen    string
		}{
			"that refuses them": {nil, "unsupported startup parameter"},
			"that drops them":   {ours, "extra_float_digits is -5, not 3"},
		} {
			t.Run(mode+" pooling "+name, func(t *testing.T) {
				cfg := *s.cfg
				cfg.Hostname, cfg.Port = "127.0.0.1", testenv.Pooler(t, server, pgserver.PoolerOptions{Mode: mode, Ignored: c.ignored}).Port()
				_, err := cfg.connectSQL(t.Context())
				expectFault(t, err, fault.Preflight, true, c.seen, cfg.address(), "set database.hostname and database.port to PostgreSQL itself")
				_, err = cfg.connect(t.Context(), true)
				expectFault(t, err, fault.Preflight, true, "set database.hostname and database.port to PostgreSQL itself")
			})
		}
	}
}
