package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rdip/internal/fault"
)

const (
	// userTimeout is how long sent bytes may stay unacknowledged before the connection counts as lost.
	userTimeout = 30 * time.Second
	// defaultConnectTimeout serves a Config without one.
	defaultConnectTimeout = 10 * time.Second
)

// connect opens a connection for plain protocol use: with replication, one that takes replication commands
// for the database (and SQL, as simple queries). Its errors are *fault.Error and hold no secret.
func (c *Config) connect(ctx context.Context, replication bool) (*pgconn.PgConn, error) {
	cfg, err := pgconn.ParseConfig(c.connString())
	if err != nil {
		return nil, c.settingsFault(err)
	}
	c.adjust(cfg, sessionSettings)
	if replication {
		cfg.RuntimeParams["replication"] = "database"
	}
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, c.connectFault(err)
	}
	return conn, nil
}

// connectSQL opens a connection for SQL. Its errors are as connect's.
func (c *Config) connectSQL(ctx context.Context) (*pgx.Conn, error) {
	conn, err := c.connectWith(ctx, sessionSettings)
	if err != nil {
		return nil, err
	}
	if err := c.boundLocks(ctx, conn); err != nil {
		_ = conn.Close(ctx)
		return nil, c.connectFault(err)
	}
	return conn, nil
}

// boundLocks: the size of a table cannot be asked for while another transaction has it locked for itself, for as long
// as a VACUUM FULL takes. That is waited for as a table's own lock is, and then told.
func (c *Config) boundLocks(ctx context.Context, conn *pgx.Conn) error {
	if c.SnapshotLockTimeout <= 0 {
		return nil
	}
	_, err := conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d", c.SnapshotLockTimeout.Milliseconds()), pgx.QueryExecModeSimpleProtocol)
	return err
}

// connectWithout is connectSQL with one setting as the database and the role have it.
func (c *Config) connectWithout(ctx context.Context, setting string) (*pgx.Conn, error) {
	pinned := maps.Clone(sessionSettings)
	delete(pinned, setting)
	return c.connectWith(ctx, pinned)
}

func (c *Config) connectWith(ctx context.Context, pinned map[string]string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(c.connString())
	if err != nil {
		return nil, c.settingsFault(err)
	}
	c.adjust(&cfg.Config, pinned)
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, c.connectFault(err)
	}
	return conn, nil
}

// connString names every setting that the environment, a service file or the home folder could otherwise
// choose. The password is not in it.
func (c *Config) connString() string {
	timeout := c.ConnectTimeout
	if timeout <= 0 {
		timeout = defaultConnectTimeout
	}
	settings := [][2]string{
		{"host", c.Hostname}, {"port", strconv.Itoa(c.Port)}, {"dbname", c.Database}, {"user", c.User},
		{"passfile", ""}, {"sslmode", string(c.sslMode())}, {"sslrootcert", c.SSLRootCert}, {"sslcert", c.SSLCert},
		{"sslkey", c.SSLKey}, {"sslpassword", c.SSLPassword.Reveal()}, {"sslsni", "1"}, {"sslcertmode", "allow"}, {"sslnegotiation", "postgres"},
		{"target_session_attrs", "any"}, {"min_protocol_version", "3.0"}, {"max_protocol_version", "3.0"},
		{"channel_binding", "prefer"}, {"require_auth", c.methods()},
		{"connect_timeout", strconv.Itoa(int((timeout + time.Second - 1) / time.Second))},
	}
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var b strings.Builder
	for _, s := range settings {
		b.WriteString(s[0] + "='" + escape.Replace(s[1]) + "' ")
	}
	return b.String()
}

// sslMode is the configured mode; without one the server is verified in full, except on this machine.
func (c *Config) sslMode() SSLMode {
	switch {
	case c.SSLMode != "":
		return c.SSLMode
	case c.local():
		return SSLDisable
	default:
		return SSLVerifyFull
	}
}

// local says whether the server is on this machine: a Unix socket or loopback.
func (c *Config) local() bool {
	if filepath.IsAbs(c.Hostname) || c.Hostname == "localhost" {
		return true
	}
	ip := net.ParseIP(c.Hostname)
	return ip != nil && ip.IsLoopback()
}

// methods keeps a password from going out in clear text over a network without TLS.
func (c *Config) methods() string {
	if c.sslMode() == SSLDisable && !c.local() {
		return "!password"
	}
	return ""
}

// adjust sets what a connection string cannot say, and takes out what the environment put in.
func (c *Config) adjust(cfg *pgconn.Config, pinned map[string]string) {
	cfg.Password = c.Password.Reveal()
	params := maps.Clone(pinned)
	params["application_name"] = c.ApplicationName
	if c.ApplicationName == "" {
		params["application_name"] = strings.TrimSpace("rdip " + c.Prefix)
	}
	cfg.RuntimeParams = params
	cfg.DialFunc = c.dialer(cfg.ConnectTimeout).DialContext
	cfg.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error { return c.settle(ctx, conn, pinned) }
}

// serverVersion is the major version in the server_version parameter, such as 15 in "15.18 (Debian)" and 18
// in "18beta1"; 0 where there is none.
func serverVersion(text string) int {
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		text = text[:end]
	}
	n, _ := strconv.Atoi(text)
	return n
}

// dialer notices a peer that has vanished: by keepalives while nothing is sent, by userTimeout otherwise.
func (c *Config) dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: c.TCPKeepAlive, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4},
		Control: func(network, _ string, raw syscall.RawConn) error {
			if !strings.HasPrefix(network, "tcp") {
				return nil
			}
			return setUserTimeout(raw, userTimeout)
		},
	}
}

// object names the database in errors.
func (c *Config) object() string {
	return fmt.Sprintf("database %q at %s", c.Database, c.address())
}

func (c *Config) address() string {
	_, address := pgconn.NetworkAddress(c.Hostname, uint16(c.Port))
	return address
}

// settingsFault is a connection string that cannot be used: a certificate that cannot be read, mostly. The
// parser's error quotes the string, so only its cause goes on.
func (c *Config) settingsFault(err error) error {
	cause := errors.Unwrap(err)
	if cause == nil {
		cause = errors.New("database.hostname, database.port and the database.ssl keys do not fit together")
	}
	return &fault.Error{Kind: fault.Configuration, Op: "connect to", Object: c.object(), Cause: cause, Hint: "check the database.ssl keys", Permanent: true}
}

// connectFault is a connection that was refused, in words without the connection string.
func (c *Config) connectFault(err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return known
	}
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return c.refused(server)
	}
	f := &fault.Error{Op: "connect to", Object: c.object(), Cause: bareCause(err)}
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var dial *net.OpError
	var name *net.DNSError
	switch {
	case errors.As(err, &host):
		f.Permanent, f.Hint = true, "set database.hostname to a name in the server's certificate, or database.sslmode: verify-ca"
	case errors.As(err, &authority):
		f.Permanent, f.Hint = true, "set database.sslrootcert to the file of the authority that signed the server's certificate"
	case errors.As(err, &invalid), errors.As(err, &verify):
		f.Permanent, f.Hint = true, "renew the server's certificate"
	case strings.Contains(err.Error(), "server refused TLS"):
		f.Permanent, f.Hint = true, "set ssl=on in postgresql.conf with a certificate; only in a network that nobody else reaches: database.sslmode: disable"
	case errors.As(err, &dial) && dial.Op == "dial", errors.As(err, &name):
		f.Hint = "look whether PostgreSQL runs, and database.hostname and database.port name it"
	}
	if f.Permanent {
		f.Kind = fault.Preflight
	}
	return f
}

// bareCause is the innermost error that says enough: pgconn's wrappers name user and database, and repeat
// themselves for every address.
func bareCause(err error) error {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		err = connect.Unwrap()
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer within database.connect.timeout.ms")
	}
	return err
}
