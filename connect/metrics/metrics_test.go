package metrics

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write docs/METRICS.md")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type fixed []ConnectorStats

func (f fixed) Snapshot() []ConnectorStats { return f }

func scrape(t *testing.T, s Source) string {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(NewRegistry(Build{Version: "1.2.3", Commit: "abc"}, s)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func busy() ConnectorStats {
	var latency, offsets Histogram
	latency.Observe(3*time.Millisecond, 10)
	offsets.Observe(400*time.Microsecond, 1)
	return ConnectorStats{
		Name: "shop", State: "RUNNING", Batches: 3, Records: 1200, Bytes: 99000,
		Tables: []TableStats{
			{Table: "public.orders", Reads: 1000, Creates: 7, Updates: 5, Deletes: 3, Truncates: 1, SnapshotRows: 1000, SnapshotTotal: 1100, SnapshotChunksLeft: 4, SnapshotPace: 250, SnapshotSeconds: 1},
			{Table: "public.bad", Stopped: true, Retained: 5120, SnapshotRows: Unknown, SnapshotTotal: Unknown},
		},
		LagBytes: 4096, Lag: 1500 * time.Millisecond, RetainedBytes: 1 << 20, RetainLimitBytes: 1 << 30, QueueBytes: 77, BudgetBytes: 32 << 20,
		LastEvent: time.Now().Add(-2 * time.Second), LastWire: time.Now().Add(time.Hour),
		CommitLatency: latency.Counts(), OffsetCommits: offsets.Counts(), OffsetErrors: 4, Reconnects: 2,
		Undelivered: []UndeliveredStats{{Table: "public.bad", Reason: "value", N: 8}, {Table: "public.bad", Reason: "size", Skipped: true, N: 9}},
		Errors:      []Count{{"runtime", 5}}, RegistryRequests: []Count{{"ok", 6}, {"unreachable", 1}},
	}
}

func TestAScrapeShowsWhatTheRuntimeCounted(t *testing.T) {
	text := scrape(t, fixed{busy()})
	for _, line := range []string{
		`rdip_build_info{commit="abc",go_version="`,
		`rdip_connector_state{connector="shop",state="RUNNING"} 1`,
		`rdip_connector_state{connector="shop",state="FAILED"} 0`,
		`rdip_events_total{connector="shop",op="r",table="public.orders"} 1000`,
		`rdip_events_total{connector="shop",op="c",table="public.orders"} 7`,
		`rdip_events_total{connector="shop",op="u",table="public.orders"} 5`,
		`rdip_events_total{connector="shop",op="d",table="public.orders"} 3`,
		`rdip_events_total{connector="shop",op="t",table="public.orders"} 1`,
		`rdip_records_total{connector="shop"} 1200`,
		`rdip_bytes_total{connector="shop"} 99000`,
		`rdip_batches_total{connector="shop"} 3`,
		`rdip_snapshot_rows{connector="shop",table="public.orders"} 1000`,
		`rdip_snapshot_rows_expected{connector="shop",table="public.orders"} 1100`,
		`rdip_snapshot_chunks_left{connector="shop",table="public.orders"} 4`,
		`rdip_snapshot_rows_per_second{connector="shop",table="public.orders"} 250`,
		`rdip_snapshot_seconds_left{connector="shop",table="public.orders"} 1`,
		`rdip_table_retained_bytes{connector="shop",table="public.bad"} 5120`,
		`rdip_dead_letters_total{connector="shop",reason="value",table="public.bad"} 8`,
		`rdip_rows_skipped_total{connector="shop",reason="size",table="public.bad"} 9`,
		`rdip_lag_bytes{connector="shop"} 4096`,
		`rdip_lag_seconds{connector="shop"} 1.5`,
		`rdip_retained_bytes{connector="shop"} 1.048576e+06`,
		`rdip_retained_limit_bytes{connector="shop"} 1.073741824e+09`,
		`rdip_last_event_age_seconds{connector="shop"} 2.`,
		`rdip_last_wire_age_seconds{connector="shop"} 0`, // D3: a clock that went back gives no negative age
		`rdip_commit_latency_seconds_bucket{connector="shop",le="0.002"} 0`,
		`rdip_commit_latency_seconds_bucket{connector="shop",le="0.004"} 10`,
		`rdip_commit_latency_seconds_count{connector="shop"} 10`,
		`rdip_commit_latency_seconds_sum{connector="shop"} 0.03`,
		`rdip_queue_bytes{connector="shop"} 77`,
		`rdip_queue_budget_bytes{connector="shop"} 3.3554432e+07`,
		`rdip_offset_commit_seconds_count{connector="shop"} 1`,
		`rdip_offset_commit_errors_total{connector="shop"} 4`,
		`rdip_reconnects_total{connector="shop"} 2`,
		`rdip_errors_total{connector="shop",kind="runtime"} 5`,
		`rdip_tables_stopped{connector="shop"} 1`,
		`rdip_registry_requests_total{connector="shop",outcome="unreachable"} 1`,
		"go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s", line)
		}
	}
	for i := range definitions {
		if !strings.Contains(text, "# TYPE "+definitions[i].name+" "+string(definitions[i].kind)+"\n") {
			t.Errorf("%s is not scraped as a %s", definitions[i].name, definitions[i].kind)
		}
	}
}

func TestWhatIsNotKnownIsAbsentAndNotZero(t *testing.T) {
	text := scrape(t, fixed{{Name: "shop", LagBytes: Unknown, Lag: Unknown, RetainedBytes: Unknown, RetainLimitBytes: Unknown,
		Tables: []TableStats{{Table: "public.a", SnapshotRows: Unknown, SnapshotTotal: Unknown, SnapshotChunksLeft: Unknown, SnapshotPace: Unknown, SnapshotSeconds: Unknown}}}})
	for _, name := range []string{"rdip_lag_bytes", "rdip_lag_seconds", "rdip_retained_bytes", "rdip_retained_limit_bytes",
		"rdip_last_event_age_seconds", "rdip_last_wire_age_seconds", "rdip_snapshot_rows", "rdip_snapshot_rows_expected",
		"rdip_snapshot_chunks_left", "rdip_snapshot_rows_per_second", "rdip_snapshot_seconds_left", "rdip_events_total"} {
		if strings.Contains(text, name+"{") {
			t.Errorf("%s is there", name)
		}
	}
}

func TestAScrapeSurvivesAnyNameAndNoConnector(t *testing.T) {
	scrape(t, fixed{})
	text := scrape(t, fixed{{Name: "a\xff", Tables: []TableStats{{Table: "public.\"\n\xfe", Creates: 1}}}})
	if !strings.Contains(text, `rdip_events_total{connector="a`+"\uFFFD"+`",op="c",table="public.\"\n`+"\uFFFD"+`"} 1`) {
		t.Errorf("not escaped:\n%s", text)
	}
}

func TestMetricsAreNamedAsPrometheusWants(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, fixed{busy()}))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "rdip_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	seen := map[string]bool{}
	for i := range definitions {
		d := &definitions[i]
		if !regexp.MustCompile(`^rdip_[a-z_]+$`).MatchString(d.name) || seen[d.name] || !strings.HasSuffix(d.help, ".") {
			t.Errorf("%s: name, or help %q", d.name, d.help)
		}
		if (d.kind == histogram) != (d.counts != nil) || (d.kind == histogram) == (d.values != nil) {
			t.Errorf("%s: read as something else than a %s", d.name, d.kind)
		}
		seen[d.name] = true
	}
}

func TestTheDocumentIsWhatTheCodeSays(t *testing.T) {
	const path = "../../docs/METRICS.md"
	var want bytes.Buffer
	if err := WriteMarkdown(&want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("docs/METRICS.md is not what the code says (%v): go test ./connect/metrics -update", err)
	}
	for i := range definitions {
		if !strings.Contains(string(got), "`"+definitions[i].name+"`") {
			t.Errorf("%s is not documented", definitions[i].name)
		}
	}
	for _, name := range regexp.MustCompile(`rdip_[a-z_]+[a-z]`).FindAllString(string(got), -1) {
		if name != buildInfoName && !defined(name) {
			t.Errorf("%s is documented and does not exist", name)
		}
	}
}

func defined(name string) bool {
	for i := range definitions {
		if definitions[i].name == name {
			return true
		}
	}
	return false
}

func TestADurationIsCountedAtOrBelowItsBound(t *testing.T) {
	for d, want := range map[time.Duration]int{
		-time.Second: 0, 0: 0, firstBound: 0, firstBound + 1: 1, 2 * firstBound: 1, 2*firstBound + 1: 2,
		firstBound << (bounds - 1): bounds - 1, firstBound<<(bounds-1) + 1: bounds, 24 * time.Hour: bounds,
	} {
		var h Histogram
		h.Observe(d, 2)
		c := h.Counts()
		if c.Buckets[want] != 2 {
			t.Errorf("%v is not in bucket %d: %v", d, want, c.Buckets)
		}
		if c.Sum != 2*max(d, 0) {
			t.Errorf("%v: sum %v", d, c.Sum)
		}
	}
}

func TestAQuantileIsTheBoundOfItsBucket(t *testing.T) {
	var h Histogram
	if q := h.Counts().Quantile(0.5); q != 0 {
		t.Errorf("of nothing: %v", q)
	}
	h.Observe(time.Millisecond, 90)
	h.Observe(100*time.Millisecond, 10)
	for q, want := range map[float64]time.Duration{0: time.Millisecond, 0.5: time.Millisecond, 0.9: time.Millisecond, 0.99: 128 * time.Millisecond, 1: 128 * time.Millisecond} {
		if got := h.Counts().Quantile(q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
}

func TestObservingAllocatesNothingAndLosesNothing(t *testing.T) {
	var h Histogram
	if n := testing.AllocsPerRun(100, func() { h.Observe(time.Millisecond, 3) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	h = Histogram{}
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for range 1000 {
				h.Observe(rand.N(time.Second), 1)
			}
		})
	}
	done.Wait()
	if count, _ := h.Counts().cumulative(); count != 8000 {
		t.Errorf("%d counted", count)
	}
}
