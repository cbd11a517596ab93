package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// watermarkPrefix is the prefix of the logical messages that mark places of the log. Their content is the slot.
const watermarkPrefix = "rdip.watermark"

// markTime bounds how long a mark may take; its commit waits for the local flush only.
const markTime = 30 * time.Second

// marker writes logical messages on a session of its own.
type marker struct {
	cfg *Config

	mu   sync.Mutex
	conn *pgx.Conn
}

// Mark is a place behind everything that was committed before: the end of a logical message's record, whose own
// commit lies behind it (LogLogicalMessage in message.c). The message is transactional, so that its commit is
// flushed at once and reaches the stream, which has then passed the place.
//
// On a standby, which cannot write, it is the replayed place: the log is decoded only up to there
// (logical_read_xlog_page in walsender.c). The stream may be there already with nothing to follow, so that the
// server is asked for a keepalive, with which the stream passes the place once more.
func (l *live) Mark(ctx context.Context) (uint64, error) {
	place, _, err := l.mark(ctx)
	return place, err
}

func (l *live) mark(ctx context.Context) (place uint64, standby bool, err error) {
	l.marks.mu.Lock()
	defer l.marks.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, markTime)
	defer cancel()
	used := l.marks.conn != nil
	place, standby, err = l.marks.mark(ctx)
	if err != nil && used && ctx.Err() == nil { // the session may have been lost since it was used last
		l.marks.drop()
		place, standby, err = l.marks.mark(ctx)
	}
	if err != nil {
		l.marks.drop()
		return 0, false, serverFault("mark a place in the log of", l.cfg.object(), err)
	}
	if standby {
		l.r.wire.await(place)
	}
	return place, standby, nil
}

const markSQL = `SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
	ELSE pg_catalog.pg_logical_emit_message(true, $1::text, $2::text) END::text, pg_catalog.pg_is_in_recovery()`

func (m *marker) mark(ctx context.Context) (place uint64, standby bool, err error) {
	if m.conn == nil || m.conn.IsClosed() {
		conn, err := m.cfg.connectSQL(ctx)
		if err != nil {
			return 0, false, err
		}
		m.conn = conn
		// Were rdip a synchronous standby itself, the commit would wait for its own confirmation.
		if _, err := conn.Exec(ctx, "SET synchronous_commit = local; SET default_transaction_read_only = off", pgx.QueryExecModeSimpleProtocol); err != nil {
			return 0, false, err
		}
	}
	var text string
	if err := m.conn.QueryRow(ctx, markSQL, watermarkPrefix, m.cfg.SlotName).Scan(&text, &standby); err != nil {
		return 0, false, err
	}
	place, err = parseLSN(text)
	return place, standby, err
}

func (m *marker) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop()
}

// drop ends the session, so that the next mark begins with a new one. The caller holds mu.
func (m *marker) drop() {
	if m.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = m.conn.Close(ctx)
	m.conn = nil
}
