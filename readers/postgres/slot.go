package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"rdip/internal/fault"
)

// plugin is the output plugin, which every server from 10 on has.
const plugin = "pgoutput"

// slot is a replication slot as pg_replication_slots shows it.
type slot struct {
	Name      string
	Plugin    string // empty for a physical slot
	Database  string
	Temporary bool
	ActivePID int    // 0: nobody reads it
	ActiveBy  string // who reads it, for people
	Restart   uint64 // the oldest log that the server keeps for it
	Confirmed uint64 // everything before it was confirmed as delivered
	WALStatus string // reserved, extended, unreserved or lost
	SafeBytes int64  // log that can still be written before the slot is lost; -1 for no limit
	Reason    string // why it was invalidated; empty where it was not, or before 17
	Conflicts bool
	Retained  int64 // bytes of log kept for it
	TwoPhase  bool  // prepared transactions are sent at PREPARE
	Failover  bool  // it is synchronized to standbys (17 and later)
	Synced    bool  // this server synchronizes it from its primary
}

// slotSQL reads columns that only newer servers have through JSON, so that one statement serves all:
// conflicting is of 16, invalidation_reason of 17. A client's port is NULL to whom its address is not shown
// (pg_stat_get_activity), and -1 on a Unix socket.
const slotSQL = `
SELECT s.slot_name, coalesce(s.plugin, ''), coalesce(s.database, ''), s.temporary, coalesce(s.active_pid, 0),
	concat_ws(' ', nullif(a.application_name, ''), 'as', a.usename,
		CASE WHEN a.client_port IS NOT NULL THEN 'from ' || coalesce(host(a.client_addr), 'a local socket') END),
	coalesce(s.restart_lsn, '0/0')::text, coalesce(s.confirmed_flush_lsn, '0/0')::text,
	coalesce(s.wal_status, ''), coalesce(s.safe_wal_size, -1),
	coalesce(to_jsonb(s) ->> 'invalidation_reason', ''), coalesce(to_jsonb(s) ->> 'conflicting', 'false')::bool,
	coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, s.restart_lsn), 0)::bigint,
	coalesce(to_jsonb(s) ->> 'two_phase', 'false')::bool, coalesce(to_jsonb(s) ->> 'failover', 'false')::bool, coalesce(to_jsonb(s) ->> 'synced', 'false')::bool
FROM pg_replication_slots s LEFT JOIN pg_stat_activity a ON a.pid = s.active_pid
WHERE s.slot_name = $1::text`

// readSlot is the slot of that name, nil where there is none.
func readSlot(ctx context.Context, q querier, name string) (*slot, error) {
	s := &slot{}
	var restart, confirmed string
	err := q.QueryRow(ctx, slotSQL, name).Scan(&s.Name, &s.Plugin, &s.Database, &s.Temporary, &s.ActivePID, &s.ActiveBy,
		&restart, &confirmed, &s.WALStatus, &s.SafeBytes, &s.Reason, &s.Conflicts, &s.Retained, &s.TwoPhase, &s.Failover, &s.Synced)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		s.Restart, err = parseLSN(restart)
	}
	if err == nil {
		s.Confirmed, err = parseLSN(confirmed)
	}
	if err != nil {
		return nil, serverFault("read", slotObject(name), err)
	}
	return s, nil
}

func slotObject(name string) string { return fmt.Sprintf("slot %q", name) }

// dropSQL is how a person drops the slot.
func dropSQL(name string) string {
	return "SELECT pg_drop_replication_slot(" + quoteLiteral(name) + ")"
}

// invalidations is what the values of pg_replication_slots.invalidation_reason mean, and which setting decides.
var invalidations = map[string]string{
	"wal_removed":            ": the log that it needs was removed (max_slot_wal_keep_size)",
	"rows_removed":           ": the primary removed rows of its catalog that it needs (hot_standby_feedback was off, or the standby away without a physical slot)",
	"wal_level_insufficient": ": wal_level of the primary was lowered below logical",
	"idle_timeout":           ": nobody read it for long (idle_replication_slot_timeout)",
}

// invalid says why nothing can be read from the slot any more, "" where it can (P50).
func (s *slot) invalid() string {
	switch {
	case s.Reason != "":
		return "the server has invalidated it: invalidation_reason is " + s.Reason + invalidations[s.Reason]
	case s.Conflicts: // 16 says of such a slot that its log is lost, too
		return "the server has invalidated it in a conflict with recovery: the primary removed rows of its catalog that it needs (hot_standby_feedback was off, or the standby away without a physical slot), or its wal_level was lowered"
	case s.WALStatus == "lost":
		return "the server has invalidated it: the log that it needs was removed, wal_status is lost (max_slot_wal_keep_size)"
	default:
		return ""
	}
}

// foreign says why the slot cannot be this connector's, whatever the store knows; "" where it can be.
func (s *slot) foreign(database string) string {
	switch {
	case s.Plugin == "":
		return "it is a physical slot"
	case s.Plugin != plugin:
		return fmt.Sprintf("its plugin is %s, not %s", s.Plugin, plugin)
	case s.Database != database:
		return fmt.Sprintf("it belongs to database %q, not %q", s.Database, database)
	case s.Temporary:
		return "it is another session's temporary slot"
	default:
		return ""
	}
}

// releasePoll is how often a slot that is read by another is looked at: the walsender of a process that was
// killed lets go within moments.
const releasePoll = 250 * time.Millisecond

// awaitRelease waits until nobody reads the slot, as long as slot.max.retries times slot.retry.delay.ms (P51).
func (r *Reader) awaitRelease(ctx context.Context, q querier, s *slot) (*slot, error) {
	patience := time.Duration(r.cfg.SlotMaxRetries) * r.cfg.SlotRetryDelay
	began := time.Now()
	for s != nil && s.ActivePID != 0 {
		if time.Since(began) >= patience {
			return nil, &fault.Error{Op: "open", Object: slotObject(s.Name),
				Cause: fmt.Errorf("PID %d reads it (%s), and did so for %s", s.ActivePID, s.ActiveBy, patience),
				Hint:  fmt.Sprintf("stop that process, or SELECT pg_terminate_backend(%d), or set slot.name to a slot of this connector's own", s.ActivePID)}
		}
		if err := pause(ctx, min(r.cfg.SlotRetryDelay, releasePoll)); err != nil {
			return nil, err
		}
		var err error
		if s, err = readSlot(ctx, q, s.Name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Free waits until nobody reads the slot, and changes nothing (P51, D7). A slot that is not there, and a server that is a
// standby or another one, are for Open to judge.
func (r *Reader) Free(ctx context.Context) error {
	conn, err := r.cfg.connectSQL(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	s, err := readSlot(ctx, conn, r.cfg.SlotName)
	if err == nil {
		_, err = r.awaitRelease(ctx, conn, s)
	}
	return err
}

// pause waits, or returns what ended ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
