// Package connect is the worker: it runs the tasks of a process, starts and stops each by itself, and says
// how they are.
package connect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rdip/connect/source"
	"rdip/internal/fault"
	"rdip/offsets"
)

// Options of a Worker. Store is needed.
type Options struct {
	Version string
	Commit  string
	Store   *offsets.Store // keeps which connectors are not to run
	Log     *slog.Logger   // nil: nowhere
	// SurveyEvery is the time between two looks at what connectors cost their sources; 0 is a minute.
	SurveyEvery time.Duration
	// Memory is divided among the connectors, in bytes; 0 leaves each task what it has.
	Memory int64
}

// Connector is one connector and the one task that it is.
type Connector struct {
	Task   *source.Task
	Config map[string]string // as configured, secrets redacted
	// Fingerprint tells one configuration from another, secrets included, and shows none of them.
	Fingerprint string
	// Survey looks at what the connector costs its source, whether it runs or not; nil: nobody looks.
	Survey func(context.Context) (Survey, error)
	// Waiting names what the connector waits for at the registry, "" for nothing; nil where there is none.
	Waiting func() string
}

// Worker runs the connectors of one process. Its methods may be called by any goroutine at any time.
type Worker struct {
	options Options
	begun   time.Time

	change sync.Mutex // held for a whole change of the lifecycle, fsync and drain included

	mu    sync.Mutex // guards what follows, for moments
	units []*unit    // in the order of the configuration
	run   context.Context
	ended bool // Run starts nothing any more

	group   sync.WaitGroup
	settled chan struct{} // a unit's run has ended; holds one
	changed chan struct{} // other connectors are there, or one has ended; holds one
}

// NewWorker is a worker of these connectors. A connector that was paused or stopped before stays so.
func NewWorker(o Options, connectors ...Connector) (*Worker, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.SurveyEvery == 0 {
		o.SurveyEvery = time.Minute
	}
	w := &Worker{options: o, begun: time.Now(), settled: make(chan struct{}, 1), changed: make(chan struct{}, 1)}
	for _, c := range connectors {
		u, err := w.newUnit(c)
		if err != nil {
			return nil, err
		}
		w.units = append(w.units, u)
	}
	w.share()
	return w, nil
}

func (w *Worker) newUnit(c Connector) (*unit, error) {
	desired, err := w.options.Store.Desired(c.Task.Name)
	if err != nil {
		return nil, err
	}
	return &unit{log: w.options.Log, settled: w.settled, changed: w.changed, wake: make(chan struct{}, 1), connector: c, desired: desired, due: true}, nil
}

// share divides the memory budget among the connectors. Those that run give room back as their batches
// are acknowledged.
func (w *Worker) share() {
	if w.options.Memory == 0 || len(w.units) == 0 {
		return
	}
	for _, u := range w.units {
		u.setMemory(w.options.Memory / int64(len(w.units)))
	}
}

// Run runs every connector that is to run until ctx ends, and then until each is drained or its time is up.
// One that fails for good leaves the others running, and can be restarted meanwhile. When every connector
// has failed or finished, and none is paused or stopped, Run ends with their errors.
func (w *Worker) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	w.run = ctx
	for _, u := range w.units {
		w.start(u)
	}
	w.mu.Unlock()
	w.group.Go(func() { w.survey(ctx) })
	for ctx.Err() == nil {
		select {
		case <-w.settled:
			w.endIfNoneIsLeft()
		case <-ctx.Done():
		}
		if w.hasEnded() {
			break
		}
	}
	cancel()
	w.end()
	w.group.Wait()
	return w.err()
}

// start begins a unit's goroutine. The caller holds mu.
func (w *Worker) start(u *unit) {
	ctx := w.run
	w.group.Go(func() { u.loop(ctx) })
}

// endIfNoneIsLeft ends the worker once no connector runs, or will without somebody's word.
func (w *Worker) endIfNoneIsLeft() {
	w.change.Lock()
	defer w.change.Unlock()
	for _, u := range w.all() {
		if !u.isOver() {
			return
		}
	}
	w.refuseChanges()
}

// end waits for a change that is under way, and has none follow it.
func (w *Worker) end() {
	w.change.Lock()
	defer w.change.Unlock()
	w.refuseChanges()
}

// refuseChanges is called with change held.
func (w *Worker) refuseChanges() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
}

func (w *Worker) hasEnded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended
}

func (w *Worker) err() error {
	var errs []error
	for _, u := range w.all() {
		errs = append(errs, u.failure())
	}
	return errors.Join(errs...)
}

// all is the units now.
func (w *Worker) all() []*unit {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*unit(nil), w.units...)
}

// Tasks are the connectors' tasks now.
func (w *Worker) Tasks() []*source.Task {
	var tasks []*source.Task
	for _, u := range w.all() {
		tasks = append(tasks, u.task())
	}
	return tasks
}

// find is the unit of that name. The caller holds change.
func (w *Worker) find(name string) (*unit, error) {
	if w.hasEnded() {
		return nil, &fault.Error{Op: "change connector", Object: name, Cause: errors.New("the process is ending")}
	}
	for _, u := range w.all() {
		if u.task().Name == name {
			return u, nil
		}
	}
	return nil, &fault.Error{Kind: fault.Configuration, Op: "find connector", Object: name, Permanent: true,
		Cause: fmt.Errorf("it does not run here"), Hint: "rdip status shows those that do"}
}
