package postgres

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/offsets"
	"rdip/readers"
	"rdip/readers/readertest"
)

// Not parallel with anything: the suite checks for goroutines, measures memory and restarts the server.
func TestTheContractOfReadersHolds(t *testing.T) { // P67, P71 among others, as its cases say
	versions(t, func(t *testing.T, major int) {
		server := testenv.SharedPostgres(t, major)
		readertest.Run(t, readertest.Subject{
			Dialect:        dialect,
			New:            func(t *testing.T) readertest.Database { return newConformed(t, server) },
			OmitsUnchanged: true,
			Values:         conformedValues(),
			Faults: []readertest.Fault{
				{Name: "a table has no key", Case: "P6", SQL: []string{"CREATE TABLE t (id int)"}},
				{Name: "a table's replica identity is nothing", Case: "P6", SQL: []string{"CREATE TABLE t (id int PRIMARY KEY)", "ALTER TABLE t REPLICA IDENTITY NOTHING"}},
			},
			Goroutines: testenv.Running,
		})
	})
}

func FuzzPositionTexts(f *testing.F) {
	readertest.FuzzPositions(f, New("shop", Config{}), `{"lsn":"0/16B3748"}`, `{"lsn":"FFFFFFFF/FFFFFFFF"}`, `{"lsn":"0/1"}`)
}

var dialect = readertest.Dialect{
	Types: map[readertest.Type]string{
		readertest.Int: "integer", readertest.Long: "bigint", readertest.Text: "text",
		readertest.Decimal: "numeric(12,2)", readertest.Double: "double precision", readertest.Timestamp: "timestamp",
	},
	Quote: quoteIdentifier,
	Begin: "BEGIN", Commit: "COMMIT", Rollback: "ROLLBACK",
	Savepoint:  func(name string) string { return "SAVEPOINT " + name },
	RollbackTo: func(name string) string { return "ROLLBACK TO SAVEPOINT " + name },
	FullBefore: func(table string) string { return "ALTER TABLE " + table + " REPLICA IDENTITY FULL" },
}

// conformedValues are those of the test of types (P21, P23 to P30).
func conformedValues() readertest.Values {
	v := readertest.Values{Setup: []string{typesSQL, "ALTER TYPE mood ADD VALUE 'so so' BEFORE 'happy'"}}
	for _, c := range typeCases {
		v.List = append(v.List, readertest.Value{Type: c.sqlType, Literal: c.literal})
	}
	return v
}

// conformed is a database of a shared server, and the connector of that slot.
type conformed struct {
	server *pgserver.Server
	cfg    Config
}

func newConformed(t *testing.T, server *pgserver.Server) *conformed {
	c := &conformed{server: server}
	c.cfg.Definition() // fills in the defaults
	c.cfg.Hostname, c.cfg.Port, c.cfg.User, c.cfg.SSLMode = "127.0.0.1", server.Port(), pgserver.Superuser, SSLDisable
	c.cfg.Database, c.cfg.SlotName, c.cfg.PublicationName = testenv.Database(t, server), testenv.Name("slot"), "rdip"
	c.cfg.ApplicationName = c.cfg.SlotName
	c.cfg.TableExclude = patterns(t, `.*\.`+readertest.HiddenPrefix+".*")
	c.cfg.SnapshotChunkBytes, c.cfg.WindowChunkBytes, c.cfg.HeartbeatInterval = 1, 1, 0
	c.cfg.StatusInterval, c.cfg.SlotMaxRetries, c.cfg.SlotRetryDelay = 100*time.Millisecond, 400, 25*time.Millisecond
	return c
}

func (c *conformed) Reader() readers.Reader { return New("shop", c.cfg) }

func (c *conformed) Connect(t *testing.T) readertest.Conn {
	t.Helper()
	conn, err := c.server.Connect(t.Context(), c.cfg.Database)
	if err != nil {
		t.Fatal(err)
	}
	return appSession{conn}
}

// appSession is a connection whose statements are not prepared, as one of them may be several.
type appSession struct{ *pgx.Conn }

func (s appSession) Exec(ctx context.Context, sql string) error {
	_, err := s.Conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

// ask is the rows of a query of one text.
func (c *conformed) ask(t *testing.T, sql string, args ...any) []string {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := c.server.Connect(ctx, c.cfg.Database)
	if err != nil {
		t.Errorf("connect: %v", err)
		return nil
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		t.Errorf("%v in %s", err, sql)
		return nil
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Errorf("%v in %s", err, sql)
	}
	return texts
}

func (c *conformed) Footprint(t *testing.T) readertest.Footprint {
	t.Helper()
	return readertest.Footprint{
		Made: c.ask(t, `SELECT 'publication ' || pubname FROM pg_publication UNION ALL
			SELECT format('slot %s at %s', slot_name, confirmed_flush_lsn) FROM pg_replication_slots WHERE database = current_database() AND NOT temporary ORDER BY 1`),
		Held: c.ask(t, `SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database() AND temporary UNION ALL
			SELECT format('session %s: %s', pid, query) FROM pg_stat_activity WHERE application_name = $1 ORDER BY 1`, c.cfg.ApplicationName),
	}
}

func (c *conformed) Confirmed(t *testing.T) (offsets.Position, bool) {
	t.Helper()
	texts := c.ask(t, "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = $1", c.cfg.SlotName)
	if len(texts) != 1 {
		t.Errorf("there are %d slots", len(texts))
		return offsets.Position{}, false
	}
	place, err := parseLSN(texts[0])
	if err != nil {
		t.Error(err)
	}
	return offsets.Position{Place: place}, true
}

func (c *conformed) DropConnections(t *testing.T) {
	t.Helper()
	killed := c.ask(t, "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE application_name = $1", c.cfg.ApplicationName)
	if !slices.Contains(killed, "true") {
		t.Errorf("killed were %v", killed)
	}
}

func (c *conformed) Restart(t *testing.T) {
	t.Helper()
	if err := c.server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (c *conformed) Foreign(stored readers.Stored) readers.Stored {
	return identified(func(i *identity) { i.System = "7" })(stored)
}

func (c *conformed) Lose(t *testing.T) {
	t.Helper()
	c.ask(t, fmt.Sprintf("SELECT pg_drop_replication_slot(%s)::text", quoteLiteral(c.cfg.SlotName)))
}
