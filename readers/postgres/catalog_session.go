package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// sessionIdle is how long the catalog's session may lie unused and still be trusted: what lies between may
// have forgotten it, and a new one costs little beside a table's change.
const sessionIdle = 30 * time.Second

// catalogSession is the SQL session that the catalog asks while the log is streamed. It connects when it
// is first needed, and anew when it was idle or has failed. It is used by one goroutine.
type catalogSession struct {
	cfg  *Config
	conn *pgx.Conn
	used time.Time
}

// Query is pgx's, on a session that works.
func (s *catalogSession) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := s.ready(ctx); err != nil {
		return failedRows{err}, err
	}
	return s.conn.Query(ctx, sql, args...)
}

// QueryRow is pgx's, on a session that works.
func (s *catalogSession) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := s.ready(ctx); err != nil {
		return failedRows{err}
	}
	return s.conn.QueryRow(ctx, sql, args...)
}

func (s *catalogSession) ready(ctx context.Context) error {
	if s.conn != nil && !s.conn.IsClosed() && time.Since(s.used) < sessionIdle {
		s.used = time.Now()
		return nil
	}
	s.close()
	conn, err := s.cfg.connectSQL(ctx)
	if err != nil {
		return err
	}
	s.conn, s.used = conn, time.Now()
	return nil
}

func (s *catalogSession) close() {
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx)
	s.conn = nil
}

// failedRows is the answer to a query that could not be asked.
type failedRows struct{ err error }

func (r failedRows) Close()                                       {}
func (r failedRows) Err() error                                   { return r.err }
func (r failedRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (r failedRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (r failedRows) Next() bool                                   { return false }
func (r failedRows) Scan(...any) error                            { return r.err }
func (r failedRows) Values() ([]any, error)                       { return nil, r.err }
func (r failedRows) RawValues() [][]byte                          { return nil }
func (r failedRows) Conn() *pgx.Conn                              { return nil }
func (r failedRows) TypeMap() *pgtype.Map                         { return nil }
