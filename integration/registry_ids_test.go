package integration

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// R6: a schema is registered at its table's first row, once, and never again after a restart; a changed
// schema is one more.
func TestSchemasAreRegisteredOnceAndNeverAgainAfterARestart(t *testing.T) {
	p := itemsPipeline(t, 18)
	p.exec(t, "CREATE TABLE empty(id int PRIMARY KEY)")
	posts := &atomic.Int64{}
	p = p.configured("schema.registry.url", countingRegistry(t, p.registry, posts))
	registered := func(want int64) {
		t.Helper()
		if n := posts.Load(); n != want {
			t.Errorf("%d schemas were registered, not %d", n, want)
		}
	}
	p.run(t, func() { p.insert(t, 1, 2) })
	registered(2) // the key's and the value's; the empty table has none yet
	p.run(t, func() { p.insert(t, 3, 4) })
	registered(2)
	p.run(t, func() {
		p.exec(t, "ALTER TABLE items ADD COLUMN more text")
		p.insert(t, 5, 6)
	})
	registered(3)
	p.run(t, func() { p.insert(t, 7, 8) })
	registered(3)
	p.mustHold(t, 8, false)
}

// countingRegistry passes everything on to a registry, and counts what is registered.
func countingRegistry(t *testing.T, registry string, posts *atomic.Int64) string {
	t.Helper()
	behind := passTo(t, registry)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/versions") {
			posts.Add(1)
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL + pathOf(t, registry)
}

// passTo hands every request to the server of a URL.
func passTo(t *testing.T, to string) http.Handler {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, target.Host
	}}
}

func pathOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}
