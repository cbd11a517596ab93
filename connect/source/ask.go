package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/schema"
	"rdip/snapshot"
)

// AskSnapshot has captured tables read, or read again, while the log is streamed; by says who asks, for people.
// It is stored when AskSnapshot returns. A table that is being read is refused, unless the very same was asked
// for; one that stopped in its snapshot comes back. So is what the source cannot read: a predicate that it refuses,
// values that are no keys. Safe for concurrent use.
func (t *Task) AskSnapshot(ctx context.Context, asked []snapshot.Asked, by string) error {
	r, err := t.streaming("snapshot")
	if err != nil {
		return err
	}
	captured, err := r.captured(ctx)
	if err != nil {
		return err
	}
	if err := r.ask(ctx, asked, captured, by, nil); err != nil {
		return err
	}
	for _, a := range asked {
		t.Log.Info("a snapshot is asked for", "table", a.Table, "by", by)
	}
	return nil
}

// ask asks the source whether tables can be read so, and stores that they are to be; also changes the record that
// is stored with it, and may be nil.
func (r *run) ask(ctx context.Context, asked []snapshot.Asked, captured []*schema.Table, by string, also func(*offsets.Record)) error {
	names := identifiers(captured)
	byHand := make([]snapshot.Asked, len(asked))
	for i, a := range asked {
		if !slices.Contains(names, a.Table) {
			return notCaptured(a.Table, names)
		}
		a.ByHand = true
		byHand[i] = a
	}
	if _, err := r.reader.Live().Plan(ctx, byHand); err != nil {
		return err
	}
	return r.ledger.ask(asked, captured, by, r.tables, also)
}

func identifiers(tables []*schema.Table) []string {
	ids := make([]string, len(tables))
	for i, t := range tables {
		ids[i] = t.ID()
	}
	return ids
}

func notCaptured(table string, names []string) error {
	return &fault.Error{Kind: fault.Configuration, Op: "snapshot", Object: "table " + table, Permanent: true,
		Cause: errors.New("it is not captured"), Hint: didYouMean(table, names, "name a table of table.include.list as schema.table, as rdip status shows them")}
}

// didYouMean is a hint behind the table that a name nearly is: one of another schema before all.
func didYouMean(name string, ids []string, hint string) string {
	near := configs.Nearest(name, ids)
	if i := slices.IndexFunc(ids, func(id string) bool { return strings.HasSuffix(id, "."+name) }); i >= 0 {
		near = ids[i]
	}
	if near == "" {
		return hint
	}
	return "did you mean " + near + "? " + hint
}

// captured lists the tables whose rows are captured now: all but one that is there for its signals only.
func (r *run) captured(ctx context.Context) ([]*schema.Table, error) {
	tables, err := r.reader.Live().Captured(ctx)
	return slices.DeleteFunc(tables, r.task.Signals.Silences), err
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

// streaming is the run of a task that follows the log, of a reader that can read tables meanwhile.
func (t *Task) streaming(op string) (*run, error) {
	r, err := t.follows(op)
	if err == nil && r.reader.Live() == nil {
		err = &fault.Error{Kind: fault.Configuration, Op: op, Object: "connector " + t.Name, Permanent: true,
			Cause: errors.New("its database has no tables that can be read beside the stream")}
	}
	return r, err
}

// follows is the same of any reader.
func (t *Task) follows(op string) (*run, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == StateStreaming && t.current != nil {
		return t.current, nil
	}
	return nil, &fault.Error{Kind: fault.Configuration, Op: op, Object: "connector " + t.Name, Permanent: true,
		Cause: errors.New("it is " + t.state.String() + ", and must be streaming"), Hint: "wait until rdip status shows that it streams"}
}

// ask notes and stores what is asked for, and lets tables go on that stopped in a snapshot.
func (g *ledger) ask(asked []snapshot.Asked, captured []*schema.Table, by string, ts *tables, also func(*offsets.Record)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.mayAsk(asked); err != nil {
		return err
	}
	asked, err := g.comingBack(asked)
	if err != nil {
		return err
	}
	err = g.readings.Ask(asked, captured, by, func(begun []string) {
		for _, id := range begun {
			if g.comeBack(id) {
				ts.comeBack(id)
			}
		}
	})
	if err != nil {
		return err
	}
	if also != nil {
		also(&g.record)
	}
	return g.put()
}

// comingBack has tables that stopped in a snapshot, or were given up, read as a whole: since then their changes were passed
// over, so that parts which were read before are not up to date. The caller holds mu.
func (g *ledger) comingBack(asked []snapshot.Asked) ([]snapshot.Asked, error) {
	asked = slices.Clone(asked)
	for i := range asked {
		a := &asked[i]
		if s, stopped := g.record.Stopped[a.Table]; !stopped || s.Position != "" {
			continue
		}
		if a.Where != "" || a.Keys != nil {
			return nil, &fault.Error{Kind: fault.Configuration, Op: "snapshot", Object: "table " + a.Table, Permanent: true,
				Cause: errors.New("it has stopped, and its changes were passed over since: some of its rows are not enough"),
				Hint:  fmt.Sprintf("once it is mended: rdip resume %s %s, which reads all of it", g.task.Name, a.Table)}
		}
		a.Anew = true
	}
	return asked, nil
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
