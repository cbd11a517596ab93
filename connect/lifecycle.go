package connect

import (
	"errors"
	"fmt"

	"rdip/connect/rest"
	"rdip/internal/fault"
	"rdip/offsets"
)

// Pause has a connector deliver what it read and read nothing more until Resume, also over a restart of the
// process. It is stored when Pause returns, and done when the connector is shown as paused. The source keeps
// its log for the connector meanwhile.
func (w *Worker) Pause(name string) error { return w.want(name, offsets.DesiredPaused) }

// Stop is Pause, after which the stored position may be changed.
func (w *Worker) Stop(name string) error { return w.want(name, offsets.DesiredStopped) }

// Resume has a connector that was paused or stopped go on from its position. One that failed is restarted by
// Restart.
func (w *Worker) Resume(name string) error { return w.want(name, offsets.DesiredRunning) }

func (w *Worker) want(name string, d offsets.Desired) error {
	w.change.Lock()
	defer w.change.Unlock()
	u, err := w.find(name)
	if err != nil {
		return err
	}
	if err := w.options.Store.SetDesired(name, d); err != nil {
		return err
	}
	w.options.Log.Info("the connector is to be "+string(d), "connector", name)
	u.want(d)
	return nil
}

// Restart begins a connector anew from its durable position, after draining it if it runs; with onlyFailed,
// only one that has failed. One that is paused or stopped stays so.
func (w *Worker) Restart(name string, onlyFailed bool) error {
	w.change.Lock()
	defer w.change.Unlock()
	u, err := w.find(name)
	if err != nil {
		return err
	}
	if onlyFailed && !u.hasFailed() {
		return nil
	}
	w.options.Log.Info("the connector is restarted", "connector", name)
	u.restart()
	return nil
}

// Snapshots is a connector's task, to ask it for snapshots; it says itself whether it can be asked now.
func (w *Worker) Snapshots(name string) (rest.Snapshots, error) {
	u, err := w.find(name)
	if err != nil {
		return nil, err
	}
	return u.task(), nil
}

// Tables is a connector's task, to have tables that stopped go on; it says itself whether it can be asked now.
func (w *Worker) Tables(name string) (rest.Tables, error) {
	u, err := w.find(name)
	if err != nil {
		return nil, err
	}
	return u.task(), nil
}

// ErrNotStopped is what WhileStopped says of a connector that runs or is paused.
var ErrNotStopped = errors.New("the connector is not stopped")

// WhileStopped calls change while the connector is stopped and cannot be started. A name that no connector
// has is taken: what is stored of it belongs to one that is not configured any more.
func (w *Worker) WhileStopped(name string, change func() error) error {
	w.change.Lock()
	defer w.change.Unlock()
	for _, u := range w.all() {
		if u.task().Name != name {
			continue
		}
		if rests, desired := u.isAtRest(); !rests || desired != offsets.DesiredStopped {
			return &fault.Error{Kind: fault.Configuration, Op: "change the position of", Object: name, Permanent: true,
				Cause: ErrNotStopped, Hint: "rdip stop " + name}
		}
	}
	return change()
}

// Applied says what became of the connectors when a configuration was applied, by name.
type Applied struct {
	Kept      []string // unchanged: they run on untouched
	Restarted []string
	Started   []string
	Removed   []string // drained; what they have at their sources stays
}

// Apply makes these the connectors: those whose fingerprint is the same run on, changed ones drain and begin
// again from their positions, new ones start, and missing ones drain and are gone. It returns when the
// missing ones have ended.
func (w *Worker) Apply(connectors []Connector) (Applied, error) {
	w.change.Lock()
	defer w.change.Unlock()
	if w.hasEnded() {
		return Applied{}, &fault.Error{Op: "apply the configuration", Cause: errors.New("the process is ending")}
	}
	before := map[string]*unit{}
	for _, u := range w.all() {
		before[u.task().Name] = u
	}
	added, err := w.added(before, connectors)
	if err != nil {
		return Applied{}, err
	}
	var done Applied
	var units []*unit
	for _, c := range connectors {
		name := c.Task.Name
		u, known := before[name]
		delete(before, name)
		switch {
		case !known:
			u = added[name]
			done.Started = append(done.Started, name)
		case u.fingerprint() == c.Fingerprint:
			done.Kept = append(done.Kept, name)
		default:
			u.replace(c)
			done.Restarted = append(done.Restarted, name)
		}
		units = append(units, u)
	}
	for _, u := range w.all() { // in their order
		if name := u.task().Name; before[name] == u {
			done.Removed = append(done.Removed, name)
			u.remove()
		}
	}
	w.exchange(units, added)
	return done, nil
}

// added makes the units that are not there yet; nothing has changed where it fails.
func (w *Worker) added(before map[string]*unit, connectors []Connector) (map[string]*unit, error) {
	added := map[string]*unit{}
	for _, c := range connectors {
		if before[c.Task.Name] != nil {
			continue
		}
		u, err := w.newUnit(c)
		if err != nil {
			return nil, err
		}
		added[c.Task.Name] = u
	}
	return added, nil
}

// exchange makes these the units and starts those that were added.
func (w *Worker) exchange(units []*unit, added map[string]*unit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.units = units
	w.share()
	if w.run == nil {
		return // Run starts them
	}
	for _, u := range added {
		w.start(u)
	}
	for _, told := range []chan struct{}{w.settled, w.changed} { // what was removed may have been the last that was not over
		select {
		case told <- struct{}{}:
		default:
		}
	}
}

// String says it in one line.
func (a Applied) String() string {
	return fmt.Sprintf("%d unchanged, restarted %v, started %v, removed %v", len(a.Kept), a.Restarted, a.Started, a.Removed)
}
