package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"rdip/internal/fault"
)

// oldestVersion is the oldest major version served: 13's pgoutput has no messages, and its ctid ranges are
// sequential scans (P72).
const oldestVersion = 14

// server is what has to be known of a server and of the role that asks, as they are now.
type server struct {
	Number   int    // server_version_num
	Version  string // server_version
	Standby  bool
	Encoding string // of the database

	WALLevel     string
	Slots        int // in use, of all databases
	MaxSlots     int
	Senders      int // walsenders connected
	MaxSenders   int
	KeepBytes    int64 // max_slot_wal_keep_size, -1 for no limit
	SenderExpiry time.Duration
	BlockBytes   int64

	Role         string
	Superuser    bool
	Replication  bool // REPLICATION, or a provider's role that stands for it
	CreateInside bool // CREATE on the database
}

// major is the major version.
func (s *server) major() int { return s.Number / 10000 }

const serverSQL = `
SELECT current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(),
	pg_encoding_to_char(d.encoding), current_setting('wal_level'),
	(SELECT count(*) FROM pg_replication_slots), current_setting('max_replication_slots')::int,
	(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'), current_setting('max_wal_senders')::int,
	coalesce((SELECT setting::bigint FROM pg_settings WHERE name = 'max_slot_wal_keep_size'), -1),
	(SELECT setting::bigint FROM pg_settings WHERE name = 'wal_sender_timeout'), current_setting('block_size')::bigint,
	r.rolname, r.rolsuper,
	r.rolreplication OR r.rolsuper OR EXISTS (SELECT FROM pg_roles p WHERE p.rolname = 'rds_replication' AND pg_has_role(r.oid, p.oid, 'MEMBER')),
	has_database_privilege(r.oid, d.oid, 'CREATE')
FROM pg_database d, pg_roles r
WHERE d.datname = current_database() AND r.rolname = current_user`

func readServer(ctx context.Context, q querier) (*server, error) {
	s := &server{}
	var keepMB, expiryMS int64
	err := q.QueryRow(ctx, serverSQL).Scan(&s.Number, &s.Version, &s.Standby, &s.Encoding, &s.WALLevel,
		&s.Slots, &s.MaxSlots, &s.Senders, &s.MaxSenders, &keepMB, &expiryMS, &s.BlockBytes,
		&s.Role, &s.Superuser, &s.Replication, &s.CreateInside)
	if err != nil {
		return nil, serverFault("read the settings of", "the server", err)
	}
	s.KeepBytes = keepMB
	if keepMB >= 0 {
		s.KeepBytes = keepMB << 20
	}
	s.SenderExpiry = time.Duration(expiryMS) * time.Millisecond
	return s, nil
}

// served refuses a server of which nothing more need be asked.
func (s *server) served() []fault.Finding {
	var fs []fault.Finding
	if s.major() < oldestVersion {
		fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: "PostgreSQL", Seen: "version " + s.Version,
			Need: fmt.Sprintf("%d or newer", oldestVersion), Fix: "upgrade the server: its version is past its end of life", Case: "P72"})
	}
	if s.Standby && s.major() < standbySince {
		fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: "PostgreSQL", Seen: "the server is a standby (pg_is_in_recovery)",
			Need: fmt.Sprintf("the primary: standbys decode the log from PostgreSQL %d on", standbySince), Fix: "set database.hostname and database.port to the primary", Case: "P53"})
	}
	return fs
}

// system is who a server is, as IDENTIFY_SYSTEM says.
type system struct {
	Identifier string
	Timeline   int
	Flushed    uint64 // the end of the log
}

// identifySystem asks over a replication connection.
func identifySystem(ctx context.Context, conn *pgconn.PgConn) (system, error) {
	row, err := replicationRow(ctx, conn, "IDENTIFY_SYSTEM", 3)
	if err != nil {
		return system{}, serverFault("identify", "the server", err)
	}
	timeline, err := strconv.Atoi(row[1])
	if err != nil {
		return system{}, serverFault("identify", "the server", err)
	}
	flushed, err := parseLSN(row[2])
	if err != nil {
		return system{}, serverFault("identify", "the server", err)
	}
	return system{Identifier: row[0], Timeline: timeline, Flushed: flushed}, nil
}

// replicationRow runs a replication command and returns the one row of its answer, of at least so many
// columns; NULL is "".
func replicationRow(ctx context.Context, conn *pgconn.PgConn, command string, columns int) ([]string, error) {
	results, err := conn.Exec(ctx, command).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) < columns {
		return nil, fmt.Errorf("the answer to %s is not one row of %d columns", strings.Fields(command)[0], columns)
	}
	row := make([]string, len(results[0].Rows[0]))
	for i, v := range results[0].Rows[0] {
		row[i] = string(v)
	}
	return row, nil
}
