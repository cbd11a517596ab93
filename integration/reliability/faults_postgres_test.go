package reliability

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
	"rdip/integration/workload"
)

// postgresFaults are those of the source and of the way to it.
func postgresFaults() []fault {
	return append([]fault{
		{name: "PostgreSQL is restarted fast, shut down at once and killed with all its processes", modes: both, run: outagesOfPostgres,
			proves: "P54, P66: a server that goes away in each of its ways, a crash with recovery included, and the reconnection after each, lose and reorder nothing.",
			not:    "The machine's memory is not lost: what the server gave to the kernel stays, as fsync=on would have it on the disk."},
		{name: "the walsender, the backends that copy and those that read windows are terminated again and again", modes: both, run: terminatedBackends,
			proves: "P54, P56, G6: a first copy and its windows, whose connections end at moments that rdip does not choose, come to their end; nothing is missing or out of order.",
			not:    "A backend is ended between two of its statements or rows, never within a message."},
		{name: "packets between rdip and PostgreSQL vanish", short: true, modes: both, run: vanishedPackets,
			proves: "P47: a connection whose packets vanish, without a reset or an end, is noticed by its silence and left; so is the attempt to make a new one. Nothing is lost.",
			not:    "Packets of both directions vanish; a connection that loses one direction alone is not tried."},
		{name: "packets between rdip and Kafka vanish", modes: both, run: vanishedKafka,
			proves: "K1, P47, G2: requests and acknowledgements that vanish are sent again on new connections, with order and idempotence kept.",
			not:    "One broker; its leader does not move meanwhile."},
		{name: "the sink stalls for longer than wal_sender_timeout", modes: both, run: stalledSink,
			proves: "P45, G8: the walsender is kept alive while nothing can be delivered, and confirms nothing meanwhile.",
			not:    "The stall is of seconds; hours are the same loop, and were not waited for."},
		{name: "the source's disk is full where it spills what it decodes", modes: both, run: fullSourceDisk,
			proves: "P66: a server that cannot spill a transaction is asked again until there is room, and the transaction then comes whole.",
			not:    "A full disk below pg_wal panics the server, which is its crash (above)."},
	}, append(slotFaults(), failoverFaults()...)...)
}

func ownPostgres(t *testing.T, version int, settings map[string]string) *pgserver.Server {
	t.Helper()
	return testenv.Postgres(t, pgserver.Options{Version: version, Settings: settings})
}

// P54, P66
func outagesOfPostgres(t *testing.T, mode harness.Mode) {
	u := under(t, mode, ownPostgres(t, 18, nil), testenv.SharedKafka(t))
	for _, outage := range []func() error{u.PG.Crash, u.PG.Stop, u.PG.Kill, u.PG.Crash} {
		time.Sleep(700 * time.Millisecond)
		if err := outage(); err != nil {
			t.Fatal(err)
		}
		u.Faulted(1)
		time.Sleep(300 * time.Millisecond)
		if err := u.PG.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	u.judged(t)
}

// P54, P56
func terminatedBackends(t *testing.T, mode harness.Mode) {
	u := &underLoad{Run: mode.Run(t, testenv.SharedPostgres(t, 17), testenv.SharedKafka(t))}
	u.CutOff = true
	u.Setup = u.With("connectors.shop.incremental.snapshot.window.bytes", "32KiB")
	harness.Binary(t)
	u.writes(t)
	u.d = u.Start(t)
	const doomed = `SELECT coalesce(string_agg(kind, ' '), '') FROM (SELECT backend_type || CASE WHEN pg_terminate_backend(pid) THEN '' END AS kind
		FROM pg_stat_activity WHERE application_name LIKE 'rdip%%' AND (datname = '%s' OR backend_type = 'walsender')) b WHERE kind IS NOT NULL`
	hits := 0
	random := rand.New(rand.NewPCG(u.Seed, 5))
	for end := time.Now().Add(20 * time.Second); hits < 8 && time.Now().Before(end); time.Sleep(time.Duration(100+random.IntN(900)) * time.Millisecond) {
		if u.Query(t, fmt.Sprintf(doomed, u.Database)) != "" {
			hits++
		}
	}
	if hits < 4 {
		t.Errorf("only %d moments had something to terminate", hits)
	}
	u.Faulted(hits)
	u.d.WaitFor(t, "state=streaming")
	harness.Eventually(t, "every table to be read", func() bool { return u.allRead(t) })
	u.judged(t)
}

// P47
func vanishedPackets(t *testing.T, mode harness.Mode) {
	cable, pg := testenv.Cable(t), ownPostgres(t, 18, map[string]string{"wal_sender_timeout": "3s"})
	way := testenv.ProxyBehind(t, cable, pg.Addr())
	u := under(t, mode, pg, testenv.SharedKafka(t), "connectors.shop.database.hostname", cable.Host(), "connectors.shop.database.port", fmt.Sprint(way.Port()),
		"connectors.shop.database.connect.timeout.ms", "1000")
	time.Sleep(500 * time.Millisecond)
	before := way.Accepted()
	if err := cable.Unplug(); err != nil {
		t.Fatal(err)
	}
	u.Faulted(1)
	harness.Eventually(t, "rdip to notice the silence, of the log or of the catalog that it was asking", func() bool {
		said := u.d.Out.String()
		return strings.Contains(said, "the server has sent nothing for") || strings.Contains(said, "read: connection timed out")
	})
	if err := cable.Plug(); err != nil {
		t.Fatal(err)
	}
	u.judged(t)
	if now := way.Accepted(); now <= before {
		t.Errorf("no new connection was made: %d before, %d after", before, now)
	}
}

// K1, P47
func vanishedKafka(t *testing.T, mode harness.Mode) {
	cable := testenv.Cable(t)
	kafka := testenv.Kafka(t, kafkaserver.Options{Proxied: true, Cable: cable})
	u := under(t, mode, testenv.SharedPostgres(t, 18), kafka, "bootstrap.servers", kafka.ProxiedBootstrap(), "security.protocol", "PLAINTEXT",
		"request.timeout.ms", "2000")
	for range 2 {
		time.Sleep(700 * time.Millisecond)
		if err := cable.Unplug(); err != nil {
			t.Fatal(err)
		}
		u.Faulted(1)
		harness.Eventually(t, "status to name Kafka", func() bool { return u.d.Status(t).Rdip.WaitingOn != "" })
		time.Sleep(4 * time.Second)
		if err := cable.Plug(); err != nil {
			t.Fatal(err)
		}
	}
	u.judged(t)
}

// P45
func stalledSink(t *testing.T, mode harness.Mode) {
	kafka := testenv.Kafka(t, kafkaserver.Options{})
	u := under(t, mode, ownPostgres(t, 16, map[string]string{"wal_sender_timeout": "2s"}), kafka)
	time.Sleep(500 * time.Millisecond)
	walsender := u.Slot(t, "active_pid")
	if err := kafka.Pause(); err != nil {
		t.Fatal(err)
	}
	u.Faulted(1)
	time.Sleep(time.Second)
	confirmed := u.Slot(t, "confirmed_flush_lsn")
	time.Sleep(6 * time.Second)
	if now := u.Slot(t, "confirmed_flush_lsn"); now != confirmed {
		t.Errorf("the slot went from %s to %s while nothing could be delivered", confirmed, now)
	}
	if now := u.Slot(t, "active_pid"); now != walsender {
		t.Errorf("the walsender was %s and is %q", walsender, now)
	}
	if err := kafka.Resume(); err != nil {
		t.Fatal(err)
	}
	u.judged(t)
}

// P66
func fullSourceDisk(t *testing.T, mode harness.Mode) {
	u := under(t, mode, ownPostgres(t, 15, nil), testenv.SharedKafka(t))
	time.Sleep(500 * time.Millisecond)
	slot := filepath.Join(u.PG.DataDir(), "pg_replslot", u.Prefix)
	info, err := os.Stat(slot)
	if err != nil {
		t.Fatal(err)
	}
	disk := testenv.SmallDisk(t, slot, 1<<20, int(info.Sys().(*syscall.Stat_t).Uid))
	u.Faulted(1)
	u.Exec(t, "INSERT INTO "+workload.Tables[2].Name+" SELECT nextval('keyless_ids'), nextval('versions'), repeat('large ', 60) FROM generate_series(1, 8000)")
	u.d.WaitFor(t, "No space left on device")
	disk.Unmount()
	u.judged(t)
}
