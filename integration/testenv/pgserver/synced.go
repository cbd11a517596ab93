package pgserver

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// SyncedSlot watches a failover slot (17 and later) on its way to a standby, which has hot_standby_feedback.
type SyncedSlot struct {
	Primary, Standby *Server
	Name             string
	covered          string // a place in the log from which on the primary keeps what the slot needs
}

// IsSafe says whether the slot is on the standby for good. One that has just been synchronized is not: until the
// standby's next feedback has arrived (wal_receiver_status_interval) the primary still prunes rows of its catalogs that
// the standby's slot needs, and the standby, once it has replayed that, invalidates the slot and makes it again, which
// works only once the primary's own slot has moved on. So the primary has to keep the slot's rows, and what it had
// written up to then has to be replayed.
func (w *SyncedSlot) IsSafe(ctx context.Context) (bool, error) {
	standby, err := w.Standby.Connect(ctx, Superuser)
	if err != nil {
		return false, err
	}
	defer standby.Close(ctx)
	var needs, replayed string
	err = standby.QueryRow(ctx, `SELECT catalog_xmin::text, pg_last_wal_replay_lsn()::text FROM pg_replication_slots
		WHERE slot_name = $1 AND synced AND NOT temporary AND invalidation_reason IS NULL`, w.Name).Scan(&needs, &replayed)
	if errors.Is(err, pgx.ErrNoRows) {
		w.covered = ""
		return false, nil
	}
	if err != nil {
		return false, err
	}
	primary, err := w.Primary.Connect(ctx, Superuser)
	if err != nil {
		return false, err
	}
	defer primary.Close(ctx)
	var keeps, safe bool
	var end string
	err = primary.QueryRow(ctx, `SELECT coalesce(age(catalog_xmin) >= age($1::xid), false), pg_current_wal_insert_lsn()::text,
		coalesce(nullif($2, '')::pg_lsn <= $3::pg_lsn, false) FROM pg_replication_slots WHERE slot_name = $4`,
		needs, w.covered, replayed, StandbyName).Scan(&keeps, &end, &safe)
	if w.covered == "" && keeps {
		w.covered = end
	}
	return safe, err
}
