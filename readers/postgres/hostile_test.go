package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
	"rdip/readers"
	"rdip/schema"
)

// hostileNames is what PostgreSQL takes as a name and careless code does not.
var hostileNames = []string{
	`a"b'c\d`, "two\nlines\r\n", "a\ttab", "🐘 elephant", `%s%d%[2]s`, `$1`, `x'; DROP TABLE t; --`, `\N`, `\.`, `a.b`, `"`, `""`, `'`, `\`,
	" ", "select", "1", "$$", "{a,b}", "/*", strings.Repeat("é", 31) + "x", strings.Repeat(`"`, 63),
}

// hostileDatabase makes a database of that name and gives its connector, whose publication has that name too.
func hostileDatabase(t *testing.T, major int, name string) *openServer {
	t.Helper()
	server := testenv.SharedPostgres(t, major)
	s := newOpenServer(t, server, "")
	plain := s.cfg.Database
	rename := func(from, to string) {
		t.Helper()
		conn, err := server.Connect(context.Background(), pgserver.Superuser)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(context.Background()) }()
		for _, sql := range []string{
			"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = " + quoteLiteral(from),
			"ALTER DATABASE " + quoteIdentifier(from) + " RENAME TO " + quoteIdentifier(to),
		} {
			if _, err := conn.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
		}
	}
	rename(plain, name)
	t.Cleanup(func() { rename(name, plain) })
	s.cfg.Database, s.cfg.PublicationName, s.cfg.Prefix = name, name, name
	conn, err := s.cfg.connectSQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	s.sql = conn
	return s
}

// P31: names of databases, publications, schemas, tables, columns and types are never code: what PostgreSQL
// takes as a name goes through the preflight, the snapshot, the stream and a resumption.
func TestEveryNameThatPostgreSQLTakesIsCaptured(t *testing.T) {
	for _, major := range []int{14, 18} {
		for _, database := range []string{`a"b'c\d`, "é\n🐘 %s ';--"} {
			t.Run(fmt.Sprintf("PostgreSQL %d, database %q", major, database), func(t *testing.T) {
				s := hostileDatabase(t, major, database)
				s.exec(t, "CREATE SCHEMA types")
				var tables []string
				for _, n := range hostileNames {
					q := quoteIdentifier(n)
					s.exec(t, "CREATE SCHEMA "+q)
					s.exec(t, fmt.Sprintf("CREATE TYPE types.%s AS ENUM (%s)", q, quoteLiteral(n)))
					s.exec(t, fmt.Sprintf("CREATE TABLE %[1]s.%[1]s (%[1]s int PRIMARY KEY, v types.%[1]s NOT NULL DEFAULT %[2]s)", q, quoteLiteral(n)))
					s.exec(t, fmt.Sprintf("INSERT INTO %[1]s.%[1]s VALUES (1)", q))
					tables = append(tables, n)
				}
				if err := fault.Findings(s.reader(t).Check(t.Context())).Err(); err != nil {
					t.Fatal(err)
				}
				r, resume := s.open(t, readers.Stored{})
				got := copied(t, r, 2).rows
				for _, n := range tables {
					if rows := got[schema.TableID(n, n)]; !slices.Equal(rows, []string{"r 1," + n}) {
						t.Errorf("the snapshot of %q has %q", n, rows)
					}
				}
				if len(got) != len(tables) {
					t.Errorf("%d tables were copied, not %d", len(got), len(tables))
				}
				var want []string
				for _, n := range tables {
					q, id := quoteIdentifier(n), schema.TableID(n, n)
					s.exec(t, fmt.Sprintf("UPDATE %[1]s.%[1]s SET %[1]s = 2; DELETE FROM %[1]s.%[1]s; TRUNCATE %[1]s.%[1]s", q))
					want = append(want, fmt.Sprintf("u %s key(1,~) after(2,%s)", id, n), fmt.Sprintf("d %s key(2,~)", id), "t "+id)
				}
				if stream := s.streamed(t, r, resume.From); !slices.Equal(stream, want) {
					t.Errorf("the stream has\n%q\nwant\n%q", stream, want)
				}
				again, _ := s.open(t, readers.Stored{Identity: resume.Identity, Position: resume.From, SnapshotDone: true})
				if err := (&heartbeat{cfg: again.cfg, every: 1}).beat(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
