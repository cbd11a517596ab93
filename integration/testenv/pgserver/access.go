package pgserver

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"

	"rdip/integration/testenv/certs"
	"rdip/integration/testenv/process"
)

// Version is the server's major version.
func (s *Server) Version() int { return s.major }

// Port is the TCP port on 127.0.0.1; it stays the same over restarts.
func (s *Server) Port() int { return s.port }

// Addr is host:port.
func (s *Server) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

// SocketDir is the folder of the Unix socket, for a connection's host parameter.
func (s *Server) SocketDir() string { return s.dir }

// DataDir is the cluster's folder.
func (s *Server) DataDir() string { return s.dataDir }

// BinDir is the folder of the server's programs: initdb, pg_ctl and postgres at least.
func (s *Server) BinDir() string { return s.bin }

// LogFile is the server's log.
func (s *Server) LogFile() string { return filepath.Join(s.dir, "log") }

// LogTail is the last lines of the server's log.
func (s *Server) LogTail(lines int) string { return process.Tail(s.LogFile(), lines) }

// CAFile is the certificate of the authority behind the server's, empty without TLS.
func (s *Server) CAFile() string {
	if s.authority == nil {
		return ""
	}
	return s.authority.CAFile
}

// ClientCert is the certificate of one of Options.CertUsers.
func (s *Server) ClientCert(user string) certs.Pair { return s.pairs[user] }

// DSN is a URL for TCP, with all that the server's options ask of the user: password, verified TLS,
// client certificate. It holds the password in the clear.
func (s *Server) DSN(user, database string) string {
	u := url.URL{Scheme: "postgres", Host: s.Addr(), Path: "/" + database, User: url.User(user)}
	query := url.Values{"sslmode": {"disable"}}
	if s.options.TLS {
		query = url.Values{"sslmode": {"verify-full"}, "sslrootcert": {s.CAFile()}}
	}
	if pair, ok := s.pairs[user]; ok {
		query.Set("sslcert", pair.CertFile)
		query.Set("sslkey", pair.KeyFile)
	} else if password := s.Password(user); password != "" {
		u.User = url.UserPassword(user, password)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// SocketDSN is a URL for the Unix socket, which needs no password.
func (s *Server) SocketDSN(user, database string) string {
	query := url.Values{"host": {s.dir}, "port": {strconv.Itoa(s.port)}, "user": {user}}
	u := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}
	return u.String()
}

// Connect opens a session of the superuser over the Unix socket. The caller closes it.
func (s *Server) Connect(ctx context.Context, database string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, s.SocketDSN(Superuser, database))
}

// Exec runs SQL as the superuser. Without args it may be several statements, which are then one
// transaction unless they say otherwise.
func (s *Server) Exec(ctx context.Context, database, sql string, args ...any) error {
	conn, err := s.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if len(args) > 0 {
		_, err = conn.Exec(ctx, sql, args...)
		return err
	}
	return conn.PgConn().Exec(ctx, sql).Close()
}

// CreateDatabase makes an empty database.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	return s.Exec(ctx, Superuser, "CREATE DATABASE "+quote(name))
}

// CreateUser makes a role that can log in with a SCRAM password. Attributes are those of CREATE ROLE,
// such as REPLICATION; the role owns nothing and is granted nothing. An empty password is made up.
func (s *Server) CreateUser(ctx context.Context, name, password, attributes string) error {
	if password == "" {
		password = rand.Text()
	}
	err := s.Exec(ctx, Superuser,
		fmt.Sprintf("CREATE ROLE %s LOGIN %s PASSWORD '%s'", quote(name), attributes, quoteText(password)))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passwords[name] = password
	return nil
}

// Password is what CreateUser gave the user, and the superuser's; empty for others.
func (s *Server) Password(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.passwords[user]
}

// PasswordFile is a file with the user's password and nothing else, for ${file:...}.
func (s *Server) PasswordFile(user string) (string, error) {
	path := filepath.Join(s.dir, user+".password")
	return path, os.WriteFile(path, []byte(s.Password(user)), 0o600)
}

func (s *Server) setSuperuserPassword(ctx context.Context) error {
	if !s.options.Password {
		return nil
	}
	password := rand.Text()
	err := s.Exec(ctx, Superuser,
		fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", quote(Superuser), quoteText(password)))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passwords[Superuser] = password
	return err
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func quoteText(text string) string {
	var b []byte
	for i := range len(text) {
		if text[i] == '\'' {
			b = append(b, '\'')
		}
		b = append(b, text[i])
	}
	return string(b)
}
