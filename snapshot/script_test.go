package snapshot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"rdip/envelope"
	"rdip/offsets"
	"rdip/schema"
)

// script is a source whose views and rows a test lays down one by one, and the end of the stream behind the windows.
type script struct {
	begun int // transactions
	table *schema.Table
	mu    sync.Mutex    // guards views and reads
	views []*scriptView // Begin takes the next; the last one stays
	reads []int         // which view each Read was of
	asked [][]string    // keys that were asked for
	mark  func() (uint64, error)
	exact *scriptSource

	layout *envelope.Layout
	out    []string // the rows that went out
	chunks []offsets.Chunk
	refuse error  // of the next row that goes out
	locked string // the table that cannot be read for now; guarded by mu
}

// scriptView sees all transactions up to newest but for those hidden; rows are key and text, of which "" cannot be read.
type scriptView struct {
	newest uint64
	hidden []uint64
	rows   [][2]string
}

func (v *scriptView) Transaction() envelope.Transaction { return envelope.Transaction{ID: v.newest} }
func (v *scriptView) Sees(id, _ uint64) bool            { return id <= v.newest && !slices.Contains(v.hidden, id) }
func (v *scriptView) Running() []uint64                 { return v.hidden }

func newScript(key []int) *script {
	s := &script{table: &schema.Table{Schema: "public", Name: "t", OID: 7, Key: key, Columns: make([]schema.Column, 2)}}
	s.layout = &envelope.Layout{Table: s.table}
	s.mark = func() (uint64, error) { return 1000, nil }
	return s
}

// shows makes v the view from now on.
func (s *script) shows(v *scriptView) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.views = []*scriptView{v}
}

// readOf lists the views of which rows were read, by their numbers.
func (s *script) readOf() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reads)
}

func (s *script) Captured(context.Context) ([]*schema.Table, error) {
	return []*schema.Table{s.table}, nil
}
func (s *script) Plan(_ context.Context, asked []Asked) ([]TablePlan, error) {
	table := *s.table
	_, table.Name, _ = cutID(asked[0].Table)
	return []TablePlan{{Table: &table, Saved: "{}", Chunks: []Chunk{{Table: &table}, {Table: &table, Index: 1}}}}, nil
}

func cutID(id string) (schemaName, name string, ok bool) {
	i := slices.Index([]byte(id), '.')
	return id[:i], id[i+1:], true
}

func (s *script) Restore(ctx context.Context, a Asked, _ string) (TablePlan, bool, error) {
	plans, err := s.Plan(ctx, []Asked{a})
	return plans[0], true, err
}

func (s *script) Rest(c Chunk, text string) (Chunk, error) {
	c.Rest = text
	return c, nil
}

func (s *script) Keys(t *schema.Table, keys [][]string, _ Asked) (Chunk, error) {
	s.asked = append(s.asked, keys...)
	return Chunk{Table: t, Range: keys}, nil
}
func (s *script) Mark(context.Context) (uint64, error)           { return s.mark() }
func (s *script) Lane(context.Context) (LiveLane, error)         { return &scriptLane{s: s}, nil }
func (s *script) Exact(context.Context, []Asked) (Source, error) { return s.exact, nil }

type scriptLane struct {
	s    *script
	view *scriptView
	at   int
}

func (l *scriptLane) Begin(context.Context) (View, error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.view, l.at = l.s.views[0], l.at+1
	if len(l.s.views) > 1 {
		l.s.views = l.s.views[1:]
	}
	return l.view, nil
}

// Read gives the view's rows, whatever the chunk; by key those that were asked for.
func (l *scriptLane) Read(_ context.Context, c Chunk, h envelope.Handler) (*Chunk, error) {
	l.s.mu.Lock()
	l.s.reads = append(l.s.reads, l.at)
	locked := l.s.locked == c.Table.Name
	l.s.mu.Unlock()
	if locked {
		return nil, errLocked
	}
	if err := h.Table(l.s.layout); err != nil {
		return nil, err
	}
	keys, byKey := c.Range.([][]string)
	for _, row := range l.view.rows {
		wanted := slices.ContainsFunc(keys, func(k []string) bool { return k[0] == row[0] })
		if byKey && !wanted {
			continue
		}
		event := l.s.event(envelope.Read, row[0], row[1])
		err := error(nil)
		if row[1] == "" {
			err = h.Refuse(l.s.layout, event.After, errRefused)
		} else {
			err = h.Row(event)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}
func (l *scriptLane) Close(context.Context) error { return nil }

// event is a row; a text of "" was left out by the log.
func (s *script) event(op envelope.Op, key, text string) *envelope.Event {
	present := func(s string) envelope.Value { return envelope.Value{State: envelope.Present, Wire: []byte(s)} }
	e := &envelope.Event{Op: op, Layout: s.layout, After: envelope.Row{present(key), present(text)}}
	if text == "" {
		e.After[1] = envelope.Value{State: envelope.Absent}
	}
	return e
}

// The end of the stream.
func (s *script) Begin(*envelope.Transaction) error { s.begun++; return nil }
func (s *script) Table(*envelope.Layout) error      { return nil }
func (s *script) Message(*envelope.Message) error   { return nil }
func (s *script) Flush() error                      { return nil }
func (s *script) Idle(offsets.Position) error       { return nil }
func (s *script) Refuse(_ *envelope.Layout, known envelope.Row, _ error) error {
	s.out = append(s.out, "unread "+string(known[0].Wire))
	return nil
}
func (s *script) Row(e *envelope.Event) error {
	if s.refuse != nil {
		return s.refuse
	}
	s.out = append(s.out, string(rune(e.Op))+" "+string(e.After[0].Wire)+" "+string(e.After[1].Wire))
	return nil
}
func (s *script) Commit(d offsets.Durable) error {
	if d.Chunk != nil {
		s.chunks = append(s.chunks, *d.Chunk)
	}
	return nil
}

// play is Windows over a script, with Run beside the test, which is the stream.
type play struct {
	*script
	t    *testing.T
	w    *Windows
	r    *Readings
	turn chan struct{} // Run goes on to its next step
	free bool          // without being told to
}

// scripted plays f in a bubble, where nothing but the test decides what comes first.
func scripted(t *testing.T, s *script, stored map[string]offsets.TableSnapshot, f func(*play)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &play{script: s, t: t, r: NewReadings(stored, nil), turn: make(chan struct{})}
		ctx, cancel := context.WithCancel(context.Background())
		p.w = NewWindows(s, s, p.r, WindowOptions{Skip: func(string) bool {
			if !p.free {
				select {
				case <-p.turn:
				case <-ctx.Done():
				}
			}
			return false
		}})
		over := make(chan error, 1)
		go func() { over <- p.w.Run(ctx) }()
		synctest.Wait()
		f(p)
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

// step lets Run take its next step as far as it gets without the stream.
func (p *play) step() {
	p.turn <- struct{}{}
	synctest.Wait()
}

func (p *play) begin(id, place uint64) {
	p.must(p.w.Begin(&envelope.Transaction{ID: id, Place: place}))
}

func (p *play) update(key, text string) { p.must(p.w.Row(p.event(envelope.Update, key, text))) }

func (p *play) commit(place uint64) {
	p.must(p.w.Commit(offsets.Durable{Position: offsets.Position{Place: place}}))
	synctest.Wait()
}

func (p *play) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *play) went(want ...string) {
	p.t.Helper()
	if !slices.Equal(p.out, want) {
		p.t.Errorf("out went %q, want %q", p.out, want)
	}
	p.out = nil
}

var initialTable = map[string]offsets.TableSnapshot{"public.t": {OID: 7, Why: offsets.WhyInitial}}

var (
	errRefused = errors.New("refused")
	errLocked  = errors.New("locked")
)

// scriptSource is a state at an exact place, of a table without a key.
type scriptSource struct {
	script *script
	place  uint64
	closed int
	denied error  // what reading fails with before its first row, nil for nothing
	after  func() // is called behind the first row
}

func (s *scriptSource) Transaction() envelope.Transaction {
	return envelope.Transaction{Place: s.place}
}
func (s *scriptSource) Position() offsets.Position { return offsets.Position{Place: s.place} }
func (s *scriptSource) Plan(ctx context.Context) ([]TablePlan, error) {
	plans, err := s.script.Plan(ctx, []Asked{{Table: "public.t"}})
	plans[0].Chunks = plans[0].Chunks[:1]
	return plans, err
}
func (s *scriptSource) Lane(context.Context) (Lane, error) {
	return &exactLane{s}, nil
}
func (s *scriptSource) Close(context.Context) error { s.closed++; return nil }

type exactLane struct{ source *scriptSource }

// Read gives one row, and behind it a second one where something happens in between, unless ctx has ended then.
func (l *exactLane) Read(ctx context.Context, _ Chunk, h envelope.Handler) error {
	s := l.source.script
	if err := h.Table(s.layout); err != nil {
		return err
	}
	if l.source.denied != nil {
		return l.source.denied
	}
	err := h.Row(s.event(envelope.Read, "1", "whole"))
	if l.source.after == nil || err != nil {
		return err
	}
	if l.source.after(); ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return h.Row(s.event(envelope.Read, "2", "whole"))
}
func (l *exactLane) Close(context.Context) error { return nil }
