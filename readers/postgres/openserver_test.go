package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rdip/envelope"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
	"rdip/snapshot"
)

// openServer is a database that a Reader has not touched yet.
type openServer struct {
	server *pgserver.Server
	sql    *pgx.Conn
	cfg    Config
}

// newOpenServer makes a database and runs setup in it.
func newOpenServer(t *testing.T, server *pgserver.Server, setup string) *openServer {
	t.Helper()
	db := testenv.Database(t, server)
	conn, err := server.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	s := &openServer{server: server, sql: conn}
	s.cfg.Definition() // fills in the defaults
	s.cfg.Hostname, s.cfg.Port, s.cfg.Database, s.cfg.User, s.cfg.SSLMode = "127.0.0.1", server.Port(), db, pgserver.Superuser, SSLDisable
	s.cfg.SlotName, s.cfg.PublicationName, s.cfg.SlotMaxRetries = testenv.Name("slot"), `pub"l'ish, \ed`, 0
	s.exec(t, setup)
	return s
}

func onServer(t *testing.T, major int, setup string) *openServer {
	t.Helper()
	return newOpenServer(t, testenv.SharedPostgres(t, major), setup)
}

func (s *openServer) exec(t *testing.T, sql string) {
	t.Helper()
	if _, err := s.sql.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
}

// ask is the one value of a query as text, "" for NULL.
func (s *openServer) ask(t *testing.T, sql string) string {
	t.Helper()
	var text *string
	if err := s.sql.QueryRow(t.Context(), "SELECT ("+sql+")::text").Scan(&text); err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
	if text == nil {
		return ""
	}
	return *text
}

func (s *openServer) askSlot(t *testing.T, column string) string {
	t.Helper()
	return s.ask(t, "SELECT "+column+" FROM pg_replication_slots WHERE slot_name = "+quoteLiteral(s.cfg.SlotName))
}

// reader is a Reader of the database, closed with the test.
func (s *openServer) reader(t *testing.T) *Reader {
	t.Helper()
	r := New("shop", s.cfg)
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// open opens a new Reader, which must succeed.
func (s *openServer) open(t *testing.T, stored readers.Stored) (*Reader, readers.Resume) {
	t.Helper()
	r := s.reader(t)
	resume, err := r.Open(t.Context(), stored)
	if err != nil {
		t.Fatal(err)
	}
	return r, resume
}

// refuse opens a new Reader, which must fail for good with an error of that kind that has all the words.
func (s *openServer) refuse(t *testing.T, stored readers.Stored, kind fault.Kind, words ...string) {
	t.Helper()
	_, err := s.reader(t).Open(t.Context(), stored)
	if err == nil {
		t.Fatal("it was opened")
	}
	if fault.KindOf(err) != kind || !fault.IsPermanent(err) {
		t.Errorf("kind %v, permanent %v: %v", fault.KindOf(err), fault.IsPermanent(err), err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("it does not say %q: %v", w, err)
		}
	}
}

// begun opens, closes and returns what a store would know then.
func (s *openServer) begun(t *testing.T) readers.Stored {
	t.Helper()
	r, resume := s.open(t, readers.Stored{})
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return readers.Stored{Identity: resume.Identity, Position: resume.From, SnapshotDone: true}
}

// collector is a Handler that keeps the rows of every table as text, in order, for several lanes.
type collector struct {
	mu     sync.Mutex
	rows   map[string][]string
	marks  []envelope.Mark
	places map[uint64]bool
	chunks int
}

func (c *collector) Begin(*envelope.Transaction) error                             { return nil }
func (c *collector) Table(*envelope.Layout) error                                  { return nil }
func (c *collector) Message(*envelope.Message) error                               { return nil }
func (c *collector) Flush() error                                                  { return nil }
func (c *collector) Refuse(_ *envelope.Layout, _ envelope.Row, reason error) error { return reason }
func (c *collector) Idle(offsets.Position) error                                   { return nil }

func (c *collector) Row(e *envelope.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := e.Layout.Table.ID()
	c.rows[id] = append(c.rows[id], fmt.Sprintf("%c %s", e.Op, rowText(e.After)))
	c.marks = append(c.marks, e.Mark)
	c.places[e.Place] = true
	return nil
}

func (c *collector) Commit(d offsets.Durable) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.Chunk != nil {
		c.chunks++
	}
	return nil
}

// copied reads the snapshot that a Reader has opened, over so many lanes, and closes it.
func copied(t *testing.T, r *Reader, lanes int) *collector {
	t.Helper()
	c, err := tryCopy(t, r, lanes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tryCopy(t *testing.T, r *Reader, lanes int) (*collector, error) {
	t.Helper()
	c := &collector{rows: map[string][]string{}, places: map[uint64]bool{}}
	source := r.Snapshot()
	if source == nil {
		t.Fatal("no snapshot was taken")
	}
	err := snapshot.Run(t.Context(), source, slices.Repeat([]envelope.Handler{c}, lanes), &snapshot.Progress{}, nil)
	return c, errors.Join(err, source.Close(t.Context()))
}

// streamed reads the log from a position up to a marker written now.
func (s *openServer) streamed(t *testing.T, r *Reader, from offsets.Position) []string {
	t.Helper()
	s.exec(t, "SELECT pg_logical_emit_message(true, 'end of test', '')")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	h := &recorder{}
	done := make(chan error, 1)
	go func() { done <- r.Stream(ctx, from, h) }()
	eventually(t, "the end of the test arrives", func() bool {
		return slices.Contains(h.all(), "message true end of test ")
	})
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("the stream ended with %v", err)
	}
	return slices.DeleteFunc(h.all(), func(line string) bool {
		return line == "begin" || line == "commit" || strings.HasPrefix(line, "message ") || strings.HasPrefix(line, "table ")
	})
}

// user makes a role that can log in, and names it.
func (s *openServer) user(t *testing.T, attributes string) string {
	t.Helper()
	name := testenv.Name("user")
	if err := s.server.CreateUser(t.Context(), name, "secret", attributes); err != nil {
		t.Fatal(err)
	}
	db := quoteIdentifier(s.cfg.Database)
	t.Cleanup(func() {
		sql := "REVOKE ALL ON DATABASE " + db + " FROM " + name + "; DROP OWNED BY " + name + "; DROP ROLE " + name
		if err := s.server.Exec(context.Background(), s.cfg.Database, sql); err != nil {
			t.Error(err)
		}
	})
	return name
}

// expectFinding looks for a finding of a case whose fix has these words.
func expectFinding(t *testing.T, fs []fault.Finding, severity fault.Severity, id, fix string) {
	t.Helper()
	for _, f := range fs {
		if f.Severity == severity && f.Case == id && strings.Contains(f.Fix, fix) {
			return
		}
	}
	t.Errorf("no %v of case %q has the fix %q:\n%v", severity, id, fix, fault.Findings(fs))
}

// withCause is the test's context with a cancel that gives a reason.
func withCause(t *testing.T) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, cancel
}
