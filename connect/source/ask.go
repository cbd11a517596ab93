package source

import (
	"context"
	"errors"

	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/schema"
	"rdip/snapshot"
)

// AskSnapshot has captured tables read, or read again, while the log is streamed; by says who asks, for people.
// It is stored when AskSnapshot returns. A table that is being read is refused, unless the very same was asked
// for; one that stopped in its snapshot comes back. Safe for concurrent use.
func (t *Task) AskSnapshot(ctx context.Context, asked []snapshot.Asked, by string) error {
	r, err := t.streaming("snapshot")
	if err != nil {
		return err
	}
	captured, err := r.reader.Live().Captured(ctx)
	if err != nil {
		return err
	}
	return r.ledger.ask(asked, captured, by, r.tables)
}

// PauseSnapshot stops the reading of tables, of all where none is named, until ResumeSnapshot, also over a
// restart. It is stored when it returns.
func (t *Task) PauseSnapshot(tables ...string) error {
	return t.changeSnapshot("pause the snapshot of", func(s *snapshot.Readings) error { return s.Pause(tables...) })
}

// ResumeSnapshot goes on where PauseSnapshot has stopped.
func (t *Task) ResumeSnapshot(tables ...string) error {
	return t.changeSnapshot("resume the snapshot of", func(s *snapshot.Readings) error { return s.Resume(tables...) })
}

// StopSnapshot gives up what is left to read of tables, of all where none is named.
func (t *Task) StopSnapshot(tables ...string) error {
	return t.changeSnapshot("stop the snapshot of", func(s *snapshot.Readings) error { return s.Stop(tables...) })
}

func (t *Task) changeSnapshot(op string, change func(*snapshot.Readings) error) error {
	r, err := t.streaming(op)
	if err != nil {
		return err
	}
	if err := change(r.ledger.readings); err != nil {
		return err
	}
	return r.ledger.keepTables()
}

// streaming is the run of a task that follows the log.
func (t *Task) streaming(op string) (*run, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == StateStreaming && t.current != nil && t.current.reader.Live() != nil {
		return t.current, nil
	}
	return nil, &fault.Error{Kind: fault.Configuration, Op: op, Object: "connector " + t.Name, Permanent: true,
		Cause: errors.New("it is " + t.state.String() + ", and must be streaming"), Hint: "wait until rdip status shows that it streams"}
}

// ask notes and stores what is asked for, and lets tables go on that stopped in a snapshot.
func (g *ledger) ask(asked []snapshot.Asked, captured []*schema.Table, by string, ts *tables) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.readings.Ask(asked, captured, by, func(begun []string) {
		for _, id := range begun {
			if g.comeBack(id) {
				ts.comeBack(id)
			}
		}
	})
	if err != nil {
		return err
	}
	return g.put()
}

// comeBack forgets that a table stopped in its snapshot. The caller holds mu.
func (g *ledger) comeBack(id string) bool {
	s, stopped := g.record.Stopped[id]
	if !stopped || s.Position != "" {
		return false
	}
	rest := map[string]offsets.StoppedTable{}
	for other, s := range g.record.Stopped {
		if other != id {
			rest[other] = s
		}
	}
	g.record.Stopped = rest
	return true
}

// comeBack lets the lanes take the table's rows again, from its next layout on.
func (ts *tables) comeBack(id string) {
	ts.mu.Lock()
	t := ts.byID[id]
	ts.mu.Unlock()
	if t == nil {
		return
	}
	t.mu.Lock()
	t.stopped = nil
	t.mu.Unlock()
}
