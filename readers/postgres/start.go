package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"rdip/internal/fault"
)

// Backend messages of the copy that START_REPLICATION opens.
const (
	backendCopyBoth     = 'W'
	backendCopyData     = 'd'
	backendCopyDone     = 'c'
	backendComplete     = 'C'
	backendError        = 'E'
	backendNotice       = 'N'
	backendParameter    = 'S'
	backendReady        = 'Z'
	copyXLogData        = 'w'
	copyKeepalive       = 'k'
	xlogHeaderBytes     = 1 + 8 + 8 + 8 // 'w', start, end, time
	keepaliveBytes      = 1 + 8 + 8 + 1 // 'k', end, time, reply wanted
	receiveBufferBytes  = 1 << 20
	defaultMaxRowBytes  = 16 << 20
	startAnswerDeadline = 5 * time.Minute // the server reads log from restart_lsn on before some answers
)

// session is a replication connection in the middle of its copy.
type session struct {
	conn     net.Conn
	receiver *receiver
	framer   *framer
	timeout  time.Duration // the server's wal_sender_timeout, 0 for none
	dead     atomic.Bool   // the connection, or the server's end of it, is gone
}

// startCommand is START_REPLICATION with every name quoted: the slot as an identifier, the publication as
// an identifier in a list in a literal (P31). Without streaming, large transactions are left to the server,
// which spills them to its disk and sends them once they are committed.
func (c *Config) startCommand(from uint64) string {
	options := fmt.Sprintf("proto_version '%d', publication_names %s, messages 'true'", c.protocol(), quoteOption(quoteIdentifier(c.PublicationName)))
	if c.Streaming == StreamingOn {
		options += ", streaming 'on'"
	}
	if c.TwoPhase {
		options += ", two_phase 'on'"
	}
	if c.Origins == OriginNone {
		options += ", origin 'none'"
	}
	return fmt.Sprintf("START_REPLICATION SLOT %s LOGICAL %s (%s)", quoteIdentifier(c.SlotName), lsnText(from), options)
}

// start connects and begins to stream from a place. A slot that another process holds is tried again, as
// configured (P51).
func (s *streamer) start(ctx context.Context, from uint64) (*session, error) {
	for try := 0; ; try++ {
		got, err := s.startOnce(ctx, from)
		var state *stateError
		if err == nil || !errors.As(err, &state) || state.Code != stateObjectInUse || ctx.Err() != nil {
			return got, err
		}
		if try >= s.cfg.SlotMaxRetries {
			return nil, s.held(ctx, state)
		}
		timer := time.NewTimer(s.cfg.SlotRetryDelay)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
}

func (s *streamer) startOnce(ctx context.Context, from uint64) (*session, error) {
	conn, err := s.cfg.connect(ctx, true)
	if err != nil {
		return nil, err
	}
	got, err := s.take(ctx, conn)
	if err != nil {
		closeConn(conn)
		return nil, err
	}
	if err := s.open(ctx, got, from); err != nil {
		_ = got.conn.Close()
		return nil, err
	}
	return got, nil
}

// take asks what has to be known of the session and takes the socket from pgconn.
func (s *streamer) take(ctx context.Context, conn *pgconn.PgConn) (*session, error) {
	if err := s.same(ctx, conn); err != nil {
		return nil, err
	}
	timeout, err := senderTimeout(ctx, conn)
	if err != nil {
		return nil, serverFault("show wal_sender_timeout", "", err)
	}
	if err := conn.SyncConn(ctx); err != nil {
		return nil, lostConnection(err)
	}
	raw, err := conn.Hijack()
	if err != nil {
		return nil, lostConnection(err)
	}
	if err := raw.Conn.SetDeadline(time.Time{}); err != nil {
		return nil, lostConnection(err)
	}
	limit := s.cfg.MaxRowBytes
	if limit <= 0 {
		limit = defaultMaxRowBytes
	}
	rx := newReceiver(raw.Conn, s.wire)
	return &session{
		conn: raw.Conn, receiver: rx, timeout: timeout,
		framer: newFramer(rx, receiveBufferBytes, int(limit)+xlogHeaderBytes),
	}, nil
}

// same refuses another server, or another timeline, than was opened: a failover may lie between. The next attempt
// opens it, and judges (P60).
func (s *streamer) same(ctx context.Context, conn *pgconn.PgConn) error {
	if s.expect.Identifier == "" {
		return nil
	}
	now, err := identifySystem(ctx, conn)
	if err != nil {
		return err
	}
	if now.Identifier != s.expect.Identifier || now.Timeline != s.expect.Timeline {
		return &fault.Error{Op: "start replication from", Object: slotObject(s.cfg.SlotName),
			Cause: fmt.Errorf("the server is another than a moment ago: cluster %s on timeline %d, before %s on %d; it is judged anew", now.Identifier, now.Timeline, s.expect.Identifier, s.expect.Timeline)}
	}
	return nil
}

// senderTimeout is wal_sender_timeout as this session has it: it can be set for a role or a database.
func senderTimeout(ctx context.Context, conn *pgconn.PgConn) (time.Duration, error) {
	results, err := conn.Exec(ctx, "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'").ReadAll()
	if err != nil {
		return 0, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return 0, errors.New("the server does not know wal_sender_timeout")
	}
	ms, err := strconv.Atoi(string(results[0].Rows[0][0]))
	return time.Duration(ms) * time.Millisecond, err
}

// open sends START_REPLICATION and waits until the server has begun to copy.
func (s *streamer) open(ctx context.Context, got *session, from uint64) error {
	stop := context.AfterFunc(ctx, got.receiver.interrupt)
	defer stop()
	query, err := (&pgproto3.Query{String: s.cfg.startCommand(from)}).Encode(nil)
	if err != nil {
		return err
	}
	if err := got.conn.SetDeadline(time.Now().Add(startAnswerDeadline)); err != nil {
		return lostConnection(err)
	}
	if _, err := got.conn.Write(query); err != nil {
		return lostConnection(err)
	}
	for {
		typ, payload, err := got.framer.next()
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errWouldWait): // between a notice and the answer
		case err != nil:
			return lostConnection(err)
		case typ == backendCopyBoth:
			return got.conn.SetDeadline(time.Time{})
		case typ == backendError:
			return s.startFault(ctx, parseError(payload))
		}
	}
}

// parseError reads an ErrorResponse.
func parseError(payload []byte) *pgconn.PgError {
	var m pgproto3.ErrorResponse
	if err := m.Decode(payload); err != nil {
		return &pgconn.PgError{Message: "an error that cannot be read", Code: "XX000"}
	}
	return pgconn.ErrorResponseToPgError(&m)
}

// startFault is START_REPLICATION refused (P48 to P50). Whether the slot is gone or spoilt is asked from
// the catalog, since one SQLSTATE means several things and messages are translated.
func (s *streamer) startFault(ctx context.Context, e *pgconn.PgError) error {
	f := &fault.Error{Op: "start replication from", Object: slotObject(s.cfg.SlotName), Cause: said(e), Permanent: isPermanentState(e.Code)}
	switch e.Code {
	case stateUndefinedObject:
		return s.lost(f, "the slot does not exist any more")
	case stateUndefinedFile:
		return s.lost(f, "the log that the slot needs was removed")
	case stateNotInPrerequisite:
		if why := s.invalidation(ctx); why != "" {
			return s.lost(f, why)
		}
		f.Kind, f.Permanent = fault.Preflight, true
	}
	return f
}

// lost marks a fault as a lost position.
func (s *streamer) lost(f *fault.Error, why string) error {
	f.Kind, f.Permanent = fault.PositionLost, true
	f.Cause = fmt.Errorf("%s: %w", why, f.Cause)
	f.Hint = "what was written since is not in the slot: rdip offsets reset CONNECTOR --config FILE, and a new snapshot; nothing is skipped until then"
	return f
}

// invalidation is why the server gave the slot up, "" where it did not.
func (s *streamer) invalidation(ctx context.Context) string {
	if slot := s.look(ctx); slot != nil && slot.invalid() != "" {
		return slot.invalid() + "; it was confirmed up to " + lsnText(slot.Confirmed)
	}
	return ""
}

// held is a slot that another process still holds after every retry (P51, D7).
func (s *streamer) held(ctx context.Context, state *stateError) error {
	f := &fault.Error{Op: "start replication from", Object: slotObject(s.cfg.SlotName), Cause: state, Permanent: true,
		Hint: "stop the other process, or give this connector a slot.name of its own"}
	if slot := s.look(ctx); slot != nil && slot.ActivePID != 0 {
		f.Hint = fmt.Sprintf("PID %d holds it (%s): stop that process, or SELECT pg_terminate_backend(%d), or give this connector a slot.name of its own",
			slot.ActivePID, slot.ActiveBy, slot.ActivePID)
	}
	return f
}

// look is the slot as the catalog has it, nil where that cannot be learnt.
func (s *streamer) look(ctx context.Context) *slot {
	conn, err := s.cfg.connectSQL(ctx)
	if err != nil {
		return nil
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	found, err := readSlot(ctx, conn, s.cfg.SlotName)
	if err != nil {
		return nil
	}
	return found
}

func closeConn(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
