package postgres

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"rdip/integration/testenv"
	"rdip/internal/fault"
)

// senderTimeout sets wal_sender_timeout for every session of the database, replication included.
func (s *logServer) senderTimeout(t *testing.T, text string) {
	t.Helper()
	s.exec(t, "ALTER DATABASE "+quoteIdentifier(s.db)+" SET wal_sender_timeout = "+quoteLiteral(text))
}

func TestTheServerHearsFromUsWhileTheHandlerIsBlocked(t *testing.T) { // P45, and P47: blocked time is no silence
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY, a text)")
	s.senderTimeout(t, "1s")
	h := &recorder{quiet: true, gate: make(chan struct{}), entered: make(chan struct{}, 1)}
	s.exec(t, "INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i") // more than the sockets hold
	r := s.run(t, 0, h)
	<-h.entered
	pid := s.askSlot(t, "active_pid")

	time.Sleep(4 * time.Second) // four times the server's patience, and more than our own limit of silence
	if now := s.askSlot(t, "active_pid"); now != pid || pid == "" {
		t.Fatalf("the walsender was PID %s and is %q: the server has given the stream up", pid, now)
	}
	close(h.gate)
	eventually(t, "every row arrives", func() bool { return h.count() == 20000 })
	if now := s.askSlot(t, "active_pid"); now != pid {
		t.Errorf("the walsender was PID %s and is %q", pid, now)
	}
	if err := r.stop(t); err != context.Canceled {
		t.Error(err)
	}
}

func TestTheServerIsToldOnATimerWhatIsDurableAndNothingElse(t *testing.T) { // P44, P46, G4
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY)")
	s.senderTimeout(t, "0") // the server never asks
	s.cfg.StatusInterval = 100 * time.Millisecond
	before := s.confirmed(t)
	s.exec(t, "INSERT INTO t VALUES (1)")
	s.exec(t, "INSERT INTO t VALUES (2)")
	h := &recorder{}
	s.run(t, 0, h)
	eventually(t, "both commits arrive", func() bool { return len(h.all()) >= 7 })
	eventually(t, "an answer to a keepalive has come while nothing was confirmed", func() bool {
		return s.ask(t, "SELECT (reply_time > backend_start)::text FROM pg_stat_replication WHERE pid = "+s.askSlot(t, "active_pid")) == "true"
	})
	if got := s.confirmed(t); got != before {
		t.Fatalf("the slot stands at %s, though nothing was confirmed behind %s", lsnText(got), lsnText(before))
	}
	s.wire.confirm(h.commits[0])
	eventually(t, "the slot follows the first commit", func() bool { return s.confirmed(t) == h.commits[0] })
	s.wire.confirm(before)
	s.wire.confirm(h.commits[1])
	eventually(t, "the slot follows the second commit", func() bool { return s.confirmed(t) == h.commits[1] })
	reported := s.ask(t, "SELECT concat(write_lsn, ' ', flush_lsn, ' ', replay_lsn) FROM pg_stat_replication WHERE pid = "+s.askSlot(t, "active_pid"))
	if want := strings.TrimSpace(strings.Repeat(lsnText(h.commits[1])+" ", 3)); reported != want {
		t.Errorf("written, flushed and replayed are %s, want %s: a synchronous commit must not be released by what is only received", reported, want)
	}
}

func TestTheSlotAdvancesWhileCapturedTablesAreIdle(t *testing.T) { // P43
	for name, every := range map[string]time.Duration{"by keepalives": 0, "by heartbeats": 50 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			s := shared(t, "CREATE TABLE t(id int PRIMARY KEY); CREATE TABLE busy(id int)")
			s.exec(t, "ALTER PUBLICATION "+quoteIdentifier(s.cfg.PublicationName)+" RENAME TO other; CREATE PUBLICATION "+quoteIdentifier(s.cfg.PublicationName)+" FOR TABLE t")
			s.cfg.HeartbeatInterval = every
			h := &recorder{confirm: s.wire.confirm}
			s.run(t, 0, h)
			s.exec(t, "INSERT INTO busy SELECT generate_series(1, 1000)")
			place := s.end(t)
			eventually(t, "the slot passes what others wrote", func() bool { return s.confirmed(t) >= place })
			beats := strings.Count(strings.Join(h.all(), "\n"), "message true rdip.heartbeat "+s.cfg.SlotName)
			if (beats > 0) != (every > 0) {
				t.Errorf("%d heartbeats", beats)
			}
		})
	}
}

func TestNoHeartbeatIsWrittenWhileCapturedTablesAreBusyOrOneIsOnItsWay(t *testing.T) {
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY)")
	s.cfg.HeartbeatInterval = 20 * time.Millisecond
	h := &recorder{gate: make(chan struct{}), entered: make(chan struct{}, 1)}
	peek := quoteLiteral(s.cfg.SlotName + "_peek")
	s.exec(t, "SELECT pg_create_logical_replication_slot("+peek+", 'test_decoding')")
	t.Cleanup(func() { s.ask(t, "SELECT pg_drop_replication_slot("+peek+")::text") })
	s.exec(t, "INSERT INTO t VALUES (1)")
	s.run(t, 0, h)
	<-h.entered
	eventually(t, "a heartbeat is written while the stream is held up", func() bool { return s.messages(t) > 0 })
	time.Sleep(300 * time.Millisecond) // fifteen intervals
	if n := s.messages(t); n != 1 {
		t.Errorf("%d heartbeats were written, though the first had not come back", n)
	}
	close(h.gate)
	eventually(t, "it comes back and others follow", func() bool { return s.wire.beats.Load() > 1 })
}

// messages counts the logical messages in the log, as a slot beside ours sees them.
func (s *logServer) messages(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(s.ask(t, "SELECT count(*)::text FROM pg_logical_slot_peek_changes("+quoteLiteral(s.cfg.SlotName+"_peek")+", NULL, NULL) WHERE data LIKE 'message%rdip.heartbeat%'"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestABlackHoledServerIsNoticed(t *testing.T) { // P47
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY)")
	s.senderTimeout(t, "1s")
	p := testenv.Proxy(t, s.server.Addr())
	s.cfg.Port = p.Port()
	h := &recorder{}
	r := s.run(t, 0, h)
	s.exec(t, "INSERT INTO t VALUES (1)")
	eventually(t, "the stream runs", func() bool { return h.count() == 1 && s.wire.connected.Load() })
	last := s.wire.lastWire.Load()
	p.Blackhole()
	err := r.wait(t)
	var f *fault.Error
	if !errors.As(err, &f) || f.Permanent || !strings.Contains(err.Error(), "sent nothing for") {
		t.Errorf("got %v", err)
	}
	if s.wire.connected.Load() {
		t.Error("the stream still counts as connected")
	}
	if s.wire.lastWire.Load() < last {
		t.Error("the time of the last bytes went back")
	}
}

func TestAWriteIntoADeadConnectionDoesNotHang(t *testing.T) { // P47
	here, there := net.Pipe() // nobody reads there, so that a write without a deadline would never end
	defer there.Close()
	defer here.Close()
	failed := make(chan error, 1)
	k := newKeepalive(here, newProgress(), func() time.Duration { return 0 }, time.Millisecond, time.Hour, func(err error) { failed <- err })
	k.patience = 10 * time.Millisecond
	go k.run(make(chan struct{}))
	select {
	case err := <-failed:
		if fault.IsPermanent(err) {
			t.Error("a lost connection is permanent")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the write hangs")
	}
}

func TestTimingFollowsTheServersPatience(t *testing.T) {
	for name, c := range map[string]struct{ server, configured, every, limit time.Duration }{
		"a third of the server's timeout":               {15 * time.Second, 10 * time.Second, 5 * time.Second, 15 * time.Second},
		"at most ten seconds":                           {time.Minute, 0, 10 * time.Second, time.Minute},
		"the configured interval where that is shorter": {time.Minute, time.Second, time.Second, time.Minute},
		"a timer of our own where the server has none":  {0, 10 * time.Second, 10 * time.Second, 30 * time.Second},
		"a second of patience is not taken literally":   {900 * time.Millisecond, 0, 300 * time.Millisecond, 3 * time.Second},
		"an hour of patience is not shared":             {time.Hour, 0, 10 * time.Second, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			if every, limit := timing(c.server, c.configured); every != c.every || limit != c.limit {
				t.Errorf("got %s and %s, want %s and %s", every, limit, c.every, c.limit)
			}
		})
	}
}
