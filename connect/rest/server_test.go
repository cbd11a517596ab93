package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rdip/connect/metrics"
	"rdip/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixed is a runtime that stands still.
type fixed []Connector

func (f fixed) Info() Info {
	return Info{Version: "1.2.3", Commit: "abc", KafkaClusterID: "4L6g3nShT-eMCtK"}
}
func (f fixed) Connectors() []Connector { return f }
func (f fixed) Plugins() []Plugin {
	return []Plugin{{Class: "postgres", Type: "source", Version: "1.2.3"}}
}
func (f fixed) Snapshot() []metrics.ConnectorStats {
	stats := make([]metrics.ConnectorStats, len(f))
	for i := range f {
		stats[i] = f[i].Stats
	}
	return stats
}

func shop() Connector {
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var latency metrics.Histogram
	latency.Observe(3*time.Millisecond, 5)
	return Connector{
		Name: "shop", Type: "source", State: Running, Tasks: []Task{{ID: 0, State: Running}},
		Config:   map[string]string{"connector.class": "postgres", "topic.prefix": "shop"},
		Topics:   []string{"shop.public.orders", "shop.public.customers"},
		Server:   "shop",
		Position: `{"lsn":24023128}`,
		Started:  started, LastProgress: started,
		Stats: metrics.ConnectorStats{
			Name: "shop", LagBytes: 4096, Lag: 1500 * time.Millisecond, RetainedBytes: 1 << 20, RetainLimitBytes: metrics.Unknown,
			QueueBytes: 7, BudgetBytes: 100, LastWire: started, CommitLatency: latency.Counts(), Records: 12, Bytes: 345, Reconnects: 1,
			Errors: []metrics.Count{{Kind: "runtime", N: 2}},
			Tables: []metrics.TableStats{
				{Table: "public.orders", Reads: 10, Creates: 3, Updates: 2, Deletes: 1, SnapshotRows: 10, SnapshotTotal: 12},
				{Table: "public.bad", SnapshotRows: metrics.Unknown, SnapshotTotal: metrics.Unknown, Stopped: true},
			},
		},
		WaitingOn: `subject "shop.public.orders-value"`, Detail: "slot rdip_shop",
		Snapshot: Snapshot{State: SnapshotRunning, Started: started, Done: 0.75, RowsPerSecond: 5, Left: 1600 * time.Millisecond},
		Tables: map[string]Table{
			"public.orders": {Topic: "shop.public.orders"},
			"public.bad":    {Topic: "shop.public.bad", Stopped: "R2: incompatible schema", Position: `{"lsn":7}`},
		},
	}
}

// start serves the runtime on a free port, and ends with the test.
func start(t *testing.T, o Options) (*Server, string) {
	t.Helper()
	o.Address = "127.0.0.1:0"
	if o.Metrics == nil {
		o.Metrics = metrics.Handler(metrics.NewRegistry(metrics.Build{}, fixed{}))
	}
	s, err := Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s, "http://" + s.Addr().String()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, strings.TrimSpace(string(b))
}

func TestAnswersHaveConnectsForm(t *testing.T) {
	failed := Connector{Name: "a/b", Type: "source", State: Failed, Trace: "slot lost", Tasks: []Task{{ID: 0, State: Failed, Trace: "slot lost"}},
		Stats: metrics.ConnectorStats{}}
	s, base := start(t, Options{Runtime: fixed{shop(), failed}})
	worker := s.Addr().String()
	info := `{"name":"shop","config":{"connector.class":"postgres","topic.prefix":"shop"},"tasks":[{"connector":"shop","task":0}],"type":"source"}`
	for path, want := range map[string]string{
		"/":                                `{"version":"1.2.3","commit":"abc","kafka_cluster_id":"4L6g3nShT-eMCtK"}`,
		"/connectors":                      `["shop","a/b"]`,
		"/connectors/":                     `["shop","a/b"]`,
		"/connectors/shop":                 info,
		"/connectors/shop/":                info,
		"/connectors/a%2Fb":                `{"name":"a/b","config":{},"tasks":[{"connector":"a/b","task":0}],"type":"source"}`,
		"/connectors/shop/config":          `{"connector.class":"postgres","topic.prefix":"shop"}`,
		"/connectors/shop/topics":          `{"shop":{"topics":["shop.public.customers","shop.public.orders"]}}`,
		"/connectors/a%2Fb/topics":         `{"a/b":{"topics":[]}}`,
		"/connectors/shop/offsets":         `{"offsets":[{"partition":{"server":"shop"},"offset":{"lsn":24023128}}]}`,
		"/connectors/a%2Fb/offsets":        `{"offsets":[]}`,
		"/connectors/shop/tasks":           `[{"id":{"connector":"shop","task":0},"config":{"connector.class":"postgres","topic.prefix":"shop"}}]`,
		"/connectors/shop/tasks/0/status":  `{"id":0,"state":"RUNNING","worker_id":"` + worker + `"}`,
		"/connectors/a%2Fb/tasks/0/status": `{"id":0,"state":"FAILED","worker_id":"` + worker + `","trace":"slot lost"}`,
		"/connector-plugins":               `[{"class":"postgres","type":"source","version":"1.2.3"}]`,
		"/connectors?expand=unknown":       `{"a/b":{},"shop":{}}`,
	} {
		if code, got := get(t, base+path); code != 200 || got != want {
			t.Errorf("GET %s: %d\n got %s\nwant %s", path, code, got, want)
		}
	}
	var expanded map[string]Expanded
	_, text := get(t, base+"/connectors?expand=info&expand=status")
	if err := json.Unmarshal([]byte(text), &expanded); err != nil {
		t.Fatal(err)
	}
	e := expanded["a/b"]
	if e.Info == nil || e.Status == nil || e.Status.Connector != (WorkerState{State: Failed, WorkerID: worker, Trace: "slot lost"}) || e.Status.Tasks[0].Trace != "slot lost" {
		t.Errorf("got %s", text)
	}
}

// What is unknown is null, never 0 (P68: the retained log and its limit are in the status).
func TestTheStatusHasOurDetails(t *testing.T) {
	s, base := start(t, Options{Runtime: fixed{shop()}})
	_, got := get(t, base+"/connectors/shop/status")
	want := `{"name":"shop","connector":{"state":"RUNNING","worker_id":"` + s.Addr().String() + `"},` +
		`"tasks":[{"id":0,"state":"RUNNING","worker_id":"` + s.Addr().String() + `"}],"type":"source","rdip":{` +
		`"waiting_on":"subject \"shop.public.orders-value\"","detail":"slot rdip_shop","position":{"lsn":24023128},` +
		`"delivery":"at least once","lag_bytes":4096,"lag_ms":1500,"retained_bytes":1048576,"retained_limit_bytes":null,"queue_bytes":7,"queue_budget_bytes":100,` +
		`"started":"2026-01-02T03:04:05Z","last_wire":"2026-01-02T03:04:05Z","last_progress":"2026-01-02T03:04:05Z",` +
		`"events":16,"records":12,"bytes":345,"latency_p50_ms":4,"latency_p99_ms":4,"reconnects":1,"errors":{"runtime":2},"offset_commit_errors":0,` +
		`"snapshot":{"state":"running","started":"2026-01-02T03:04:05Z","rows":10,"rows_expected":12,"tables":1,"done":0.75,"rows_per_second":5,"seconds_left":2},"tables":[` +
		`{"table":"public.orders","topic":"shop.public.orders","reads":10,"creates":3,"updates":2,"deletes":1,"truncates":0,"snapshot_rows":10,"snapshot_rows_expected":12},` +
		`{"table":"public.bad","topic":"shop.public.bad","reads":0,"creates":0,"updates":0,"deletes":0,"truncates":0,"snapshot_rows":null,"snapshot_rows_expected":null,` +
		`"stopped":"R2: incompatible schema","stopped_at":{"lsn":7}}],"tables_stopped":1}}`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	var status ConnectorStatus // as rdip status reads it
	if err := json.Unmarshal([]byte(got), &status); err != nil || *status.Rdip.LagBytes != 4096 || status.Rdip.RetainedLimitBytes != nil {
		t.Errorf("%+v, %v", status, err)
	}
}

func TestAPositionThatIsNoObjectIsPutIntoOne(t *testing.T) {
	c := shop()
	for position, want := range map[string]string{
		`{"a":1}`:   `{"a":1}`,
		"0/16B3748": `{"position":"0/16B3748"}`,
		`{"broken`:  `{"position":"{\"broken"}`,
		`"text"`:    `{"position":"\"text\""}`,
	} {
		c.Position = position
		if got := string(c.offsets().Offsets[0].Offset); got != want {
			t.Errorf("%s: %s", position, got)
		}
	}
}

func TestWhatCannotBeAnsweredHasConnectsForm(t *testing.T) {
	_, base := start(t, Options{Runtime: fixed{shop()}})
	for _, c := range []struct {
		method, path string
		code         int
		message      string
	}{
		{"GET", "/connectors/nope", 404, "Connector nope not found"},
		{"GET", "/connectors/nope/status", 404, "Connector nope not found"},
		{"GET", "/connectors/shop/tasks/1/status", 404, "No status found for task shop-1"},
		{"GET", "/connectors/shop/nothing", 404, "HTTP 404 Not Found"},
		{"GET", "/favicon.ico", 404, "HTTP 404 Not Found"},
		{"POST", "/connectors", 405, "HTTP 405 Method Not Allowed: connectors are made, changed and removed in the configuration file: edit it, then rdip reload"},
		{"DELETE", "/connectors/shop", 405, "HTTP 405 Method Not Allowed: connectors are made, changed and removed in the configuration file: edit it, then rdip reload"},
		{"PUT", "/connectors/shop/pause", 405, "HTTP 405 Method Not Allowed: connectors are made, changed and removed in the configuration file: edit it, then rdip reload"},
		{"POST", "/metrics", 405, "HTTP 405 Method Not Allowed: connectors are made, changed and removed in the configuration file: edit it, then rdip reload"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), c.method, base+c.path, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			var m ErrorMessage
			if err := json.NewDecoder(answer.Body).Decode(&m); err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != c.code || m.ErrorCode != c.code || m.Message != c.message {
				t.Errorf("%d, %+v", answer.StatusCode, m)
			}
			if (c.code == 405) != (answer.Header.Get("Allow") == "GET, HEAD") || answer.Header.Get("Content-Type") != "application/json" {
				t.Errorf("headers %v", answer.Header)
			}
		})
	}
}

func TestOnlyLoopbackIsServed(t *testing.T) {
	for address, says := range map[string]string{
		":8083":            "every interface",
		"0.0.0.0:8083":     "0.0.0.0 is not loopback",
		"[::]:8083":        ":: is not loopback",
		"192.0.2.1:8083":   "192.0.2.1 is not loopback",
		"127.0.0.1":        "missing port",
		"localhost:999999": "port",
	} {
		s, err := Listen(t.Context(), Options{Address: address, Runtime: fixed{}})
		if err == nil {
			s.Close(t.Context())
			t.Fatalf("%s was served", address)
		}
		if !fault.IsPermanent(err) || fault.KindOf(err) != fault.Configuration || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = Listen(t.Context(), Options{Address: taken.Addr().String(), Runtime: fixed{}})
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()) || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
}

// A page whose name was made to resolve to 127.0.0.1 reads nothing.
func TestARequestForAnotherHostIsRefused(t *testing.T) {
	_, base := start(t, Options{Runtime: fixed{shop()}})
	for _, c := range []struct {
		host, origin string
		code         int
	}{
		{"127.0.0.1:8083", "", 200}, {"localhost", "", 200}, {"LocalHost:1", "", 200}, {"[::1]:8083", "", 200}, {"127.9.9.9", "", 200},
		{"attacker.example", "", 403}, {"attacker.example:8083", "", 403}, {"localhost.attacker.example", "", 403},
		{"127.0.0.1.attacker.example", "", 403}, {"192.0.2.1", "", 403}, {"0.0.0.0", "", 403},
		{"127.0.0.1", "http://localhost:3000", 200}, {"127.0.0.1", "https://attacker.example", 403}, {"127.0.0.1", "null", 403},
	} {
		for _, path := range []string{"/connectors", "/metrics", "/health/live"} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = c.host
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != c.code {
				t.Errorf("Host %q, Origin %q, %s: %d, want %d", c.host, c.origin, path, answer.StatusCode, c.code)
			}
		}
	}
}

func TestMetricsAreServed(t *testing.T) {
	runtime := fixed{shop()}
	_, base := start(t, Options{Runtime: runtime, Metrics: metrics.Handler(metrics.NewRegistry(metrics.Build{}, runtime))})
	if code, text := get(t, base+"/metrics"); code != 200 || !strings.Contains(text, `rdip_reconnects_total{connector="shop"} 1`) {
		t.Errorf("%d: %s", code, text)
	}
}

type broken struct{ fixed }

const canary = "canary-5f1c"

func (broken) Connectors() []Connector { panic(canary) }

func TestABugInOneRequestEndsThatRequestOnlyAndTellsNoSecret(t *testing.T) {
	var log bytes.Buffer
	_, base := start(t, Options{Runtime: broken{}, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	code, body := get(t, base+"/connectors")
	if code != 500 || body != `{"error_code":500,"message":"HTTP 500 Internal Server Error"}` {
		t.Errorf("%d: %s", code, body)
	}
	if code, _ := get(t, base+"/"); code != 200 {
		t.Errorf("the next request: %d", code)
	}
	http.DefaultClient.CloseIdleConnections()
	if text := log.String(); !strings.Contains(text, "a request failed by a bug") || strings.Contains(text, canary) {
		t.Errorf("logged %s", text)
	}
}

func TestARequestThatIsTooLargeIsRefused(t *testing.T) {
	_, base := start(t, Options{Runtime: fixed{shop()}})
	r, err := http.NewRequestWithContext(t.Context(), "GET", base+"/connectors", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Large", strings.Repeat("x", 2*maxHeaderBytes))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", answer.StatusCode)
	}
}

// slow answers when it is told to.
type slow struct {
	fixed
	asked, answer chan struct{}
}

func (s slow) Connectors() []Connector {
	close(s.asked)
	<-s.answer
	return s.fixed
}

func TestCloseWaitsForRequestsBeingAnswered(t *testing.T) {
	runtime := slow{fixed{shop()}, make(chan struct{}), make(chan struct{})}
	s, base := start(t, Options{Runtime: runtime})
	got := make(chan string)
	go func() {
		r, err := http.Get(base + "/connectors")
		if err != nil {
			got <- err.Error()
			return
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		got <- strings.TrimSpace(string(b))
	}()
	<-runtime.asked
	closed := make(chan error)
	go func() { closed <- s.Close(context.Background()) }()
	select {
	case err := <-closed:
		t.Errorf("closed while a request was being answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(runtime.answer)
	if answer := <-got; answer != `["shop"]` {
		t.Errorf("got %s", answer)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestAServerThatNeverServedCanBeClosed(t *testing.T) {
	s, err := Listen(t.Context(), Options{Address: "localhost:0", Runtime: fixed{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", s.Addr().String()); err == nil {
		c.Close()
		t.Error("still listening")
	}
}
