// Package connect is the worker: it runs the tasks of a process and says how they are.
package connect

import (
	"context"
	"errors"
	"sync"

	"rdip/connect/source"
)

// Worker runs the tasks of one process. Tasks is set before Run and not changed afterwards.
type Worker struct {
	Tasks []*source.Task
}

// Run runs every task until ctx ends, and then until each is drained or its time is up. A task that fails
// for good leaves the others running; when none is left, Run ends with their errors.
func (w *Worker) Run(ctx context.Context) error {
	errs := make([]error, len(w.Tasks))
	var wg sync.WaitGroup
	for i, t := range w.Tasks {
		wg.Go(func() { errs[i] = t.Run(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
