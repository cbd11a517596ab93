package connect

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"rdip/connect/source"
	"rdip/internal/fault"
	"rdip/offsets"
)

// unit is a connector through its starts and stops. One goroutine, loop, runs its task, so that a task never
// runs twice at once; the other methods say what should become of it and wake the loop.
type unit struct {
	log     *slog.Logger
	settled chan<- struct{} // is told when a run has ended,
	changed chan<- struct{} // and so is who looks at the sources
	wake    chan struct{}   // holds one

	mu        sync.Mutex
	connector Connector
	next      *Connector // takes over when the current run has ended
	desired   offsets.Desired
	due       bool // a run is to begin
	removed   bool // none is to begin any more
	cancel    context.CancelFunc
	running   chan struct{} // closed when the run has ended; nil while none is under way
	begun     time.Time     // of the last run
	err       error         // of the last run that ended
	looked    looked
}

// loop runs the task whenever it should run, until ctx ends or the unit is removed.
func (u *unit) loop(ctx context.Context) {
	for {
		task, run := u.begin(ctx)
		if task != nil {
			u.finish(task.Run(run))
			continue
		}
		if run == nil {
			return
		}
		select {
		case <-u.wake:
		case <-ctx.Done():
			return
		}
	}
}

// begin is the task to run now, with its context; a context alone where there is none to run yet; nothing
// at the end.
func (u *unit) begin(ctx context.Context) (*source.Task, context.Context) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if ctx.Err() != nil || u.removed {
		return nil, nil
	}
	if u.next != nil {
		u.connector, u.next, u.due, u.err, u.looked = *u.next, nil, true, nil, looked{}
	}
	if u.desired != offsets.DesiredRunning || !u.due {
		return nil, ctx
	}
	run, cancel := context.WithCancel(ctx)
	u.due, u.cancel, u.running, u.begun, u.err = false, cancel, make(chan struct{}), time.Now(), nil
	return u.connector.Task, run
}

func (u *unit) finish(err error) {
	u.mu.Lock()
	name := u.connector.Task.Name
	u.cancel()
	close(u.running)
	u.cancel, u.running, u.err = nil, nil, err
	u.looked.known = false // what was seen during the run, or before it made its slot, is not so any more
	if fault.KindOf(err) == fault.NotDrained && (u.removed || u.desired != offsets.DesiredRunning) {
		u.log.Warn("the connector ended before all that it read was delivered; it is read again later", "connector", name, "error", err)
	}
	u.mu.Unlock()
	for _, told := range []chan<- struct{}{u.settled, u.changed} {
		select {
		case told <- struct{}{}:
		default:
		}
	}
}

// poke has the loop look again.
func (u *unit) poke() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// want changes what is wanted. What runs and should not is asked to drain; nobody waits for it here.
func (u *unit) want(d offsets.Desired) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if d == u.desired {
		return
	}
	u.desired, u.due = d, true
	if d != offsets.DesiredRunning && u.cancel != nil {
		u.cancel()
	}
	u.poke()
}

// restart has the task begin anew, after draining if it runs. One that is not to run stays so.
func (u *unit) restart() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.due = true
	if u.cancel != nil {
		u.cancel()
	}
	u.poke()
}

// replace has another configuration take over, after the current run has drained.
func (u *unit) replace(c Connector) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.next = &c
	if u.cancel != nil {
		u.cancel()
	}
	u.poke()
}

// remove ends the unit for good, and returns when nothing of it runs.
func (u *unit) remove() {
	u.mu.Lock()
	u.removed = true
	running := u.running
	if u.cancel != nil {
		u.cancel()
	}
	u.poke()
	u.mu.Unlock()
	if running != nil {
		<-running
	}
}

// isOver says whether the task has ended by itself, and nothing will start it without somebody's word.
func (u *unit) isOver() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.desired == offsets.DesiredRunning && !u.due && u.running == nil && u.next == nil
}

// hasFailed says whether the last run ended with an error.
func (u *unit) hasFailed() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.running == nil && u.err != nil
}

// isAtRest says whether nothing runs, and what is wanted.
func (u *unit) isAtRest() (bool, offsets.Desired) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.running == nil, u.desired
}

// failure is the error of the last run, of a connector that was to run.
func (u *unit) failure() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.desired != offsets.DesiredRunning {
		return nil
	}
	return u.err
}

func (u *unit) task() *source.Task {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.next != nil {
		return u.next.Task
	}
	return u.connector.Task
}

// fingerprint is of the configuration that runs, or is about to.
func (u *unit) fingerprint() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.next != nil {
		return u.next.Fingerprint
	}
	return u.connector.Fingerprint
}

func (u *unit) setMemory(bytes int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.connector.Task.SetMemory(bytes)
	if u.next != nil {
		u.next.Task.SetMemory(bytes)
	}
}
