package postgres

import (
	"context"
	"fmt"

	"rdip/internal/fault"
)

// standbySince is the version whose standbys decode the log.
const standbySince = 16

const standbySQL = `
SELECT current_setting('hot_standby_feedback')::bool, coalesce(current_setting('primary_slot_name', true), '')`

// standbyFindings are what a standby as the source needs (P53). Nothing can be written there: the publication and
// the tables' identities are the primary's, and heartbeats are not written; keepalives move the position.
func (c *Config) standbyFindings(ctx context.Context, q querier, s *server) ([]fault.Finding, error) {
	if !s.Standby || s.major() < standbySince {
		return nil, nil
	}
	var feedback bool
	var slot string
	if err := q.QueryRow(ctx, standbySQL).Scan(&feedback, &slot); err != nil {
		return nil, serverFault("read the standby's settings", "", err)
	}
	fs := []fault.Finding{{Severity: fault.Notice, Kind: fault.Preflight, Where: "PostgreSQL", Case: "P53",
		Seen: "the server is a standby: nothing is written there, no heartbeat either", Need: "nothing: the slot is made there, and moves on with the primary's log"}}
	if !feedback || slot == "" {
		fs = append(fs, fault.Finding{Severity: fault.Warning, Kind: fault.Preflight, Where: "standby", Case: "P53",
			Seen: fmt.Sprintf("hot_standby_feedback is %t and primary_slot_name is %q", feedback, slot),
			Need: "both, or the primary removes rows of its catalog that the slot needs, and the slot is invalidated",
			Fix:  "on the standby ALTER SYSTEM SET hot_standby_feedback = on; ALTER SYSTEM SET primary_slot_name = 'NAME' of a physical slot on the primary; SELECT pg_reload_conf()"})
	}
	if c.Failover {
		fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: "slot.failover", Case: "P60", Seen: "the server is a standby",
			Need: "the primary: a slot on a standby is not synchronized", Fix: "slot.failover: false, or set database.hostname to the primary"})
	}
	return fs, nil
}

// onStandby refuses what would have to be written, with the statement for the primary.
func (o *opening) onStandby(op, object, sql string) error {
	return &fault.Error{Kind: fault.Preflight, Op: op, Object: object, Permanent: true,
		Cause: fmt.Errorf("the server is a standby, where nothing can be written (P53)"), Hint: "on the primary: " + sql}
}

// standbySnapshotHint is what a slot on a standby waits for: a record of the primary's running transactions, which
// it writes now and then, and never while it is idle (LogStandbySnapshot).
const standbySnapshotHint = "on the primary: SELECT pg_log_standby_snapshot(), while this is tried again"
