package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/snapshot"
)

// lane is one connection into the snapshot. It stays in one transaction from beginning to end, so that the
// ACCESS SHARE lock of every table that it has read is held until it closes (P69).
type lane struct {
	copier
	source *snapshotSource
	held   map[uint32]bool // leaves that are locked and were checked
}

// copier is a connection that copies rows, and the row that it lends to a Handler.
type copier struct {
	cfg   *Config
	conn  *copyConn
	row   envelope.Row
	event envelope.Event
}

// Lane opens one more connection into the snapshot.
func (s *snapshotSource) Lane(ctx context.Context) (snapshot.Lane, error) {
	conn, err := openCopy(ctx, s.cfg)
	if err != nil {
		return nil, err
	}
	for _, sql := range s.begin() {
		if err := conn.exec(ctx, sql); err != nil {
			_ = conn.close()
			return nil, s.gone(err)
		}
	}
	return &lane{copier: copier{cfg: s.cfg, conn: conn}, source: s, held: map[uint32]bool{}}, nil
}

// Close ends the transaction and the connection.
func (l *lane) Close(context.Context) error { return l.conn.close() }

// Read copies one range.
func (l *lane) Read(ctx context.Context, c snapshot.Chunk, h envelope.Handler) error {
	r, ok := c.Range.(ctidRange)
	if !ok {
		return &fault.Error{Op: "copy", Object: "table " + c.Table.ID(), Cause: fmt.Errorf("a chunk of %T is not PostgreSQL's", c.Range), Permanent: true}
	}
	if err := l.hold(ctx, r.part); err != nil {
		return err
	}
	if err := h.Table(r.part.layout); err != nil {
		return err
	}
	l.prepare(r.part.layout, l.source.consistent)
	var refused error
	err := l.conn.copy(ctx, r.copySQL(), func(line []byte) error {
		if err := splitCopyRow(line, l.row); err != nil {
			return err
		}
		refused = h.Row(&l.event)
		return refused
	}, func(large *oversizeError) error {
		if _, err := splitCopyHead(large.Head, l.row); err != nil {
			return err
		}
		refused = h.Refuse(r.part.layout, l.row, tooLargeFor(r.part.leaf, large))
		return refused
	})
	if refused != nil {
		return refused
	}
	return l.copyFault(ctx, r.part.leaf, err)
}

// tooLargeFor is why a row above max.row.bytes cannot be handed over (P70).
func tooLargeFor(t *table, large *oversizeError) error {
	return &fault.Error{Op: "copy", Object: "a row of table " + t.ID(), Cause: large.alone(), Permanent: true, Hint: fmt.Sprintf("max.row.bytes: %d, with memory for it", roundUp(large.Bytes))}
}

// prepare makes room for rows of a layout, of a state at a place.
func (l *copier) prepare(layout *envelope.Layout, place uint64) {
	n := len(layout.Table.Columns)
	if cap(l.row) < n {
		l.row = make(envelope.Row, n)
	}
	l.row = l.row[:n]
	l.event = envelope.Event{Op: envelope.Read, Layout: layout, After: l.row, Place: place}
}

// hold locks a part's table and makes sure that the snapshot can still see its rows (P69): a table that was
// rewritten or truncated since has its rows in another file, and reads as empty in an older snapshot.
func (l *lane) hold(ctx context.Context, p *part) error {
	if l.held[p.leaf.OID] {
		return nil
	}
	name := quoteTable(p.leaf.Schema, p.leaf.Name)
	if err := l.conn.exec(ctx, "LOCK TABLE ONLY "+name+" IN ACCESS SHARE MODE"); err != nil {
		return l.copyFault(ctx, p.leaf, err)
	}
	row := make(envelope.Row, 3)
	var same bool
	err := l.conn.copy(ctx, fmt.Sprintf(`COPY (SELECT to_regclass(%s)::oid = %d, c.relfilenode = pg_relation_filenode(c.oid), true
		FROM pg_class c WHERE c.oid = %[2]d) TO STDOUT`, quoteLiteral(name), p.leaf.OID), func(line []byte) error {
		err := splitCopyRow(line, row)
		same = err == nil && string(row[0].Wire) == "t" && string(row[1].Wire) == "t"
		return err
	}, nil)
	if err != nil {
		return l.copyFault(ctx, p.leaf, err)
	}
	if !same {
		return rewritten(p.leaf.ID(), errors.New("the snapshot is older, and no longer shows its rows"))
	}
	l.held[p.leaf.OID] = true
	return nil
}

// rewritten is a table that is not any more what was planned (P69): it has to be planned anew, which a snapshot of a
// later moment does.
func rewritten(id string, cause error) error {
	return &fault.Error{Op: "copy", Object: "table " + id, Cause: fmt.Errorf("%w: %w", snapshot.ErrRewritten, cause), Hint: "nothing: the table is planned and read again, and the slot keeps what happens meanwhile"}
}

// copyFault says why a table could not be read.
func (l *copier) copyFault(ctx context.Context, t *table, err error) error {
	var server *pgconn.PgError
	object := "table " + t.ID()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return err
	case !errors.As(err, &server):
		return &fault.Error{Op: "copy", Object: object, Cause: err}
	}
	f := &fault.Error{Op: "copy", Object: object, Cause: said(server), Permanent: isPermanentState(server.Code)}
	switch server.Code {
	case "42P01", "42703", "3F000": // the table, a column or the schema is gone
		return rewritten(t.ID(), said(server))
	case stateLockNotAvailable:
		f.Hint = "end the transaction that has locked the table (ALTER TABLE, VACUUM FULL), or raise snapshot.lock.timeout.ms"
	case stateNoPrivilege:
		f.Kind, f.Hint = fault.Preflight, fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %[3]s; GRANT SELECT ON %[2]s TO %[3]s; where row-level security hides rows (P63): ALTER ROLE %[3]s BYPASSRLS",
			quoteIdentifier(t.Schema), quoteTable(t.Schema, t.Name), quoteIdentifier(l.cfg.User))
	}
	return f
}
