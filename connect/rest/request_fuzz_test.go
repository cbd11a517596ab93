package rest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"rdip/connect/metrics"
	"rdip/internal/secret"
)

// FuzzRequests: whatever is asked, the answer is JSON and never a failure of the server's own; without the token nothing
// is asked of the runtime, and no answer shows it.
func FuzzRequests(f *testing.F) {
	for _, s := range []struct{ method, path, body string }{
		{"GET", "/connectors?expand=status&expand=info", ""}, {"GET", "/connectors/shop/status", ""}, {"PUT", "/connectors/shop/pause", ""},
		{"POST", "/connectors/shop/restart?includeTasks=true&onlyFailed=x", ""}, {"PATCH", "/connectors/shop/offsets", `{"offsets":[{"partition":{"server":"shop"},"offset":{"lsn":24023128}}]}`},
		{"PATCH", "/connectors/shop/offsets", `{"offsets":[null]}`}, {"DELETE", "/connectors/shop/offsets", ""}, {"POST", "/connectors/shop/snapshots", `{"tables":["public.orders"],"where":"id > 7","keys":[["1"]]}`},
		{"PUT", "/connectors/shop/snapshots/pause", `{"tables":[]}`}, {"PUT", "/admin/loggers/root", `{"level":"DEBUG"}`}, {"PUT", "/connector-plugins/postgres/config/validate", `{"connector.class":"postgres"}`},
		{"GET", "/connectors/a%2Fb/tasks/9999999999999999999/status", ""}, {"PUT", "/admin/reload", "{"}, {"TRACE", "/", "x"},
	} {
		f.Add(s.method, s.path, s.body, true)
	}
	const canary = "c4n4ry-of-the-token"
	f.Fuzz(func(t *testing.T, method, path, body string, admitted bool) {
		target, err := url.ParseRequestURI(path)
		if err != nil || target.Host != "" || !strings.HasPrefix(target.Path, "/") {
			return
		}
		notes := &notebook{}
		a := &api{runtime: fixed{shop()}, control: notes, token: secret.New(canary), worker: "127.0.0.1:8083", stale: DefaultStale, alive: func() error { return nil }}
		h := a.handler(Options{Metrics: metrics.Handler(metrics.NewRegistry(metrics.Build{}, fixed{}))}.withDefaults())
		req := (&http.Request{Method: method, URL: target, Header: http.Header{"Content-Type": {"application/json"}}, Proto: "HTTP/1.1", Host: "127.0.0.1",
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}).WithContext(t.Context())
		if admitted {
			req.Header.Set("Authorization", "Bearer "+canary)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		text := w.Body.String()
		switch {
		case w.Code >= 500:
			t.Fatalf("%s %s %q: %d %s", method, target, body, w.Code, text)
		case !admitted && len(notes.asked) > 0:
			t.Fatalf("%s %s without the token: %q", method, target, notes.asked)
		case strings.Contains(text, canary) && !strings.Contains(path+body, canary):
			t.Fatalf("%s %s shows the token: %s", method, target, text)
		case strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && method != http.MethodHead && !json.Valid(w.Body.Bytes()):
			t.Fatalf("%s %s: %d %q", method, target, w.Code, text)
		}
	})
}
