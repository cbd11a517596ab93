// Package pgserver runs throwaway PostgreSQL servers, for the tests and for the demo. A server listens
// on a free port of 127.0.0.1 and on a Unix socket, is ready for logical decoding, lives in a folder of
// its own under /tmp, and dies with its parent. PostgreSQL refuses root, so under root it runs as the
// user postgres, else nobody.
package pgserver

import "time"

// Superuser is the role that owns every cluster. Over the Unix socket it needs no password.
const Superuser = "postgres"

const (
	// readyWithin bounds a start, crash recovery included.
	readyWithin = 60 * time.Second
	// stopWithin bounds a fast shutdown, which waits for every walsender to have sent its log.
	stopWithin = 20 * time.Second
)

// Options say what kind of server to start. The zero value is the newest server that is installed,
// with trust authentication and fsync off.
type Options struct {
	// Version is the major version; 0 is the newest that is found, of at least 14.
	Version int
	// Extensions asks for the server that has PostGIS and pgvector, whatever Version says.
	Extensions bool
	// Settings are lines of postgresql.conf, and win over the defaults of defaultSettings.
	Settings map[string]string
	// Fsync is on for tests that crash the machine, so to speak; killing the process alone loses nothing
	// without it.
	Fsync bool
	// Fresh runs initdb for this server alone. Without it the cluster is a copy of one made earlier, of
	// the same system identifier as every other copy.
	Fresh bool
	// Password has TCP connections ask for a SCRAM password in place of trusting everyone.
	Password bool
	// TLS has TCP connections refused without TLS, under a certificate for localhost and 127.0.0.1 that
	// the server's own authority signed. It implies Password.
	TLS bool
	// CertUsers log in over TLS with a client certificate in place of a password.
	CertUsers []string
	// Locales are made for this server alone, of the sources of glibc's, in UTF-8: "ja_JP" is there as ja_JP.UTF-8.
	Locales []string
	// HBA are lines of pg_hba.conf that come before the others.
	HBA []string
}

// defaultSettings suit tests: everything that logical decoding needs, and a decoding memory so small
// that a transaction of a few thousand rows is spilled or streamed.
func defaultSettings(fsync bool) map[string]string {
	s := map[string]string{
		"wal_level":                 "logical",
		"max_wal_senders":           "20",
		"max_replication_slots":     "20",
		"logical_decoding_work_mem": "64kB",
		"max_connections":           "100",
		"shared_buffers":            "32MB",
		"max_prepared_transactions": "10",
		"listen_addresses":          "127.0.0.1",
		"log_timezone":              "UTC",
		"timezone":                  "UTC",
		"log_line_prefix":           "%m [%p] %q%u@%d ",
		"password_encryption":       "scram-sha-256",
		"unix_socket_permissions":   "0777",
		"log_replication_commands":  "on",
		"checkpoint_timeout":        "30min",
		"max_wal_size":              "4GB",
	}
	if !fsync {
		s["fsync"] = "off"
		s["full_page_writes"] = "off"
	}
	return s
}
