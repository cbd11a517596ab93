package postgres

import (
	"errors"
	"net/url"

	"github.com/jackc/pgx/v5/pgconn"

	"rdip/configs"
	"rdip/internal/fault"
)

// SetURL takes the connection's keys from a PostgreSQL URL, as libpq reads one: what it does not say comes
// from PGPASSWORD, ~/.pgpass and their like. Its error does not show the URL, which may hold a password.
func (c *Config) SetURL(text string) error {
	wrong := func(cause string) error {
		return &fault.Error{Kind: fault.Configuration, Op: "read the database's URL", Cause: errors.New(cause),
			Hint: "postgres://USER@HOST:5432/DATABASE?sslmode=verify-full", Permanent: true}
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return wrong("it is not a PostgreSQL URL")
	}
	parsed, err := pgconn.ParseConfig(text)
	if err != nil {
		return wrong("it, or a file that it names, cannot be read")
	}
	c.Hostname, c.Port, c.Database, c.User = parsed.Host, int(parsed.Port), parsed.Database, parsed.User
	c.Password = configs.NewSecret(parsed.Password)
	ask := u.Query()
	c.SSLMode = SSLMode(ask.Get("sslmode"))
	c.SSLRootCert, c.SSLCert, c.SSLKey = ask.Get("sslrootcert"), ask.Get("sslcert"), ask.Get("sslkey")
	return nil
}
