package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
)

// spilling has a server's large transactions received while they are in progress, with so little memory that
// all of them go through files.
func (s *logServer) spilling(t *testing.T, protocol string) {
	t.Helper()
	s.cfg.Protocol, s.cfg.Streaming = protocol, StreamingOn
	s.cfg.SpillDir, s.cfg.SpillMemory, s.cfg.SpillMax = filepath.Join(t.TempDir(), "spill"), 16<<10, 1<<30
}

// second makes another slot of the same database, which is read without streaming.
func (s *logServer) second(t *testing.T) *logServer {
	t.Helper()
	other := *s
	cfg := *s.cfg
	cfg.SlotName, cfg.Replication = s.cfg.SlotName+"_plain", Replication{}
	other.cfg, other.wire = &cfg, newProgress()
	s.exec(t, "SELECT pg_create_logical_replication_slot("+quoteLiteral(cfg.SlotName)+", 'pgoutput')")
	t.Cleanup(func() { other.dropSlot(t) })
	return &other
}

// session is another connection to the database.
func (s *logServer) session(t *testing.T) func(sql string) {
	t.Helper()
	conn, err := s.server.Connect(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%v in %s", err, sql)
		}
	}
}

// unannounced is a recorder's lines without those of layouts: a streamed transaction is described anew.
func unannounced(h *recorder) []string {
	return slices.DeleteFunc(h.all(), func(line string) bool { return strings.HasPrefix(line, "table ") })
}

// sameDelivery compares what two streams of one log have delivered, to the place.
func sameDelivery(t *testing.T, streamed, plain *recorder) {
	t.Helper()
	got, want := unannounced(streamed), unannounced(plain)
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("line %d is missing: %s", i, want[i])
		case i >= len(want):
			t.Fatalf("line %d is one too many: %s", i, got[i])
		case got[i] != want[i]:
			t.Fatalf("line %d is %s, want %s", i, got[i], want[i])
		}
	}
	if !slices.Equal(streamed.commits, plain.commits) {
		t.Errorf("the commits are at %d, want %d", streamed.commits, plain.commits)
	}
	if !slices.Equal(streamed.txs, plain.txs) {
		t.Errorf("the transactions are\n%+v, want\n%+v", streamed.txs, plain.txs)
	}
}

// many is rows enough that the server streams their transaction.
const many = "INSERT INTO t SELECT i, repeat('%s', 300) FROM generate_series(%d, %d) i"

// P33, P34, P35, P38: what is received in progress is, once committed, what the server would have sent then:
// with blocks of several transactions between each other, savepoints rolled back, DDL, TOAST, origins.
func TestTransactionsInProgressAreDeliveredAsIfTheyHadComeAtTheirCommit(t *testing.T) {
	for _, c := range []struct {
		major    int
		protocol string
	}{{14, "2"}, {15, "auto"}, {16, "4"}, {18, "auto"}} {
		t.Run(fmt.Sprintf("PostgreSQL %d, protocol %s", c.major, c.protocol), func(t *testing.T) {
			s := newLogServer(t, testenv.SharedPostgres(t, c.major), "CREATE TABLE t(id int PRIMARY KEY, a text); CREATE TABLE u(id int PRIMARY KEY, b text); ALTER TABLE u ALTER b SET STORAGE EXTERNAL")
			plain := s.second(t)
			s.spilling(t, c.protocol)
			one, two, three := s.session(t), s.session(t), s.session(t)
			one("BEGIN")
			two("BEGIN")
			three("BEGIN")
			one(fmt.Sprintf(many, "a", 1, 2000))
			two(fmt.Sprintf(many, "b", 10001, 12000))
			s.exec(t, "INSERT INTO u VALUES (1, repeat('x', 9000))")
			one("SAVEPOINT a")
			one(fmt.Sprintf(many, "c", 2001, 4000))
			three(fmt.Sprintf(many, "z", 90001, 93000))
			one("SAVEPOINT b")
			one(fmt.Sprintf(many, "d", 4001, 6000))
			two("UPDATE u SET id = 2 WHERE id = 1")
			one("ROLLBACK TO b")
			one(fmt.Sprintf(many, "e", 4001, 6000))
			one("RELEASE a")
			three("ROLLBACK")
			one("SAVEPOINT c")
			one("SAVEPOINT d")
			one(fmt.Sprintf(many, "f", 6001, 8000))
			one("RELEASE d")
			one("SELECT pg_logical_emit_message(true, 'inside', 'of c')")
			one("ROLLBACK TO c")
			s.exec(t, "INSERT INTO u VALUES (3, 'between')")
			one("DELETE FROM t WHERE id <= 1000; UPDATE t SET id = -id WHERE id < 1100")
			two("COMMIT")
			one("COMMIT")
			s.exec(t, "SELECT pg_replication_origin_create('elsewhere "+s.db+"')")
			defer s.exec(t, "SELECT pg_replication_origin_drop('elsewhere "+s.db+"')")
			two("SELECT pg_replication_origin_session_setup('elsewhere " + s.db + "')")
			two("BEGIN; SELECT pg_replication_origin_xact_setup('0/1234', '2020-01-01')")
			two("TRUNCATE u; SAVEPOINT s; ALTER TABLE t ADD c int DEFAULT 5")
			two("INSERT INTO t SELECT i, 'new', i FROM generate_series(20001, 24000) i")
			two("ROLLBACK TO s; ALTER TABLE t ADD d text; INSERT INTO t SELECT i, 'newer', 'd' FROM generate_series(20001, 24000) i")
			two("COMMIT; SELECT pg_replication_origin_session_reset()")

			got, want := &recorder{}, &recorder{}
			plain.capture(t, want)
			s.capture(t, got)
			got.lines = got.lines[:len(got.lines)-3] // the marker at the end of the other's test
			n := len(want.commits) - 1               // behind them is each one's own marker
			got.txs, want.txs, got.commits, want.commits = got.txs[:n], want.txs[:n], got.commits[:n], want.commits[:n]
			last := len(want.txs) - 1 // the origin is in the commit record: the server does not know it before
			want.txs[last].Origin, want.txs[last].OriginPos, want.txs[last].First = "", 0, got.txs[last].First
			sameDelivery(t, got, want)
			if left, _ := filepath.Glob(filepath.Join(s.cfg.SpillDir, "*")); len(left) > 0 {
				t.Errorf("%q is left", left)
			}
			if c.major > 14 { // whose statistics go through a collector, and may be lost
				eventually(t, "the server says that it has streamed", func() bool {
					return s.ask(t, "SELECT stream_txns::text FROM pg_stat_replication_slots WHERE slot_name = "+quoteLiteral(s.cfg.SlotName)) != "0"
				})
			}
		})
	}
}

// G8, P33: what a transaction in progress takes in memory has a bound, whatever its size, and what is in files
// is no other's to read.
func TestATransactionInProgressIsKeptInFilesBeyondAFewBytesOfMemory(t *testing.T) {
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY, a text)")
	s.spilling(t, "auto")
	one := s.session(t)
	h := &recorder{quiet: true}
	s.run(t, 0, h)
	one("BEGIN")
	one(fmt.Sprintf(many, "a", 1, 20000))
	var file string
	eventually(t, "it is in a file", func() bool {
		files, _ := filepath.Glob(filepath.Join(s.cfg.SpillDir, "*.spill"))
		if len(files) != 1 {
			return false
		}
		file = files[0]
		info, err := os.Stat(file)
		return err == nil && info.Size() > 5_000_000
	})
	for path, want := range map[string]os.FileMode{file: 0o600, s.cfg.SpillDir: 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if h.count() != 0 {
		t.Error("rows were delivered before their commit")
	}
	one("COMMIT")
	eventually(t, "the rows arrive", func() bool { return h.count() == 20000 })
	eventually(t, "the file is gone", func() bool { _, err := os.Stat(file); return errors.Is(err, os.ErrNotExist) })
}

func TestSpillingBeyondItsQuotaSaysSoAndIsTriedAgain(t *testing.T) { // P33
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY, a text)")
	s.spilling(t, "auto")
	s.cfg.SpillMax = 1 << 20
	one := s.session(t)
	one("BEGIN")
	one(fmt.Sprintf(many, "a", 1, 10000))
	s.exec(t, "INSERT INTO t VALUES (-1, 'x')")
	expectFault(t, s.expectEnd(t, &recorder{}), fault.Runtime, false, "spill", "spill.max.bytes is 1048576", "spill.max.bytes: 2097152", "streaming: off", "tried again")
	one("ROLLBACK")
	h := &recorder{}
	s.capture(t, h)
	if h.count() != 1 {
		t.Errorf("%d rows after it was rolled back", h.count())
	}
}

func TestWhatAKilledProcessHasSpilledIsRemoved(t *testing.T) {
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY, a text)")
	s.spilling(t, "auto")
	if err := os.MkdirAll(s.cfg.SpillDir, 0o700); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(s.cfg.SpillDir, "7.spill")
	if err := os.WriteFile(old, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.capture(t, &recorder{})
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Error("it is still there")
	}
}

// P70 within a transaction in progress: the row is known by its beginning, and stops its table at its turn.
func TestALargeRowOfATransactionInProgressStopsItsTableAlone(t *testing.T) {
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY, a text); CREATE TABLE u(id int PRIMARY KEY, a text)")
	s.spilling(t, "auto")
	s.cfg.MaxRowBytes = 1 << 20
	s.exec(t, "BEGIN; "+fmt.Sprintf(many, "a", 1, 500)+"; INSERT INTO u VALUES (1, 'before'), (2, repeat('x', 2000000)), (3, 'behind'); "+fmt.Sprintf(many, "a", 501, 1000)+"; COMMIT")
	h := &recorder{}
	s.capture(t, h)
	lines := slices.DeleteFunc(unannounced(h), func(line string) bool { return strings.HasPrefix(line, "c public.t ") })
	want := []string{"begin", "c public.u after(1,before)", "refuse public.u", "c public.u after(3,behind)", "commit"}
	if !slices.Equal(lines, want) || h.count() != 1002 {
		t.Errorf("%d rows, %q", h.count(), lines)
	}
	expectFault(t, h.refused[0], fault.Runtime, true, "public.u", "max.row.bytes: 2097152")
}

// A connection that breaks in the middle of a transaction in progress: it is sent again from its beginning.
func TestATransactionInProgressComesWholeAfterAReconnection(t *testing.T) { // P42
	s := newLogServer(t, testenv.Postgres(t, pgserver.Options{Version: 17}), "CREATE TABLE t(id int PRIMARY KEY, a text)")
	s.spilling(t, "auto")
	one := s.session(t)
	one("BEGIN")
	one(fmt.Sprintf(many, "a", 1, 5000))
	first := &recorder{confirm: s.wire.confirm}
	r := s.run(t, 0, first)
	eventually(t, "it is being kept", func() bool {
		files, _ := filepath.Glob(filepath.Join(s.cfg.SpillDir, "*.spill"))
		return len(files) == 1
	})
	s.exec(t, "SELECT pg_logical_emit_message(true, 'other', '')") // moves the position while the other is in progress
	eventually(t, "the position moves", func() bool { return s.wire.confirmed.Load() > 0 && len(first.all()) >= 3 })
	from := s.wire.confirmed.Load()
	s.exec(t, "SELECT pg_terminate_backend("+s.askSlot(t, "active_pid")+")")
	expectFault(t, r.wait(t), fault.Runtime, false, "57P01")
	one(fmt.Sprintf(many, "b", 5001, 6000))
	one("COMMIT")
	h := &recorder{quiet: true}
	s.run(t, from, h)
	eventually(t, "all rows arrive", func() bool { return h.count() == 6000 })
}
