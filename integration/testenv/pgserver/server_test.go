package pgserver

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"rdip/integration/testenv/component"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func need(t *testing.T, major int) {
	t.Helper()
	if _, err := component.Postgres(major).Path(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	need(t, o.Version)
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func ask(t *testing.T, dsn, sql string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	var answer string
	return answer, conn.QueryRow(ctx, sql).Scan(&answer)
}

func TestEveryVersionStartsReadyForLogicalDecodingAndLeavesNothing(t *testing.T) {
	for _, major := range component.PostgresMajors {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			need(t, major)
			s, err := Start(t.Context(), Options{Version: major})
			if err != nil {
				t.Fatal(err)
			}
			p := s.process()
			got, err := ask(t, s.DSN(Superuser, Superuser),
				"SELECT current_setting('server_version_num')::int/10000 || ' ' || current_setting('wal_level')")
			if want := fmt.Sprintf("%d logical", major); err != nil || got != want {
				t.Errorf("the server says %q (%v), want %q", got, err, want)
			}
			err = s.Exec(t.Context(), Superuser, "SELECT pg_create_logical_replication_slot('s','pgoutput')")
			if err != nil {
				t.Errorf("no slot: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if p.Running() {
				t.Error("the postmaster still runs")
			}
			if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
				t.Errorf("%s is still there: %v", s.dir, err)
			}
		})
	}
}

func TestARestartAndACrashKeepPortAndCommittedRows(t *testing.T) {
	s := start(t, Options{Version: 18})
	port := s.Port()
	if err := s.CreateDatabase(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(t.Context(), "shop", "CREATE TABLE t(n int); INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	s.Configure(map[string]string{"wal_sender_timeout": "3s"})
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(t.Context(), "shop", "INSERT INTO t VALUES ($1)", 2); err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func() error{"Kill": s.Kill, "Crash": s.Crash} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if s.Running() {
			t.Fatalf("it runs after %s", name)
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ask(t, s.DSN(Superuser, "shop"), "SELECT count(*) || ' ' || current_setting('wal_sender_timeout') FROM t")
	if err != nil || got != "2 3s" {
		t.Errorf("after a crash the server says %q (%v), want %q", got, err, "2 3s")
	}
	if s.Port() != port {
		t.Errorf("port %d became %d", port, s.Port())
	}
}

func TestFreshClustersHaveSystemIdentifiersOfTheirOwn(t *testing.T) {
	const sql = "SELECT system_identifier::text FROM pg_control_system()"
	seen := map[string]bool{}
	for range 2 {
		s := start(t, Options{Version: 18, Fresh: true})
		id, err := ask(t, s.SocketDSN(Superuser, Superuser), sql)
		if err != nil {
			t.Fatal(err)
		}
		seen[id] = true
	}
	if len(seen) != 2 {
		t.Errorf("two fresh clusters share the identifier %v", seen)
	}
}

func TestTLSAndPasswordsAreAskedFor(t *testing.T) {
	s := start(t, Options{Version: 18, TLS: true, CertUsers: []string{"badge"}})
	ctx := t.Context()
	if err := s.CreateUser(ctx, "cdc", "it's secret", "REPLICATION"); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateUser(ctx, "badge", "", ""); err != nil {
		t.Fatal(err)
	}
	const sql = "SELECT current_user || ' ' || ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
	plain := strings.Replace(s.DSN("cdc", Superuser), "sslmode=verify-full", "sslmode=disable", 1)
	wrong := strings.Replace(s.DSN("cdc", Superuser), "it%27s%20secret", "guess", 1)
	cases := []struct{ name, dsn, want, fails string }{
		{"a password over verified TLS is let in", s.DSN("cdc", Superuser), "cdc true", ""},
		{"a client certificate is let in", s.DSN("badge", Superuser), "badge true", ""},
		{"the superuser has a password too", s.DSN(Superuser, Superuser), "postgres true", ""},
		{"a wrong password is refused", wrong, "", "28P01"},
		{"a session without TLS is refused", plain, "", "28000"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := ask(t, c.dsn, sql)
			if c.fails == "" && (err != nil || got != c.want) {
				t.Errorf("got %q (%v), want %q", got, err, c.want)
			}
			if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("got %q, %v; want SQLSTATE %s", got, err, c.fails)
			}
		})
	}
	path, err := s.PasswordFile("cdc")
	if err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "it's secret" {
		t.Errorf("the password file holds %q (%v)", content, err)
	}
}

func TestASettingThatIsWrongFailsWithTheServersOwnWords(t *testing.T) {
	need(t, 18)
	_, err := Start(t.Context(), Options{Version: 18, Settings: map[string]string{"wal_level": "verbose"}})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "wal_level": "verbose"`) {
		t.Errorf("got %v", err)
	}
}
