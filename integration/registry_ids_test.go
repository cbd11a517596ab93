package integration

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"rdip/integration/harness"
)

// R6: a schema is registered at its table's first row, once, and never again after a restart; a changed
// schema is one more.
func TestSchemasAreRegisteredOnceAndNeverAgainAfterARestart(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	p.Exec(t, "CREATE TABLE empty(id int PRIMARY KEY)")
	posts := &atomic.Int64{}
	p = p.Configured("schema.registry.url", countingRegistry(t, p.Registry, posts))
	registered := func(want int64) {
		t.Helper()
		if n := posts.Load(); n != want {
			t.Errorf("%d schemas were registered, not %d", n, want)
		}
	}
	run(p, t, func() { p.Insert(t, 1, 2) })
	registered(2) // the key's and the value's; the empty table has none yet
	run(p, t, func() { p.Insert(t, 3, 4) })
	registered(2)
	run(p, t, func() {
		p.Exec(t, "ALTER TABLE items ADD COLUMN more text")
		p.Insert(t, 5, 6)
	})
	registered(3)
	run(p, t, func() { p.Insert(t, 7, 8) })
	registered(3)
	p.MustHold(t, 8, false)
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
