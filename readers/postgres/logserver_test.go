package postgres

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/envelope"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/offsets"
)

// logServer is a database with a publication for all tables and a slot.
type logServer struct {
	server *pgserver.Server
	db     string
	sql    *pgx.Conn
	cfg    *Config
	wire   *progress
}

// newLogServer makes the database, runs setup in it, then makes the publication and the slot.
func newLogServer(t *testing.T, server *pgserver.Server, setup string) *logServer {
	t.Helper()
	db := testenv.Database(t, server)
	s := &logServer{server: server, db: db, wire: newProgress()}
	conn, err := server.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	s.sql = conn
	t.Cleanup(func() { _ = s.sql.Close(context.Background()) })
	s.cfg = &Config{
		Hostname: "127.0.0.1", Port: server.Port(), Database: db, User: pgserver.Superuser, SSLMode: SSLDisable,
		SlotName: strings.ToLower(strings.ReplaceAll(testenv.Name("s"), "-", "_")), PublicationName: `pub"l'ish, ed`,
	}
	s.exec(t, setup)
	s.exec(t, "CREATE PUBLICATION "+quoteIdentifier(s.cfg.PublicationName)+" FOR ALL TABLES")
	s.exec(t, "SELECT pg_create_logical_replication_slot("+quoteLiteral(s.cfg.SlotName)+", 'pgoutput')")
	t.Cleanup(func() { s.dropSlot(t) })
	return s
}

func shared(t *testing.T, setup string) *logServer {
	t.Helper()
	return newLogServer(t, testenv.SharedPostgres(t, 15), setup)
}

func (s *logServer) exec(t *testing.T, sql string) {
	t.Helper()
	if _, err := s.sql.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
}

// ask is the one value of a query, as text; "" for NULL or no row.
func (s *logServer) ask(t *testing.T, sql string) string {
	t.Helper()
	var text *string
	err := s.sql.QueryRow(context.WithoutCancel(t.Context()), sql).Scan(&text)
	if err != nil && err != pgx.ErrNoRows {
		t.Fatalf("%v in %s", err, sql)
	}
	if text == nil {
		return ""
	}
	return *text
}

func (s *logServer) askSlot(t *testing.T, column string) string {
	t.Helper()
	return s.ask(t, "SELECT ("+column+")::text FROM pg_replication_slots WHERE slot_name = "+quoteLiteral(s.cfg.SlotName))
}

// confirmed is what the slot was told.
func (s *logServer) confirmed(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s.askSlot(t, "confirmed_flush_lsn - '0/0'"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (s *logServer) end(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s.ask(t, "SELECT (pg_current_wal_insert_lsn() - '0/0')::text"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (s *logServer) dropSlot(t *testing.T) {
	t.Helper()
	eventually(t, "the slot is free", func() bool { return s.askSlot(t, "active") != "true" })
	if _, err := s.sql.Exec(context.Background(), "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = "+quoteLiteral(s.cfg.SlotName)); err != nil {
		t.Error(err)
	}
}

// run starts a stream; it is ended with the test at the latest.
func (s *logServer) run(t *testing.T, from uint64, h envelope.Handler) *running {
	t.Helper()
	return s.runFrom(t, offsets.Position{Place: from}, h)
}

func (s *logServer) runFrom(t *testing.T, from offsets.Position, h envelope.Handler) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, done: make(chan error, 1)}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		r.done <- newStreamer(s.cfg, s.wire).run(ctx, from, h)
	}()
	t.Cleanup(func() {
		cancel()
		<-finished
	})
	return r
}

// capture streams until the log's present end and stops.
func (s *logServer) capture(t *testing.T, h *recorder) {
	t.Helper()
	s.captureInto(t, h, h)
}

// captureInto is capture for a Handler around a recorder.
func (s *logServer) captureInto(t *testing.T, outer envelope.Handler, h *recorder) {
	t.Helper()
	s.exec(t, "SELECT pg_logical_emit_message(true, 'end of test', '')")
	r := s.run(t, 0, outer)
	eventually(t, "the end of the test arrives", func() bool {
		select {
		case err := <-r.done:
			t.Fatalf("the stream has ended: %v\nafter\n%s", err, strings.Join(h.all(), "\n"))
		default:
		}
		lines := h.all()
		return len(lines) > 2 && lines[len(lines)-1] == "commit" && lines[len(lines)-2] == "message true end of test "
	})
	if err := r.stop(t); err != context.Canceled {
		t.Errorf("a stopped stream returned %v", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = h.lines[:len(h.lines)-3]
}

// expectEnd waits for the stream to end by itself.
func (s *logServer) expectEnd(t *testing.T, h envelope.Handler) error {
	t.Helper()
	return s.run(t, 0, h).wait(t)
}
