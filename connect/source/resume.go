package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/snapshot"
)

// errAgain ends a run so that the next begins at once, for tables that go on from older places.
var errAgain = errors.New("the stream begins again for a table that goes on from its own place")

// again asks a run to end between two transactions. It is safe for concurrent use.
type again struct {
	asked  atomic.Bool
	within atomic.Bool // a transaction is being handed over

	mu  sync.Mutex
	end context.CancelFunc // of the stream; nil while there is none
}

// begins says whether a transaction may begin.
func (a *again) begins() error {
	a.within.Store(true)
	if a.asked.Load() {
		return errAgain
	}
	return nil
}

// ends is the boundary behind a transaction.
func (a *again) ends() error {
	a.within.Store(false)
	if a.asked.Load() {
		return errAgain
	}
	return nil
}

// ask has the stream end at the next boundary, or at once where it waits at one: whoever begins a transaction
// meanwhile sees that it was asked, or is seen to be within one.
func (a *again) ask() {
	a.asked.Store(true)
	if a.within.Load() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.end != nil {
		a.end()
	}
}

// ended says whether a stream ended as it was asked to.
func (a *again) ended(work context.Context, err error) bool {
	return a.asked.Load() && work.Err() == nil && (errors.Is(err, errAgain) || errors.Is(err, context.Canceled))
}

// of sets what ends the stream.
func (a *again) of(end context.CancelFunc) {
	a.mu.Lock()
	a.end = end
	a.mu.Unlock()
	if a.asked.Load() {
		end()
	}
}

// ResumeTables has tables that stopped, or whose rows are dead letters for their schema is refused, go on after the
// fix: from their own places, while the other tables drop what they have; one that stopped in a snapshot, or was given up,
// is read again in windows: goOn and again are those. Other tables that stopped stay so. It returns once the stream has
// begun again, or with the error why it has not; a table that is not mended stops again. Safe for concurrent use.
func (t *Task) ResumeTables(ctx context.Context, names []string, by string) (goOn, again []string, err error) {
	r, err := t.follows("resume tables of")
	if err != nil {
		return nil, nil, err
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if goOn, again, err = r.resumable(names); err != nil {
		return nil, nil, err
	}
	if len(again) > 0 {
		asked := make([]snapshot.Asked, len(again))
		for i, id := range again {
			asked[i] = snapshot.Asked{Table: id}
		}
		if err := t.AskSnapshot(ctx, asked, by); err != nil {
			return nil, nil, err
		}
	}
	if len(goOn) > 0 {
		err = t.beginAgain(ctx, r, goOn)
	}
	return goOn, again, err
}

// resumable sorts the tables that are to be resumed, and refuses those that are not stopped.
func (r *run) resumable(names []string) (goOn, again []string, err error) {
	all := r.tables.all()
	for _, name := range names {
		i := slices.IndexFunc(all, func(t *table) bool { return t.id == name })
		if i < 0 {
			return nil, nil, r.notThere(name, all)
		}
		_, stop := all[i].shown()
		switch {
		case stop != nil && stop.InSnapshot:
			again = append(again, name)
		case stop != nil || all[i].refused.Load():
			goOn = append(goOn, name)
		default:
			return nil, nil, &fault.Error{Kind: fault.Configuration, Op: "resume", Object: "table " + name, Permanent: true,
				Cause: errors.New("it has not stopped"), Hint: stoppedHint(r.task.Name, all)}
		}
	}
	return goOn, again, nil
}

// notThere is a table that cannot be resumed, since the connector has not seen it.
func (r *run) notThere(name string, all []*table) error {
	ids := make([]string, len(all))
	for i, t := range all {
		ids[i] = t.id
	}
	return &fault.Error{Kind: fault.Configuration, Op: "resume", Object: "table " + name, Permanent: true,
		Cause: errors.New("no row of such a table was captured since the connector started"), Hint: didYouMean(name, ids, stoppedHint(r.task.Name, all))}
}

// stoppedHint names the tables that have stopped.
func stoppedHint(connector string, all []*table) string {
	var stopped []string
	for _, t := range all {
		if _, stop := t.shown(); stop != nil {
			stopped = append(stopped, t.id)
		}
	}
	if len(stopped) == 0 {
		return "no table of " + connector + " has stopped"
	}
	return fmt.Sprintf("rdip resume %s %s", connector, strings.Join(stopped, " "))
}

// beginAgain ends the run between two transactions, and waits until the next one streams.
func (t *Task) beginAgain(ctx context.Context, r *run, tables []string) error {
	stay := map[string]bool{}
	for _, other := range r.tables.all() {
		if _, stop := other.shown(); stop != nil && !slices.Contains(tables, other.id) {
			stay[other.id] = true
		}
	}
	t.mu.Lock()
	if t.current != r || !r.again.asked.CompareAndSwap(false, true) { // with mu held: one call decides which tables stay
		t.mu.Unlock()
		return &fault.Error{Op: "resume tables of", Object: "connector " + t.Name, Cause: errors.New("it is just beginning again"), Hint: "try again"}
	}
	t.stay = stay
	begun := make(chan error, 1)
	t.begun = append(t.begun, begun)
	t.mu.Unlock()
	t.Log.Info("the stream begins again for tables that go on", "tables", tables)
	r.again.ask()
	select {
	case err := <-begun:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// hasBegun tells whoever waits for the next run that it streams, or why it does not. The caller holds mu.
func (t *Task) hasBegun(err error) {
	for _, begun := range t.begun {
		begun <- err
	}
	t.begun = nil
}

// stays takes over the tables that stay stopped in this run: those that were not named when others were resumed.
// At any other start every table is tried again.
func (t *Task) stays() map[string]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	stay := t.stay
	t.stay = nil
	return stay
}

// stoppedAs is how a table that stopped stays so in this run.
func stoppedAs(s offsets.StoppedTable) *Stop {
	return &Stop{Reason: errors.New(s.Reason), InSnapshot: s.Position == "", Place: s.Place, Position: s.Position, Within: s.Within, Rows: s.Rows}
}
