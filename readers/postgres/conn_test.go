package postgres

import (
	"context"

	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"rdip/configs"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
)

// elsewhere reaches the same server by an address that is not in its certificate.
const elsewhere = "0.0.0.0"

const canary = "canary-5up3r-s3cret"

// refusedBy connects and expects an error, in which the password must not be.
func refusedBy(t *testing.T, cfg *Config) error {
	t.Helper()
	for _, replication := range []bool{true, false} {
		if conn, err := cfg.connect(t.Context(), replication); err == nil {
			closeConn(conn)
			t.Fatal("the connection was not refused")
		}
	}
	_, err := cfg.connectSQL(t.Context())
	if err == nil {
		t.Fatal("the connection was not refused")
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%#v %+v", err, cfg)} {
		if strings.Contains(text, canary) {
			t.Errorf("the password is in %s", text)
		}
	}
	return err
}

// A server that cannot be reached is told with what to look at, and may come back.
func TestAServerThatCannotBeReachedIsToldWithTheFix(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, host := range map[string]string{"nobody listens": "127.0.0.1", "the name is not known": "nobody.invalid"} {
		err := refusedBy(t, &Config{Hostname: host, Port: port, Database: "shop", User: "reader", SSLMode: SSLDisable, Password: configs.NewSecret(canary)})
		if fault.IsPermanent(err) || !strings.Contains(err.Error(), "fix: look whether PostgreSQL runs, and database.hostname and database.port") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheServerIsVerifiedAsConfigured(t *testing.T) {
	server := testenv.Postgres(t, pgserver.Options{Version: 15, TLS: true, CertUsers: []string{"certified"}})
	if err := server.CreateUser(t.Context(), "reader", canary, "REPLICATION"); err != nil {
		t.Fatal(err)
	}
	if err := server.CreateUser(t.Context(), "certified", "", "REPLICATION"); err != nil {
		t.Fatal(err)
	}
	other := testenv.Postgres(t, pgserver.Options{Version: 15, TLS: true}) // of another authority
	base := Config{Hostname: "127.0.0.1", Port: server.Port(), Database: "postgres", User: "reader", Password: configs.NewSecret(canary)}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // of the error, "" for a connection
	}{
		"verify-full under the right authority": {func(c *Config) { c.SSLMode, c.SSLRootCert = SSLVerifyFull, server.CAFile() }, ""},
		"verify-ca under the right authority":   {func(c *Config) { c.SSLMode, c.SSLRootCert = SSLVerifyCA, server.CAFile() }, ""},
		"require believes whoever answers":      {func(c *Config) { c.SSLMode = SSLRequire }, ""},
		"verify-full under the system's":        {func(c *Config) { c.SSLMode = SSLVerifyFull }, "database.sslrootcert"},
		"verify-ca under another authority":     {func(c *Config) { c.SSLMode, c.SSLRootCert = SSLVerifyCA, other.CAFile() }, "database.sslrootcert"},
		"verify-full refuses another name":      {func(c *Config) { c.SSLMode, c.SSLRootCert, c.Hostname = SSLVerifyFull, server.CAFile(), elsewhere }, "database.hostname"},
		"verify-ca does not ask for the name":   {func(c *Config) { c.SSLMode, c.SSLRootCert, c.Hostname = SSLVerifyCA, server.CAFile(), elsewhere }, ""},
		"plaintext is refused by the server":    {func(c *Config) { c.SSLMode = SSLDisable }, "pg_hba.conf"},
		"a root certificate that is not there":  {func(c *Config) { c.SSLMode, c.SSLRootCert = SSLVerifyFull, "/nowhere.crt" }, "/nowhere.crt"},
		"a wrong password":                      {func(c *Config) { c.SSLMode, c.Password = SSLRequire, configs.NewSecret(canary+"x") }, "database.password"},
		"a database that is not there":          {func(c *Config) { c.SSLMode, c.Database = SSLRequire, "nowhere" }, "database.dbname"},
		"a client certificate in place of a password": {func(c *Config) {
			c.SSLMode, c.SSLRootCert, c.User, c.Password = SSLVerifyFull, server.CAFile(), "certified", configs.Secret{}
			c.SSLCert, c.SSLKey = server.ClientCert("certified").CertFile, server.ClientCert("certified").KeyFile
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := base
			c.change(&cfg)
			if c.want != "" {
				err := refusedBy(t, &cfg)
				if !fault.IsPermanent(err) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, permanent %v; want %q in it", err, fault.IsPermanent(err), c.want)
				}
				return
			}
			conn, err := cfg.connectSQL(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.WithoutCancel(t.Context()))
			var encrypted bool
			if err := conn.QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&encrypted); err != nil || !encrypted {
				t.Errorf("encrypted: %v, %v", encrypted, err)
			}
		})
	}
}

func TestAStreamRunsOverTLSAndUnixSockets(t *testing.T) {
	secure := testenv.Postgres(t, pgserver.Options{Version: 15, TLS: true})
	for name, change := range map[string]func(*Config){
		"TLS": func(c *Config) {
			c.SSLMode, c.SSLRootCert, c.Password = SSLVerifyFull, secure.CAFile(), configs.NewSecret(secure.Password(pgserver.Superuser))
		},
		"a Unix socket": func(c *Config) { c.Hostname, c.SSLMode = secure.SocketDir(), "" },
	} {
		t.Run(name, func(t *testing.T) {
			s := newLogServer(t, secure, "CREATE TABLE t(id int PRIMARY KEY, a text)")
			change(s.cfg)
			s.exec(t, "INSERT INTO t SELECT i, repeat('x', i % 300) FROM generate_series(1, 30000) i")
			h := &recorder{quiet: true}
			s.capture(t, h)
			if h.count() != 30000 {
				t.Errorf("%d rows of 30000", h.count())
			}
			if h.flushes == 0 {
				t.Error("nothing was flushed before a wait")
			}
		})
	}
}

func TestWithoutAModeTheServerIsVerifiedUnlessItIsOnThisMachine(t *testing.T) {
	for host, want := range map[string]SSLMode{
		"db.example": SSLVerifyFull, "10.0.0.1": SSLVerifyFull, "localhost.example": SSLVerifyFull,
		"127.0.0.1": SSLDisable, "::1": SSLDisable, "localhost": SSLDisable, "/var/run/postgresql": SSLDisable,
	} {
		if got := (&Config{Hostname: host}).sslMode(); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

func TestSessionsPinWhatDecidesHowValuesBecomeText(t *testing.T) { // P28, P29
	t.Setenv("PGOPTIONS", "-c DateStyle=German")
	t.Setenv("PGTZ", "Asia/Tokyo")
	t.Setenv("PGPASSWORD", canary)
	for _, version := range []int{14, 15, 18} {
		s := newLogServer(t, testenv.SharedPostgres(t, version), "")
		for setting, value := range map[string]string{
			"DateStyle": "German", "IntervalStyle": "iso_8601", "TimeZone": "Asia/Tokyo", "extra_float_digits": "-5", "bytea_output": "escape",
			"client_encoding": "LATIN1", "search_path": "elsewhere", "statement_timeout": "1", "idle_session_timeout": "1min",
		} {
			s.exec(t, fmt.Sprintf("ALTER DATABASE %s SET %s = %s", quoteIdentifier(s.db), setting, quoteLiteral(value)))
		}
		for _, replication := range []bool{true, false} {
			conn, err := s.cfg.connect(t.Context(), replication)
			if err != nil {
				t.Fatal(err)
			}
			defer closeConn(conn)
			got, err := conn.Exec(t.Context(), `SELECT concat_ws(' ', '2020-01-02'::date, '1 day 2 hours'::interval, '2020-01-01 00:00:00+00'::timestamptz, 0.1::float8 + 0.2, '\x01'::bytea, 'pg_class'::regclass, current_setting('idle_session_timeout'))`).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			want := `2020-01-02 1 day 02:00:00 2020-01-01 00:00:00+00 0.30000000000000004 \x01 pg_class 0`
			if text := string(got[0].Rows[0][0]); text != want {
				t.Errorf("PostgreSQL %d, replication %v:\n%s\nwant\n%s", version, replication, text, want)
			}
		}
	}
}

func TestARoleWithoutReplicationIsToldWhatToGrant(t *testing.T) {
	server := testenv.SharedPostgres(t, 15)
	if err := server.CreateUser(t.Context(), `no "repl"`, canary, ""); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Hostname: "127.0.0.1", Port: server.Port(), Database: "postgres", User: `no "repl"`, Password: configs.NewSecret(canary)}
	_, err := cfg.connect(t.Context(), true)
	expectFault(t, err, fault.Preflight, true, `ALTER ROLE "no ""repl""" REPLICATION`, "SQLSTATE 42501")
}

func TestAServerThatDoesNotAnswerIsTransientAndBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections into its backlog and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := Config{Hostname: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Database: "d", User: "u", ConnectTimeout: time.Second}
	_, err = cfg.connect(t.Context(), true)
	expectFault(t, err, fault.Runtime, false, "connect.timeout")
}
