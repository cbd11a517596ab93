package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"rdip/internal/fault"
)

// Survey is what a connector's slot costs its server now, and the slots that seem to be nobody's. It is asked
// for while nothing reads the slot too.
type Survey struct {
	RetainedBytes int64 // -1 without the slot
	RetainLimit   int64 // max_slot_wal_keep_size in bytes, -1 for none
	Detail        string
	Orphans       []fault.Finding
	// Uncovered are tables that are chosen and that the publication has not: the log says nothing of them.
	Uncovered []fault.Finding
}

// LookAt surveys the server of a connector. inUse are the slots that any connector of this process has there,
// ours those that one had which is not configured any more.
func LookAt(ctx context.Context, cfg Config, inUse, ours []string) (Survey, error) {
	conn, err := cfg.connectSQL(ctx)
	if err != nil {
		return Survey{}, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	view, err := readView(ctx, conn, &cfg)
	if err != nil {
		return Survey{}, err
	}
	s := Survey{RetainedBytes: view.Retained, RetainLimit: view.Limit, Detail: view.Detail}
	if s.Orphans, err = orphanFindings(ctx, conn, append(slices.Clone(inUse), cfg.SlotName), ours); err != nil {
		return s, err
	}
	s.Uncovered, err = uncovered(ctx, conn, &cfg)
	return s, err
}

// orphanSQL finds logical slots of our plugin that nobody reads and whose name is ours: it is like that of
// slot.name's default, a connector of this process once had it, or a publication that rdip made names it.
// inactive_since is of 17.
const orphanSQL = `
SELECT s.slot_name, coalesce(s.database, ''), coalesce(to_jsonb(s) ->> 'inactive_since', ''), coalesce(s.wal_status, ''),
	coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, s.restart_lsn), 0)::bigint
FROM pg_replication_slots s
WHERE NOT s.active AND NOT s.temporary AND s.plugin = 'pgoutput' AND s.slot_name <> ALL ($1::text[])
	AND NOT coalesce((to_jsonb(s) ->> 'synced')::bool, false)
	AND (s.slot_name LIKE 'rdip%' OR s.slot_name = ANY ($2::text[])
		OR EXISTS (SELECT FROM pg_publication p WHERE obj_description(p.oid, 'pg_publication') = $3::text || s.slot_name))
ORDER BY s.slot_name`

// orphanFindings are the slots that look like ours and that nobody here uses: each keeps log until the disk is
// full or its limit is reached (P68). A standby's copies of a primary's slots are not theirs.
func orphanFindings(ctx context.Context, q querier, inUse, ours []string) ([]fault.Finding, error) {
	if ours == nil {
		ours = []string{}
	}
	return gather(ctx, q, "look for slots of nobody's", func(row pgx.CollectableRow) (fault.Finding, error) {
		var name, database, since, status string
		var retained int64
		if err := row.Scan(&name, &database, &since, &status, &retained); err != nil {
			return fault.Finding{}, err
		}
		seen := fmt.Sprintf("nobody reads it, no connector here has it, and it keeps %d bytes of log of the server (database %q, wal_status %s)", retained, database, status)
		if since != "" {
			seen += ", inactive since " + since
		}
		return fault.Finding{Severity: fault.Warning, Kind: fault.Preflight, Where: slotObject(name), Case: "P68", Seen: seen,
			Need: "a connector that reads it, or no slot", Fix: "if no other rdip has it: " + dropSQL(name)}, nil
	}, orphanSQL, inUse, ours, signature)
}
