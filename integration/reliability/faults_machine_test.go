package reliability

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
)

// machineFaults are those of the machine that rdip runs on.
func machineFaults() []fault {
	return []fault{
		{name: "the process sleeps for longer than its servers wait, as a laptop does", modes: both, run: sleepingProcess,
			proves: "P45, P47, D5: a process that wakes up without a walsender, and with requests that timed out, goes on where it was.",
			not:    "The clock that timers go by runs on meanwhile, which a suspended machine's may not. Exactly once: transaction.timeout.ms is not outslept here."},
		{name: "the wall clock jumps by years, forwards and backwards", modes: both, run: jumpingClock,
			proves: "D3: with time.Now almost an hour ahead, ten years behind and back again, the stream, its acknowledgements, timers and reconnections go on. A year ahead Kafka refuses the records for their times; they come, whole and in order, once the clock is right.",
			not:    "The clock is that of rdip's own code and libraries, by a build whose time package adds an offset that the test sets; the machine's clock, and the servers', stay."},
		{name: "the wall clock jumps while a long transaction is being sent", modes: []harness.Mode{harness.ExactlyOnce}, run: jumpWithinATransaction,
			proves: "D3: a quarter of an hour forwards, and back, in the middle of a transaction of 400 000 rows neither ends the connector nor starts it again: transaction.timeout.ms is time, and not what the clock says.",
			not:    "The brokers' clocks stay; a machine that is suspended for longer than transaction.timeout.ms is not tried."},
		{name: "file descriptors run out while connections break", modes: both, run: noDescriptors,
			proves: "D6: a connection that cannot be made for want of a descriptor is tried again, as any that passes by itself.",
			not:    "The state file is open already; a start without descriptors is not tried."},
		{name: "memory is scarce while large rows are written", modes: []harness.Mode{harness.AtLeastOnce}, run: scarceMemory,
			proves: "G8, D4: with an eighth of what is written as data segment, the kernel refusing more, the process does not die.",
			not:    "RLIMIT_DATA bounds what the process maps, and not the page cache or the kernel's socket buffers, as a control group would."},
		{name: "SIGTERM comes again and again, at random moments and twice", modes: both, run: stormOfTerms,
			proves: "D2: a stop at any moment, that of the start included, ends by itself or at the second signal, and loses nothing.",
			not:    ""},
	}
}

// P45, P47
func sleepingProcess(t *testing.T, mode harness.Mode) {
	u := under(t, mode, ownPostgres(t, 18, map[string]string{"wal_sender_timeout": "2s"}), testenv.SharedKafka(t),
		"request.timeout.ms", "2000")
	for range 2 {
		time.Sleep(500 * time.Millisecond)
		walsender := u.Slot(t, "active_pid")
		u.frozen(t, func() {
			harness.Eventually(t, "the server to give the walsender up", func() bool { return u.Slot(t, "active") == "false" })
			time.Sleep(3 * time.Second)
		})
		u.Faulted(1)
		harness.Eventually(t, "another walsender", func() bool { now := u.Slot(t, "active_pid"); return now != "" && now != walsender })
	}
	u.judged(t)
}

// D6
func noDescriptors(t *testing.T, mode harness.Mode) {
	kafka := testenv.Kafka(t, kafkaserver.Options{Proxied: true})
	pg := testenv.SharedPostgres(t, 18)
	way := testenv.Proxy(t, pg.Addr())
	u := under(t, mode, pg, kafka, "bootstrap.servers", kafka.ProxiedBootstrap(), "connectors.shop.database.port", fmt.Sprint(way.Port()))
	time.Sleep(500 * time.Millisecond)
	limit := u.limited(t, unix.RLIMIT_NOFILE, 10)
	way.Reset()
	kafka.Brokers[0].Proxy().Reset()
	u.d.WaitFor(t, "too many open files")
	time.Sleep(time.Second)
	limit()
	u.Faulted(1)
	u.judged(t)
}

// limited sets a limit of the running daemon, and gives what takes it back.
func (u *underLoad) limited(t *testing.T, resource int, n uint64) (lifted func()) {
	t.Helper()
	var before unix.Rlimit
	pid := u.d.Cmd.Process.Pid
	if err := unix.Prlimit(pid, resource, nil, &before); err != nil {
		t.Fatal(err)
	}
	set := func(cur uint64) {
		t.Helper()
		if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: cur, Max: before.Max}, nil); err != nil {
			t.Fatal(err)
		}
	}
	set(n)
	return func() { set(before.Cur) }
}

// G8, D4
func scarceMemory(t *testing.T, mode harness.Mode) {
	u := &underLoad{Run: mode.Run(t, testenv.Postgres(t, pgserver.Options{Version: 18}), testenv.SharedKafka(t))}
	u.Tags = []string{harness.Released}
	u.Setup = u.With("memory.budget", "8MiB", "connectors.shop.topic.creation.default.max.message.bytes", "8388608", "max.request.size", "8388608")
	u.again(t)
	u.writes(t)
	harness.SnapshotDone(t, u.d)
	u.limited(t, unix.RLIMIT_DATA, u.dataSegment(t)+48<<20)
	u.Faulted(1)
	for i := range 80 { // 400 MB
		u.Exec(t, fmt.Sprintf("INSERT INTO audited SELECT %d + i, nextval('versions'), 'large', repeat(md5(random()::text), 32768) FROM generate_series(1, 5) i", 1_000_000+10*i))
	}
	u.judged(t)
}

// dataSegment is what RLIMIT_DATA counts of the daemon, in bytes (proc(5): VmData).
func (u *underLoad) dataSegment(t *testing.T) uint64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", u.d.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmData:")
	kb, err := strconv.ParseUint(strings.Fields(after)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// D2
func stormOfTerms(t *testing.T, mode harness.Mode) {
	u := under(t, mode, testenv.SharedPostgres(t, 15), testenv.SharedKafka(t))
	random := rand.New(rand.NewPCG(u.Seed, 3))
	for i := range 8 {
		time.Sleep(time.Duration(random.Int64N(int64(1500 * time.Millisecond))))
		_ = u.d.Cmd.Process.Signal(syscall.SIGTERM)
		if i%3 == 2 {
			time.Sleep(time.Duration(random.Int64N(int64(100 * time.Millisecond))))
			_ = u.d.Cmd.Process.Signal(syscall.SIGTERM)
		}
		switch code := u.d.Wait(t, harness.Patience); {
		case code == harness.ExitDone:
		case code == harness.ExitNotDrained && i%3 == 2:
		case u.d.Cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM: // before it asked to be told
		default:
			t.Errorf("exit code %d:\n%s", code, u.d.Out.String())
		}
		u.Faulted(1)
		u.d = u.Start(t)
	}
	u.d.WaitFor(t, "state=streaming")
	u.judged(t)
}
