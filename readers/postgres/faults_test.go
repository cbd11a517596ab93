package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
)

// expectFault checks what an error says of itself.
func expectFault(t *testing.T, err error, kind fault.Kind, permanent bool, words ...string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("%v is no fault", err)
	}
	if f.Kind != kind || f.Permanent != permanent {
		t.Errorf("kind %v, permanent %v, want %v, %v: %v", f.Kind, f.Permanent, kind, permanent, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in: %v", w, err)
		}
	}
}

func TestADroppedSlotIsALostPosition(t *testing.T) { // P48
	s := shared(t, "")
	s.exec(t, "SELECT pg_drop_replication_slot("+quoteLiteral(s.cfg.SlotName)+")")
	expectFault(t, s.expectEnd(t, &recorder{}), fault.PositionLost, true, s.cfg.SlotName, "does not exist", "SQLSTATE 42704")
}

func TestAnInvalidatedSlotIsALostPosition(t *testing.T) { // P50
	server := testenv.Postgres(t, pgserver.Options{Version: 15, Settings: map[string]string{"max_slot_wal_keep_size": "1MB", "max_wal_size": "32MB"}})
	s := newLogServer(t, server, "CREATE TABLE t(a text)")
	for range 4 {
		s.exec(t, "SELECT pg_logical_emit_message(false, 'fill', 'x')")
		s.exec(t, "SELECT pg_switch_wal()")
	}
	s.exec(t, "CHECKPOINT")
	if got := s.askSlot(t, "wal_status"); got != "lost" {
		t.Fatalf("the slot's wal_status is %q", got)
	}
	expectFault(t, s.expectEnd(t, &recorder{}), fault.PositionLost, true, s.cfg.SlotName, "wal_status is lost", "SQLSTATE 55000", "snapshot")
}

func TestASlotThatAnotherProcessHoldsIsNamedWithItsHolder(t *testing.T) { // P51, D7
	s := shared(t, "")
	first := s.run(t, 0, &recorder{})
	eventually(t, "the first stream holds the slot", func() bool { return s.askSlot(t, "active") == "true" })
	pid := s.askSlot(t, "active_pid")
	s.cfg.SlotMaxRetries, s.cfg.SlotRetryDelay = 2, 10*time.Millisecond
	expectFault(t, s.expectEnd(t, &recorder{}), fault.Runtime, true, "PID "+pid, "SQLSTATE 55006", "slot.name")
	if err := first.stop(t); err != context.Canceled {
		t.Errorf("the first stream: %v", err)
	}
}

func TestASlotThatIsLetGoMeanwhileIsTaken(t *testing.T) { // P51
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY); INSERT INTO t VALUES (0)")
	first := s.run(t, 0, &recorder{})
	eventually(t, "the first stream holds the slot", func() bool { return s.askSlot(t, "active") == "true" })
	s.cfg.SlotMaxRetries, s.cfg.SlotRetryDelay = 1000, 10*time.Millisecond
	h := &recorder{}
	s.run(t, 0, h)
	if err := first.stop(t); err != context.Canceled {
		t.Error(err)
	}
	s.exec(t, "INSERT INTO t VALUES (1)")
	eventually(t, "the second stream has the row", func() bool { return h.count() == 1 })
}

func TestAPublicationThatIsYoungerThanAChangeIsMissing(t *testing.T) { // P57
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY)")
	s.cfg.PublicationName = "nobody's"
	s.exec(t, "INSERT INTO t VALUES (1)")
	expectFault(t, s.expectEnd(t, &recorder{}), fault.Preflight, true, `"nobody's"`, "SQLSTATE 42704", "slot")
}

func TestATerminatedWalsenderIsTransient(t *testing.T) {
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY)")
	r := s.run(t, 0, &recorder{})
	eventually(t, "the stream runs", func() bool { return s.askSlot(t, "active") == "true" && s.wire.connected.Load() })
	s.exec(t, "SELECT pg_terminate_backend("+s.askSlot(t, "active_pid")+")")
	expectFault(t, r.wait(t), fault.Runtime, false, "SQLSTATE 57P01")
}

func TestAServerThatStopsIsTransientAndIsNotHeldUp(t *testing.T) {
	server := testenv.Postgres(t, pgserver.Options{Version: 15})
	s := newLogServer(t, server, "CREATE TABLE t(id int PRIMARY KEY)")
	h := &recorder{confirm: s.wire.confirm}
	s.exec(t, "INSERT INTO t VALUES (1)")
	r := s.run(t, 0, h)
	eventually(t, "the stream runs", func() bool { return h.count() == 1 })
	if err := server.Stop(); err != nil { // a fast shutdown waits until the walsender has everything confirmed
		t.Fatal(err)
	}
	expectFault(t, r.wait(t), fault.Runtime, false)
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := server.Connect(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	s.sql = conn
}

func TestAStoppedStreamHasLetItsSlotGo(t *testing.T) {
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY)")
	h := &recorder{confirm: s.wire.confirm}
	s.exec(t, "INSERT INTO t VALUES (1)")
	r := s.run(t, 0, h)
	eventually(t, "the row arrives", func() bool { return len(h.all()) == 4 })
	if err := r.stop(t); err != context.Canceled {
		t.Error(err)
	}
	if s.askSlot(t, "active") == "true" {
		t.Error("the slot is still held")
	}
	if got := s.confirmed(t); got < h.commits[0] {
		t.Errorf("the slot stands at %s: the last confirmation, %s, did not arrive", lsnText(got), lsnText(h.commits[0]))
	}
}

func TestARowAboveTheLimitStopsItsTableByNameAndSize(t *testing.T) { // P70, K4
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY, a text); CREATE TABLE u(id int PRIMARY KEY)")
	s.cfg.MaxRowBytes = 1 << 20
	s.exec(t, "INSERT INTO t VALUES (1, repeat('x', 1048000))")
	s.exec(t, "INSERT INTO t VALUES (2, repeat('x', 1049000)); INSERT INTO u VALUES (3)")
	h := &recorder{}
	s.capture(t, h)
	if got, want := strings.Join(h.all()[4:], " "), "begin refuse public.t table public.u(id) c public.u after(3) commit"; got != want || h.count() != 2 {
		t.Errorf("%d rows, then %s", h.count(), got)
	}
	expectFault(t, h.refused[0], fault.Runtime, true, "public.t", "10490", "1048576", "max.row.bytes: 2097152")
}

func TestARowAboveTheLimitOfATableThatNobodyCapturesIsPassedOver(t *testing.T) { // P70
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY, a text); CREATE TABLE u(id int PRIMARY KEY, a text)")
	s.cfg.MaxRowBytes, s.cfg.TableExclude = 1<<20, patterns(t, "public.u")
	s.exec(t, "INSERT INTO u VALUES (1, repeat('x', 5000000)); INSERT INTO t VALUES (1, 'y')")
	h := &recorder{}
	s.capture(t, h)
	if got, want := strings.Join(h.all(), " "), "begin table public.t(id,a) c public.t after(1,y) commit"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestARowLargerThanTheBufferIsWhole(t *testing.T) { // P70
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY, a text)")
	s.exec(t, "INSERT INTO t VALUES (1, repeat('x', 5000000)), (2, 'y')")
	h := &recorder{}
	s.capture(t, h)
	want := fmt.Sprintf("begin table public.t(id,a) c public.t after(1,%d bytes) c public.t after(2,y) commit", 5000000)
	if got := strings.Join(h.all(), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
