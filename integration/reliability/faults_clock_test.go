package reliability

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/proxy"
)

// skewedTime is what a build's time package has beside its own: seconds that Now adds to the wall clock, and not to the
// monotonic one. A process whose machine's clock is set sees just that.
const skewedTime = `package time

import "sync/atomic"

// Skew is added to the wall clock, in seconds.
var Skew atomic.Int64

func skewed() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = runtimeNow()
	return sec + Skew.Load(), nsec, mono
}
`

// skewingMain has the daemon read its clock's offset from a file.
const skewingMain = `package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

var _ = func() bool {
	go func() {
		for range time.Tick(20 * time.Millisecond) {
			text, _ := os.ReadFile(os.Getenv("RDIP_TEST_SKEW"))
			if seconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
				time.Skew.Store(seconds)
			}
		}
	}()
	return true
}()
`

// skewable builds the daemon with a clock that can be set, by go build's -overlay: no source of rdip or Go is touched.
func skewable(t *testing.T) string {
	t.Helper()
	dir := testenv.SharedFolder(t, "skewable")
	binary := filepath.Join(dir, "rdip")
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	env := func(name string) string {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	std, module := filepath.Join(env("GOROOT"), "src/time"), filepath.Dir(env("GOMOD"))
	clock, err := os.ReadFile(filepath.Join(std, "time.go"))
	if err != nil {
		t.Fatal(err)
	}
	const call = "runtimeNow()\n"
	text := strings.ReplaceAll(string(clock), "sec, nsec, mono := "+call, "sec, nsec, mono := skewed()\n")
	if text == string(clock) {
		t.Fatalf("time.Now of %s does not call %s", env("GOVERSION"), call)
	}
	replace := map[string]string{}
	for path, content := range map[string]string{filepath.Join(std, "time.go"): text, filepath.Join(std, "skew.go"): skewedTime, filepath.Join(module, "cmd/rdip/skew.go"): skewingMain} {
		with := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(with, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = with
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-overlay", path, "-o", binary, "rdip/cmd/rdip").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// skewed is a run whose daemon has such a clock, which set moves, and reaches PostgreSQL through a proxy. Nothing runs yet.
func skewed(t *testing.T, mode harness.Mode, keys ...string) (u *underLoad, way *proxy.Proxy, set func(by time.Duration)) {
	t.Helper()
	binary, skew := skewable(t), filepath.Join(t.TempDir(), "skew")
	set = func(by time.Duration) {
		t.Helper()
		if err := os.WriteFile(skew+".new", []byte(fmt.Sprint(int64(by/time.Second))), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(skew+".new", skew); err != nil {
			t.Fatal(err)
		}
	}
	set(0)
	pg := testenv.SharedPostgres(t, 18)
	way = testenv.Proxy(t, pg.Addr())
	u = &underLoad{Run: mode.Run(t, pg, testenv.SharedKafka(t))}
	u.Path, u.Env = binary, []string{"RDIP_TEST_SKEW=" + skew}
	u.Setup = u.With(append(keys, "connectors.shop.database.port", fmt.Sprint(way.Port()))...)
	return u, way, set
}

// becomes waits until the daemon's clock is off by so much.
func (u *underLoad) becomes(t *testing.T, by time.Duration) {
	t.Helper()
	harness.Eventually(t, fmt.Sprintf("the daemon's clock to be off by %v", by), func() bool { return (u.offset(t) - by).Abs() < time.Minute })
	u.Faulted(1)
}

// D3
func jumpingClock(t *testing.T, mode harness.Mode) {
	u, way, set := skewed(t, mode)
	u.again(t)
	u.writes(t)
	const year = 365 * 24 * time.Hour
	for _, by := range []time.Duration{50 * time.Minute, -10 * year, 0, -time.Hour} {
		set(by)
		u.becomes(t, by)
		way.Reset() // what comes again after a pause, does
		time.Sleep(600 * time.Millisecond)
		u.Converge(t)
		if ready, why := u.d.Ready(t); !ready {
			t.Errorf("with the clock off by %v it is not ready: %s", by, why)
		}
	}
	// Kafka refuses records of more than an hour ahead (message.timestamp.after.max.ms): they wait for the clock.
	set(year)
	u.d.WaitFor(t, "The timestamp of the message is out of acceptable range")
	set(0)
	u.judged(t)
}

// D3: transaction.timeout.ms is not over because a clock says so.
func jumpWithinATransaction(t *testing.T, mode harness.Mode) {
	u, way, set := skewed(t, mode, "transaction.timeout.ms", "30000",
		"connectors.shop.provide.transaction.metadata", "false") // of a table that is not judged, but counted
	u.Exec(t, "CREATE TABLE large(id int PRIMARY KEY, note text)")
	u.again(t)
	const rows = 400_000
	sent := func() (n int) {
		_, text := u.d.Get(t, "/metrics")
		if _, of, ok := strings.Cut(text, `rdip_events_total{connector="shop",op="c",table="public.large"} `); ok {
			_, _ = fmt.Sscan(of, &n)
		}
		return n
	}
	for _, by := range []time.Duration{15 * time.Minute, 0} {
		was := sent()
		u.Exec(t, fmt.Sprintf("INSERT INTO large SELECT i, repeat('x', 100) FROM generate_series(%d, %d) i", was+1, was+rows))
		for deadline := time.Now().Add(harness.Patience); sent() == was; {
			if time.Now().After(deadline) {
				t.Fatal("nothing of a large transaction was sent")
			}
		}
		way.Stall() // what has come of it is in Kafka, and its transaction open
		if n := sent() - was; n == rows {
			t.Fatal("the large transaction was sent before the clock could jump in it")
		}
		set(by)
		u.becomes(t, by)
		time.Sleep(time.Second) // every 300 ms the daemon looks how long the transaction has been open
		way.Pass()
		u.Converge(t)
		if got := len(u.Records(t, "large")); got != was+rows {
			t.Errorf("%d records of %d rows", got, was+rows)
		}
	}
	if log := u.d.Out.String(); strings.Contains(log, "transaction.timeout.ms") {
		t.Errorf("a transaction was given up:\n%s", log)
	}
	u.writes(t)
	u.judged(t)
}

// offset is how far the daemon's clock is from ours, as its answers say.
func (u *underLoad) offset(t *testing.T) time.Duration {
	t.Helper()
	answer, err := http.Get(u.d.REST(t) + "/health/live")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	at, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		t.Fatal(err)
	}
	return time.Until(at)
}
