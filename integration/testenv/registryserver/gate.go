package registryserver

import (
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Answer is what a Gate says in place of the registry.
type Answer struct {
	Status int
	Header map[string]string
	Body   string
	Delay  time.Duration // before the answer; without a Status, before the registry's own
	Cut    bool          // the connection is reset in place of an answer
	Lost   bool          // the registry does what it is asked, and the connection is reset in place of its answer
}

// Gate is an HTTP proxy in front of a registry that counts the requests to register a schema and can answer in the
// registry's place. Its methods may be called from any goroutine.
type Gate struct {
	listener net.Listener
	server   *http.Server
	behind   *httputil.ReverseProxy
	path     string
	served   sync.WaitGroup

	mu         sync.Mutex
	answer     Answer
	intercepts bool
	counts     Counts
}

// Counts are the requests that came since the start.
type Counts struct {
	Registrations int // POST .../versions
	Intercepted   int // any that the gate answered itself, or delayed
}

// NewGate listens on a free port of 127.0.0.1 in front of the registry whose API is at address.
func NewGate(address string) (*Gate, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &Gate{listener: l, path: target.Path}
	g.behind = httputil.NewSingleHostReverseProxy(&url.URL{Scheme: target.Scheme, Host: target.Host})
	g.behind.Transport = &http.Transport{DisableKeepAlives: true}
	g.server = &http.Server{Handler: g, ReadHeaderTimeout: time.Minute}
	g.served.Go(func() { _ = g.server.Serve(l) })
	return g, nil
}

// URL is where Confluent's API begins behind the gate.
func (g *Gate) URL() string { return "http://" + g.listener.Addr().String() + g.path }

// Intercept answers all requests so from now on.
func (g *Gate) Intercept(a Answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer, g.intercepts = a, true
}

// Pass lets the registry answer again.
func (g *Gate) Pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.intercepts = false
}

// Counts are what came so far.
func (g *Gate) Counts() Counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counts
}

// Close ends the gate and its connections.
func (g *Gate) Close() error {
	err := g.server.Close()
	g.served.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// ServeHTTP passes a request on, or answers it as Intercept says.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, intercepted := g.came(r)
	if !intercepted {
		g.behind.ServeHTTP(w, r)
		return
	}
	select {
	case <-time.After(a.Delay):
	case <-r.Context().Done():
		return
	}
	switch {
	case a.Lost:
		g.behind.ServeHTTP(nowhere{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	case a.Cut:
		panic(http.ErrAbortHandler)
	case a.Status == 0:
		g.behind.ServeHTTP(w, r)
		return
	}
	for name, text := range a.Header {
		w.Header().Set(name, text)
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write([]byte(a.Body))
}

// came counts a request, and says what to do with it.
func (g *Gate) came(r *http.Request) (Answer, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/versions") {
		g.counts.Registrations++
	}
	if g.intercepts {
		g.counts.Intercepted++
	}
	return g.answer, g.intercepts
}

// nowhere takes an answer that nobody gets.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header       { return n.header }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
