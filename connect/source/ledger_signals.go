package source

import (
	"slices"

	"rdip/offsets"
	"rdip/snapshot"
)

// take keeps signals to be acted upon: in memory at once, so that no position behind them is stored without them, and
// on disk with whatever is stored next. also changes the rest of what is known of signals with it. It never waits.
func (g *ledger) take(signals []offsets.Signal, also func(*offsets.Signals)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &g.record.Signals
	s.Waiting = slices.Clone(s.Waiting) // what was handed out stays as it is
	for _, one := range signals {
		s.Number++
		one.Number = s.Number
		s.Waiting = append(s.Waiting, one)
	}
	also(s)
	g.later()
	select {
	case g.signalled <- struct{}{}:
	default:
	}
}

// signal is the next one to act upon.
func (g *ledger) signal() (offsets.Signal, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.record.Signals.Waiting) == 0 {
		return offsets.Signal{}, false
	}
	return g.record.Signals.Waiting[0], true
}

// signals is what is known of them.
func (g *ledger) signals() offsets.Signals {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.record.Signals
}

// without forgets one that is acted upon.
func without(number uint64) func(*offsets.Record) {
	return func(r *offsets.Record) {
		r.Signals.Waiting = slices.DeleteFunc(slices.Clone(r.Signals.Waiting), func(s offsets.Signal) bool { return s.Number == number })
	}
}

// drop forgets a signal that changed nothing.
func (g *ledger) drop(number uint64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	without(number)(&g.record)
	return g.put()
}

// change changes how tables are read, and the record with it, and stores both.
func (g *ledger) change(readings func(*snapshot.Readings) error, also func(*offsets.Record)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := readings(g.readings); err != nil {
		return err
	}
	also(&g.record)
	return g.put()
}
