package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// heartbeatPrefix is the prefix of the logical messages that heartbeats are. Their content is the slot.
const heartbeatPrefix = "rdip.heartbeat"

func isHeartbeat(m logicalMessage, slot string) bool {
	return string(m.Prefix) == heartbeatPrefix && string(m.Content) == slot
}

// heartbeat writes a logical message when the captured tables have been idle for an interval, so that the
// slot advances and the server can let log go while the rest of it is busy (P43).
//
// The message is transactional: it takes a transaction id and with it a commit record
// (LogLogicalMessage in message.c), so that it is flushed at once and reaches us as a transaction, whose
// end is a position. One that is not transactional would lie unflushed until somebody commits.
type heartbeat struct {
	cfg   *Config
	every time.Duration
	wire  *progress

	conn    *pgx.Conn
	written uint64 // heartbeats written
}

// run writes heartbeats until ctx ends. A failure is kept for status and tried again at the next interval:
// a stream that reads well is not ended for it.
func (h *heartbeat) run(ctx context.Context) {
	defer h.close()
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	rows := h.wire.rows.Load()
	seen := h.wire.beats.Load()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := h.wire.rows.Load()
		idle := now == rows
		rows = now
		if !idle || h.pending(seen) {
			continue
		}
		h.wire.heartbeat.Store(problem(h.beat(ctx)))
	}
}

// pending: a heartbeat that was written has not come back yet, so another would tell nothing more.
func (h *heartbeat) pending(seen uint64) bool { return h.wire.beats.Load()-seen < h.written }

// beat writes one message, and runs the configured statement. On a standby, which cannot write, it does
// nothing: the log there is moved on by the primary's own heartbeats, and by keepalives.
func (h *heartbeat) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(h.every, 10*time.Second))
	defer cancel()
	if err := h.connect(ctx); err != nil {
		return err
	}
	var standby bool
	if err := h.conn.QueryRow(ctx, "SELECT pg_catalog.pg_is_in_recovery()").Scan(&standby); err != nil || standby {
		return h.failed(err)
	}
	if _, err := h.conn.Exec(ctx, "SELECT pg_catalog.pg_logical_emit_message(true, $1::text, $2::text)", heartbeatPrefix, h.cfg.SlotName); err != nil {
		return h.failed(err)
	}
	h.written++
	if h.cfg.HeartbeatActionQuery == "" {
		return nil
	}
	_, err := h.conn.Exec(ctx, h.cfg.HeartbeatActionQuery, pgx.QueryExecModeSimpleProtocol)
	return h.failed(err)
}

// connect opens the session. Its commits wait for the local flush only: were rdip a synchronous standby
// itself, a heartbeat would wait for its own confirmation.
func (h *heartbeat) connect(ctx context.Context) error {
	if h.conn != nil && !h.conn.IsClosed() {
		return nil
	}
	conn, err := h.cfg.connectWithout(ctx, "search_path") // the statement is the user's, and names tables as the role sees them
	if err != nil {
		return err
	}
	h.conn = conn
	_, err = conn.Exec(ctx, "SET synchronous_commit = local; SET default_transaction_read_only = off", pgx.QueryExecModeSimpleProtocol)
	return h.failed(err)
}

// failed drops the session after an error, so that the next interval begins with a new one.
func (h *heartbeat) failed(err error) error {
	if err == nil {
		return nil
	}
	h.close()
	return serverFault("write a heartbeat", "", err)
}

func (h *heartbeat) close() {
	if h.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = h.conn.Close(ctx)
	h.conn = nil
}

func problem(err error) *string {
	if err == nil {
		return nil
	}
	text := err.Error()
	return &text
}
