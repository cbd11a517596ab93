package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"rdip/envelope"
)

// backendCopyOut is the answer to COPY TO STDOUT: its format, and that of each column.
const backendCopyOut = 'H'

// copyBufferBytes is the buffer of a COPY connection as long as no row needs more.
const copyBufferBytes = 256 << 10

// copyPeekBytes is how much is read of a row above max.row.bytes: its first columns, which mostly are its key.
const copyPeekBytes = 8 << 10

// copyConn is a connection whose bytes are read in place. It knows as much of the simple query protocol as
// the snapshot needs: statements, and COPY TO STDOUT
// (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY). One goroutine uses it; after
// an error that is not the server's own it can only be closed.
type copyConn struct {
	conn   net.Conn
	frames *framer
	out    []byte
}

// openCopy connects as connectSQL does and takes the connection over.
func openCopy(ctx context.Context, cfg *Config) (*copyConn, error) {
	pg, err := cfg.connect(ctx, false)
	if err != nil {
		return nil, err
	}
	watchClient(ctx, pg)
	if err := pg.SyncConn(ctx); err != nil {
		_ = pg.Close(ctx)
		return nil, serverFault("connect to", cfg.object(), err)
	}
	taken, err := pg.Hijack()
	if err != nil {
		_ = pg.Close(ctx)
		return nil, serverFault("connect to", cfg.object(), err)
	}
	limit := cfg.MaxRowBytes
	if limit <= 0 {
		limit = defaultMaxRowBytes
	}
	frames := newFramer(taken.Conn, copyBufferBytes, int(limit))
	frames.peek = copyPeekBytes
	return &copyConn{conn: taken.Conn, frames: frames}, nil
}

// watchClient has the server end a statement within seconds whose reader is gone, by a kill or because its table was
// stopped: otherwise it would keep its lock, and the snapshot that holds vacuum up, until it had a row to send. Not
// every platform of a server can (check_client_connection_check_interval in postgres.c), which is no fault.
func watchClient(ctx context.Context, pg *pgconn.PgConn) {
	_ = pg.Exec(ctx, "SET client_connection_check_interval = '2s'").Close()
}

// exec runs statements that return nothing of interest.
func (c *copyConn) exec(ctx context.Context, sql string) error {
	return c.run(ctx, sql, func([]byte) error { return nil }, nil)
}

// copy runs COPY TO STDOUT and hands over its rows, each with its newline. They are borrowed until each
// returns, and may be written to. Of a row above max.row.bytes the beginning is handed to large, in its turn; the rest
// of it is passed over, without memory for it (P70). An error of each or large is returned as it is.
func (c *copyConn) copy(ctx context.Context, sql string, each func(line []byte) error, large func(*oversizeError) error) error {
	return c.run(ctx, sql, each, large)
}

// row is the one row of a query, as texts; NULL is "".
func (c *copyConn) row(ctx context.Context, query string, columns int) ([]string, error) {
	return c.rowBehind(ctx, "", query, columns)
}

// rowBehind is row behind statements that are sent with it, in one exchange. They end with a semicolon each.
func (c *copyConn) rowBehind(ctx context.Context, statements, query string, columns int) ([]string, error) {
	values := make(envelope.Row, columns)
	var texts []string
	err := c.copy(ctx, statements+"COPY ("+query+") TO STDOUT", func(line []byte) error {
		if err := splitCopyRow(line, values); err != nil {
			return err
		}
		texts = make([]string, columns)
		for i, v := range values {
			texts[i] = string(v.Wire)
		}
		return nil
	}, nil)
	if err == nil && texts == nil {
		texts = make([]string, columns)
	}
	return texts, err
}

func (c *copyConn) run(ctx context.Context, sql string, each func(line []byte) error, large func(*oversizeError) error) error {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := c.send('Q', sql); err != nil {
		return lost(ctx, err)
	}
	var failed error
	for {
		typ, payload, err := c.frames.next()
		if err != nil {
			if err := c.tooLong(err, large); err != nil {
				return lost(ctx, err)
			}
			continue
		}
		switch typ {
		case backendCopyData: // always one per row, says the protocol's documentation
			if err := each(payload); err != nil {
				return err
			}
		case backendCopyOut:
			if len(payload) < 1 || payload[0] != 0 {
				return errors.New("the server sends COPY in another format than text")
			}
		case backendError:
			failed = parseError(payload)
		case backendReady:
			return failed
		}
	}
}

// tooLong hands over the beginning of a row above the limit, and has the rest of it passed over; any other error it
// gives back.
func (c *copyConn) tooLong(err error, large func(*oversizeError) error) error {
	var row *oversizeError
	if large == nil || !errors.As(err, &row) || row.Type != backendCopyData {
		return err
	}
	if err := large(row); err != nil {
		return err
	}
	c.frames.discard()
	return nil
}

// lost is what ended ctx, where that is why reading or writing failed.
func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// send writes one message with a text that ends in a NUL byte.
func (c *copyConn) send(typ byte, text string) error {
	c.out = append(c.out[:0], typ, 0, 0, 0, 0)
	c.out = append(c.out, text...)
	c.out = append(c.out, 0)
	binary.BigEndian.PutUint32(c.out[1:], uint32(len(c.out)-1))
	_, err := c.conn.Write(c.out)
	return err
}

// goodbyeTimeout bounds the farewell to a server that may be gone.
const goodbyeTimeout = time.Second

// close says goodbye, which matters to nobody but the server's log, and closes the connection.
func (c *copyConn) close() error {
	_ = c.conn.SetDeadline(time.Now().Add(goodbyeTimeout))
	_, _ = c.conn.Write([]byte{'X', 0, 0, 0, 4})
	return c.conn.Close()
}
