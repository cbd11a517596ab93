package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"rdip/internal/fault"
)

// sessionSettings are pinned on every connection, replication or not, whatever the database and the role
// have set (P28, P29): they decide how values become text. They go into the startup packet, which outranks
// ALTER DATABASE and ALTER ROLE (GucSource in guc.h).
var sessionSettings = map[string]string{
	"client_encoding":                     "UTF8",
	"DateStyle":                           "ISO, YMD",
	"IntervalStyle":                       "postgres",
	"TimeZone":                            "UTC",
	"extra_float_digits":                  "3",
	"bytea_output":                        "hex",
	"lc_monetary":                         "C",
	"quote_all_identifiers":               "off",
	"standard_conforming_strings":         "on",
	"search_path":                         "pg_catalog", // regclass and format_type print names by it
	"statement_timeout":                   "0",
	"lock_timeout":                        "0",
	"idle_in_transaction_session_timeout": "0",
}

// settle finishes a new session: limits that only newer servers have are taken off, which the startup packet to an older
// one must not name (a server too old is to be refused by its version, P72); and it is made sure that the settings of the
// startup packet are in force, since a pooler may have dropped them without a word (P64: PgBouncer's
// ignore_startup_parameters).
func (c *Config) settle(ctx context.Context, conn *pgconn.PgConn, pinned map[string]string) error {
	version := serverVersion(conn.ParameterStatus("server_version"))
	var sql strings.Builder
	if version >= 14 {
		sql.WriteString("SET idle_session_timeout = 0;")
	}
	if version >= 17 {
		sql.WriteString("SET transaction_timeout = 0;")
	}
	names := slices.Sorted(maps.Keys(pinned))
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = "pg_catalog.current_setting(" + quoteLiteral(name) + ")"
	}
	sql.WriteString("SELECT " + strings.Join(shown, ", "))
	results, err := conn.Exec(ctx, sql.String()).ReadAll()
	if err != nil {
		return err
	}
	row := results[len(results)-1].Rows[0]
	for i, name := range names {
		if got, want := string(row[i]), pinned[name]; got != want {
			return &fault.Error{Kind: fault.Preflight, Op: "connect to", Object: c.object(), Permanent: true,
				Cause: fmt.Errorf("%s is %s, not %s: something on the way drops the settings of our sessions, which decide how values become text", name, got, want),
				Hint:  c.address() + " is a pooler: " + withoutPooler}
		}
	}
	return nil
}

// withoutPooler is what helps against one.
const withoutPooler = "set database.hostname and database.port to PostgreSQL itself"
