// Package registry is the schema registry that comes with rdip, for trying it and for testing with it:
// Confluent's REST API for Avro, with real compatibility checks, kept in one bbolt file. Clients of
// Confluent's registry, serializers among them, talk to it as to the original.
//
// What it has not: schema types other than AVRO, references between schemas, contexts, replication. Each is refused by name, never ignored.
package registry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"go.etcd.io/bbolt"
)

// MaxBody is the largest request body that is read, in bytes; a longer one is answered 413.
const MaxBody = 8 << 20

// Registry serves one file. It is an http.Handler and safe for concurrent use.
type Registry struct {
	db  *bbolt.DB
	mux *http.ServeMux
}

// Open opens the registry kept in the file at path, or makes a new, empty one there. The file belongs
// to one process at a time: one that is held by another is refused at once, by name. Errors are
// *fault.Error.
func Open(path string) (*Registry, error) {
	db, err := openFile(path)
	if err != nil {
		return nil, err
	}
	r := &Registry{db: db, mux: http.NewServeMux()}
	r.routes()
	return r, nil
}

// Close waits for writes under way and releases the file. Requests after it are answered 500.
func (r *Registry) Close() error { return r.db.Close() }

// drainTime is how long requests under way may take to end after Serve's context has. It is more than the
// 5 s for which net/http's Shutdown counts a connection that never sent a request as busy.
const drainTime = 7 * time.Second

// Serve answers requests on l, which it closes, until ctx ends; then it lets the requests under way
// finish. It returns nil when ctx ended it, and otherwise the listener's error.
func (r *Registry) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           r,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		return served
	}
	return err
}
