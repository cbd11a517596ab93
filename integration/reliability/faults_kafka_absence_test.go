package reliability

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
	"rdip/integration/usage"
)

// residentBound is what the daemon may have resident with the default memory.budget, in bytes.
const residentBound = 64 << 20

// absenceFaults are brokers that take nothing, or little, for long.
func absenceFaults() []fault {
	return []fault{
		{name: "the sink is away for long while the source writes much", modes: both, // K1, G8, P45
			proves: "resident memory of the released binary stays below 64 MiB with the default budget whatever the source writes; the walsender, which ends a silent client after 2 s, is the same before and after; then everything arrives",
			not:    "hours: what grows with time and not with bytes would be seen in a soak only; the log that PostgreSQL keeps meanwhile is its disk's",
			run:    sinkAway},
		{name: "the broker throttles the producer by a quota", modes: both, // K1
			proves: "answers that come late and carry a throttle time hold reading back and lose nothing",
			not:    "quotas on requests, or of users",
			run:    throttled},
	}
}

func sinkAway(t *testing.T, mode harness.Mode) {
	pg := testenv.Postgres(t, pgserver.Options{Version: 18, Settings: map[string]string{"wal_sender_timeout": "2s"}})
	r := mode.Run(t, pg, testenv.Kafka(t, kafkaserver.Options{}))
	r.Tags = []string{harness.Released}
	l := load(t, r)
	l.goesOn(t, 500*time.Millisecond)
	walsender := l.Slot(t, "active_pid")
	must(t, l.Kafka.Pause())
	l.Faulted(1)
	defer func() { _ = l.Kafka.Resume() }()
	before := l.Query(t, "SELECT pg_current_wal_insert_lsn()::text")
	for i := range 12 { // 100 rows of 33 KB each time, which the log has twice: the old row and the new one
		l.Exec(t, fmt.Sprintf("INSERT INTO audited SELECT %d + i, nextval('versions'), 'committed', repeat(md5(i::text), 1024) FROM generate_series(1, 100) i", 10000+1000*i),
			fmt.Sprintf("UPDATE audited SET version = nextval('versions'), body = body || 'x' WHERE id > %d", 10000+1000*i))
		time.Sleep(400 * time.Millisecond)
	}
	harness.Eventually(t, "status to say that Kafka is waited for", func() bool { return strings.Contains(l.daemon.Status(t).Rdip.WaitingOn, "Kafka") })
	t.Logf("%s bytes of log were written meanwhile", l.Query(t, "SELECT (pg_current_wal_insert_lsn() - '"+before+"')::text"))
	if now := l.Slot(t, "active_pid"); now != walsender {
		t.Errorf("the walsender was %s and is %q: keepalives were not answered", walsender, now)
	}
	must(t, l.Kafka.Resume())
	l.goesOn(t, time.Second)
	peak, err := usage.Peak(l.daemon.Cmd.Process.Pid)
	must(t, err)
	t.Logf("%.1f MiB resident at most", float64(peak)/(1<<20))
	if peak >= residentBound {
		t.Errorf("%.1f MiB were resident, the bound is %d", float64(peak)/(1<<20), residentBound>>20)
	}
	if now := l.Slot(t, "active_pid"); now != walsender {
		t.Errorf("the walsender was %s and is %q in the end", walsender, now)
	}
	l.endWithoutRepeats(t)
}

func throttled(t *testing.T, mode harness.Mode) {
	l := load(t, mode.Run(t, testenv.SharedPostgres(t, 18), testenv.Kafka(t, kafkaserver.Options{})))
	l.goesOn(t, 500*time.Millisecond)
	must(t, l.Kafka.Throttle(30_000))
	l.Faulted(1)
	time.Sleep(5 * time.Second)
	must(t, l.Kafka.Throttle(0))
	l.goesOn(t, 500*time.Millisecond)
	l.endWithoutRepeats(t)
}
