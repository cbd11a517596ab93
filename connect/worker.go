// Package connect is the worker: it runs the tasks of a process and says how they are.
package connect

import (
	"context"
	"errors"
	"sync"

	"rdip/connect/source"
)

// Worker runs the connectors of one process. Its fields are set before Run and not changed afterwards.
type Worker struct {
	Connectors []Connector
	Version    string
	Commit     string
	// Waiting names what a connector waits for at the registry; nil where there is none.
	Waiting func(topicPrefix string) string
}

// Connector is one connector and the one task that it is.
type Connector struct {
	Task   *source.Task
	Config map[string]string // as configured, secrets redacted
}

// Run runs every task until ctx ends, and then until each is drained or its time is up. A task that fails
// for good leaves the others running; when none is left, Run ends with their errors.
func (w *Worker) Run(ctx context.Context) error {
	errs := make([]error, len(w.Connectors))
	var wg sync.WaitGroup
	for i, c := range w.Connectors {
		wg.Go(func() { errs[i] = c.Task.Run(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
