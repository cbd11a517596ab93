package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rdip/internal/fault"
	"rdip/schema"
)

// checkPredicate asks the server whether text is one condition on the table. It is put between parentheses later,
// so it must not get out of them: it is parsed between two kinds of brackets, and no text leaves both. A statement
// that is prepared is a single one (exec_parse_message in postgres.c).
func checkPredicate(ctx context.Context, conn *pgx.Conn, u *unit, text string) error {
	for _, sql := range []string{
		"SELECT ARRAY[" + text + "\n]::pg_catalog.bool[] FROM " + u.from(),
		"SELECT FROM " + u.from() + " WHERE (" + text + "\n)",
	} {
		described, err := conn.PgConn().Prepare(ctx, "", sql, nil)
		if err == nil && len(described.ParamOIDs) > 0 {
			err = errors.New("it has a parameter ($1)")
		}
		if err != nil && ctx.Err() == nil && !conn.IsClosed() {
			return &fault.Error{Kind: fault.Configuration, Op: "plan the snapshot of", Object: "table " + u.ID(), Cause: serverCause(err), Permanent: true,
				Hint: "give a condition on the table's columns, as it would stand behind WHERE; functions and types outside pg_catalog with their schema"}
		}
		if err != nil {
			return serverFault("plan the snapshot of", "table "+u.ID(), err)
		}
	}
	return nil
}

// checkKeyValues asks the server whether values can be keys of the table, before anything is stored of them.
func (l *live) checkKeyValues(ctx context.Context, t *liveTable, keys [][]string) error {
	if err := checkKeys(t.layout.Table, keys); err != nil {
		return err
	}
	for _, key := range keys {
		for i, v := range key {
			var text *string
			err := l.catalog.QueryRow(ctx, "SELECT ($1::text::"+t.key[i].cast+")::text", v).Scan(&text)
			if err == nil {
				continue
			}
			var server *pgconn.PgError
			if !errors.As(err, &server) || l.catalog.conn.IsClosed() {
				return serverFault("read keys of", "table "+t.unit.ID(), err)
			}
			return &fault.Error{Kind: fault.Configuration, Op: "read keys of", Object: "table " + t.unit.ID(), Cause: serverCause(err), Permanent: true,
				Hint: "give values of the columns " + keyTypes(t.layout.Table)}
		}
	}
	return nil
}

func keyTypes(t *schema.Table) string {
	text := ""
	for i, at := range t.Key {
		if i > 0 {
			text += ", "
		}
		text += t.Columns[at].Name + " (" + t.Columns[at].SourceType + ")"
	}
	return text
}

// serverCause is what the server said, in the words that are for everybody.
func serverCause(err error) error {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return said(server)
	}
	return err
}

// fieldNames are the columns of a statement.
func fieldNames(d *pgconn.StatementDescription) []string {
	names := make([]string, len(d.Fields))
	for i, f := range d.Fields {
		names[i] = f.Name
	}
	return names
}
