package readertest

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// Session is an application at work: each method is one statement. One goroutine uses it.
type Session struct {
	conn    Conn
	dialect *Dialect
	fail    func(format string, args ...any)
}

// newSession opens a session that ends with the test. A statement that fails is told to fail: t.Fatalf on
// the test's own goroutine, t.Errorf on another.
func newSession(t *testing.T, db Database, d *Dialect, fail func(format string, args ...any)) *Session {
	t.Helper()
	conn := db.Connect(t)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return &Session{conn: conn, dialect: d, fail: fail}
}

// Exec runs one statement of the database's own SQL.
func (s *Session) Exec(sql string) {
	if err := s.conn.Exec(context.Background(), sql); err != nil {
		s.fail("%v, in %.200s", err, sql)
	}
}

// Column is one column of a table.
type Column struct {
	Name string
	Type Type
}

func (s *Session) column(c Column) string {
	return s.dialect.Quote(c.Name) + " " + s.dialect.Types[c.Type]
}

// CreateTable makes a table whose first column, if keyed, is its primary key.
func (s *Session) CreateTable(name string, keyed bool, columns ...Column) {
	definitions := make([]string, len(columns))
	for i, c := range columns {
		definitions[i] = s.column(c)
	}
	if keyed {
		definitions[0] += " NOT NULL PRIMARY KEY"
	}
	s.Exec("CREATE TABLE " + s.dialect.Quote(name) + " (" + strings.Join(definitions, ", ") + ")")
}

// createPairs makes tables of an id, the key, and a text.
func (s *Session) createPairs(names ...string) {
	for _, name := range names {
		s.CreateTable(name, true, Column{"id", Int}, Column{"v", Text})
	}
}

// FullBefore has the log carry whole old rows of a table.
func (s *Session) FullBefore(table string) {
	if s.dialect.FullBefore != nil {
		s.Exec(s.dialect.FullBefore(s.dialect.Quote(table)))
	}
}

// Row is the values of a row in the order of its columns: int, string, or nil for NULL.
type Row []any

// Insert adds rows in one statement.
func (s *Session) Insert(table string, rows ...Row) {
	texts := make([]string, len(rows))
	for i, row := range rows {
		values := make([]string, len(row))
		for j, v := range row {
			values[j] = literal(v)
		}
		texts[i] = "(" + strings.Join(values, ", ") + ")"
	}
	s.Exec("INSERT INTO " + s.dialect.Quote(table) + " VALUES " + strings.Join(texts, ", "))
}

// Update sets one column of one row.
func (s *Session) Update(table string, id int, column string, value any) {
	s.Exec(fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s = %d", s.dialect.Quote(table), s.dialect.Quote(column), literal(value), s.dialect.Quote("id"), id))
}

// ChangeKey gives a row another key.
func (s *Session) ChangeKey(table string, from, to int) { s.Update(table, from, "id", to) }

// Delete removes one row.
func (s *Session) Delete(table string, id int) {
	s.Exec(fmt.Sprintf("DELETE FROM %s WHERE %s = %d", s.dialect.Quote(table), s.dialect.Quote("id"), id))
}

// Double adds a copy of every row of a table of pairs, with ids that are higher by that much.
func (s *Session) Double(table string, higher int) {
	id, v, name := s.dialect.Quote("id"), s.dialect.Quote("v"), s.dialect.Quote(table)
	s.Exec(fmt.Sprintf("INSERT INTO %s SELECT %s + %d, %s FROM %[1]s", name, id, higher, v))
}

// Truncate empties a table.
func (s *Session) Truncate(table string) { s.Exec("TRUNCATE TABLE " + s.dialect.Quote(table)) }

// AddColumn adds a nullable column behind the others.
func (s *Session) AddColumn(table string, c Column) {
	s.Exec("ALTER TABLE " + s.dialect.Quote(table) + " ADD " + s.column(c))
}

// DropColumn removes a column.
func (s *Session) DropColumn(table, column string) {
	s.Exec("ALTER TABLE " + s.dialect.Quote(table) + " DROP COLUMN " + s.dialect.Quote(column))
}

// Begin opens a transaction.
func (s *Session) Begin() { s.Exec(s.dialect.Begin) }

// Commit ends the transaction.
func (s *Session) Commit() { s.Exec(s.dialect.Commit) }

// Rollback takes the transaction back.
func (s *Session) Rollback() { s.Exec(s.dialect.Rollback) }

// Savepoint marks a place in the transaction.
func (s *Session) Savepoint(name string) { s.Exec(s.dialect.Savepoint(name)) }

// RollbackTo takes back what came after a savepoint.
func (s *Session) RollbackTo(name string) { s.Exec(s.dialect.RollbackTo(name)) }

// literal is a value in SQL. Texts hold no backslash, which databases read differently.
func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	default:
		return fmt.Sprint(v)
	}
}
