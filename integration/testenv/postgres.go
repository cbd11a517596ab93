package testenv

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/integration/testenv/component"
	"rdip/integration/testenv/pgserver"
)

// logLines is how much of a server's log a failed test prints.
const logLines = 60

// Postgres starts a server for this test alone (0.3 s), and ends it with the test. Options.Version must
// be given.
func Postgres(t testing.TB, o pgserver.Options) *pgserver.Server {
	t.Helper()
	Need(t, component.Postgres(o.Version))
	s, err := pgserver.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of PostgreSQL %d's log:\n%s", s.Version(), s.LogTail(logLines))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// SharedPostgres is this process's server of a major version, with the zero Options. Tests that stop,
// reconfigure or fill it want one of their own. The package's TestMain must call Main.
func SharedPostgres(t testing.TB, major int) *pgserver.Server {
	t.Helper()
	Need(t, component.Postgres(major))
	return shared(t, component.Postgres(major).Name, func() (*pgserver.Server, error) {
		return pgserver.Start(sharedContext, pgserver.Options{Version: major})
	})
}

// SharedExtensions is this process's server with PostGIS and pgvector, PostgreSQL 17. The package's TestMain must
// call Main.
func SharedExtensions(t testing.TB) *pgserver.Server {
	t.Helper()
	Need(t, component.PostgresExtensions())
	return shared(t, component.PostgresExtensions().Name, func() (*pgserver.Server, error) {
		return pgserver.Start(sharedContext, pgserver.Options{Extensions: true})
	})
}

// Database makes a database of its own for the test, and drops it with the test together with the
// replication slots that are in it.
func Database(t testing.TB, s *pgserver.Server) string {
	t.Helper()
	name := Name("db")
	if err := s.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := DropDatabase(s, name); err != nil && s.Running() {
			t.Error(err)
		}
	})
	return name
}

// DropDatabase drops a database together with the replication slots that are in it.
func DropDatabase(s *pgserver.Server, name string) error {
	err := s.Exec(sharedContext, pgserver.Superuser, `SELECT pg_terminate_backend(active_pid)
		FROM pg_replication_slots WHERE database = $1 AND active`, name)
	if err != nil {
		return err
	}
	err = s.Exec(sharedContext, pgserver.Superuser, `DO $$
		DECLARE slot name;
		BEGIN
			FOR slot IN SELECT slot_name FROM pg_replication_slots WHERE database = '`+name+`' LOOP
				FOR attempt IN 1..100 LOOP -- a walsender that was told to end needs a moment
					EXIT WHEN NOT (SELECT active FROM pg_replication_slots WHERE slot_name = slot);
					PERFORM pg_sleep(0.05);
				END LOOP;
				PERFORM pg_drop_replication_slot(slot);
			END LOOP;
		END $$`)
	if err != nil {
		return err
	}
	return s.Exec(sharedContext, pgserver.Superuser, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
}

// Standby makes a hot standby of a server (15 or later), and ends it with the test.
func Standby(t testing.TB, primary *pgserver.Server, settings map[string]string) *pgserver.Server {
	t.Helper()
	s, err := primary.Standby(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the standby's log:\n%s", s.LogTail(logLines))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Pooler is a PgBouncer before a server that needs no passwords, until the test ends.
func Pooler(t testing.TB, s *pgserver.Server, o pgserver.PoolerOptions) *pgserver.Pooler {
	t.Helper()
	Need(t, component.PgBouncer())
	p, err := s.Pooler(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}
