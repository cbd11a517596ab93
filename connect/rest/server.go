package rest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"rdip/internal/fault"
	"rdip/internal/secret"
)

const (
	// DefaultAddress is Kafka Connect's port, on loopback.
	DefaultAddress = "127.0.0.1:8083"
	// DefaultStale is how long a connector may make no progress and be ready. A source is heard every 10 s
	// (heartbeat.interval.ms).
	DefaultStale = time.Minute

	headerTimeout  = 5 * time.Second
	requestTimeout = 10 * time.Second
	answerTimeout  = 30 * time.Second
	idleTimeout    = time.Minute
	maxHeaderBytes = 16 << 10
	maxBodyBytes   = 1 << 20
)

// Options of a Server. Runtime and Metrics are needed.
type Options struct {
	Control Control     // nil: the API is read only
	Token   secret.Text // what a request that changes something has to show; empty for nothing
	Address string      // host:port, loopback only; "" is DefaultAddress, port 0 any free one
	Runtime Runtime
	Metrics http.Handler  // of GET /metrics
	Stale   time.Duration // 0 is DefaultStale
	// Alive says whether the process is, for /health/live: the same as systemd's watchdog is told. Nil: it is.
	Alive func() error
	Log   *slog.Logger // nil: nowhere
}

// Server serves one address.
type Server struct {
	listener net.Listener
	http     http.Server
}

// Listen binds the address and serves nothing yet. An address that is not loopback is refused.
func Listen(ctx context.Context, o Options) (*Server, error) {
	o = o.withDefaults()
	if err := checkLoopback(ctx, o.Address); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Address)
	if err != nil {
		return nil, bindFault(o.Address, err, "stop what listens there, or set another rest.listeners")
	}
	a := &api{runtime: o.Runtime, control: o.Control, token: o.Token, worker: listener.Addr().String(), stale: o.Stale, alive: o.Alive}
	return &Server{listener: listener, http: http.Server{
		Handler:           a.handler(o),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}}, nil
}

func (o Options) withDefaults() Options {
	if o.Address == "" {
		o.Address = DefaultAddress
	}
	if o.Stale == 0 {
		o.Stale = DefaultStale
	}
	if o.Alive == nil {
		o.Alive = func() error { return nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Addr is where the server listens; it is also the worker_id.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve answers until Close, and then returns nil.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return &fault.Error{Op: "serve REST", Object: s.Addr().String(), Cause: err}
	}
	return nil
}

// Close takes no further request and waits for those being answered, until ctx ends and they are cut off.
func (s *Server) Close(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	// Shutdown knows the listener only once Serve has been called.
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (a *api) handler(o Options) http.Handler {
	h := trimSlash(a.routes(o.Metrics))
	h = http.MaxBytesHandler(h, maxBodyBytes)
	return guarded(ownHost(h), o.Log)
}

// guarded sets what every answer carries, and turns a panic into Connect's 500. A panic's value may hold
// anything, so that only where it happened is logged.
func guarded(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		defer func() {
			if recover() != nil {
				log.Error("REST: a request failed by a bug", "stack", string(debug.Stack()))
				write(w, http.StatusInternalServerError, &ErrorMessage{http.StatusInternalServerError, "HTTP 500 Internal Server Error"})
			}
		}()
		next.ServeHTTP(w, r)
	})
}
