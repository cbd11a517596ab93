package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"rdip/envelope"
	"rdip/offsets"
	"rdip/schema"
	"rdip/snapshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shape is a snapshot's content: tables, their chunks, and the number of rows in each.
type shape [][]int

// fixed is a Source of that shape in memory. Its rows are "table/chunk/row".
type fixed struct {
	shape  shape
	fail   func(c snapshot.Chunk) error // before the chunk's rows; may be nil
	mu     sync.Mutex
	opened int
	closed int
}

func (s *fixed) Plan(context.Context) ([]snapshot.TablePlan, error) {
	var plan []snapshot.TablePlan
	for i, chunks := range s.shape {
		t := snapshot.TablePlan{Table: &schema.Table{Schema: "public", Name: "t" + strconv.Itoa(i)}, Rows: -1, Bytes: int64(len(chunks)) * 10}
		for j, rows := range chunks {
			t.Chunks = append(t.Chunks, snapshot.Chunk{Table: t.Table, Index: j, Range: [3]int{i, j, rows}, Bytes: 10})
		}
		plan = append(plan, t)
	}
	return plan, nil
}

func (s *fixed) Lane(context.Context) (snapshot.Lane, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	return &fixedLane{s: s}, nil
}

func (s *fixed) Transaction() envelope.Transaction { return envelope.Transaction{ID: 7} }
func (s *fixed) Position() offsets.Position        { return offsets.Position{Place: 1} }
func (s *fixed) Close(context.Context) error       { return nil }

type fixedLane struct {
	s   *fixed
	buf []byte
	row envelope.Row
}

// Read lends the same buffer for every row, as real lanes do.
func (l *fixedLane) Read(ctx context.Context, c snapshot.Chunk, h envelope.Handler) error {
	if l.s.fail != nil {
		if err := l.s.fail(c); err != nil {
			return err
		}
	}
	at := c.Range.([3]int)
	layout := &envelope.Layout{Table: c.Table}
	if err := h.Table(layout); err != nil {
		return err
	}
	for i := range at[2] {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		l.buf = fmt.Appendf(l.buf[:0], "%d/%d/%d", at[0], at[1], i)
		l.row = append(l.row[:0], envelope.Value{State: envelope.Present, Wire: l.buf}, envelope.Value{})
		if err := h.Row(&envelope.Event{Op: envelope.Read, Layout: layout, After: l.row}); err != nil {
			return err
		}
		clear(l.buf)
		runtime.Gosched()
	}
	return nil
}

func (l *fixedLane) Close(context.Context) error {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.s.closed++
	return nil
}

// ledger is what all lanes sent, in the order in which they did.
type ledger struct {
	mu      sync.Mutex
	rows    []written
	commits []committed
}

type written struct {
	lane  int
	table string
	text  string
	mark  envelope.Mark
}

type committed struct {
	lane, behind int // behind: rows that all lanes had sent before
	chunk        offsets.Chunk
}

// recorder is one lane's Handler. As a real one it gathers rows, and sends them when it is told to or a chunk
// is done.
type recorder struct {
	lane     int
	to       *ledger
	gathered []written
	begun    int
	refuse   error // of Row, once it is called
	announce map[*envelope.Layout]bool
}

func (r *recorder) Begin(tx *envelope.Transaction) error {
	if tx.ID != 7 {
		return errors.New("not the snapshot's transaction")
	}
	r.begun++
	return nil
}

func (r *recorder) Table(l *envelope.Layout) error {
	if r.announce == nil {
		r.announce = map[*envelope.Layout]bool{}
	}
	r.announce[l] = true
	return nil
}

func (r *recorder) Row(e *envelope.Event) error {
	if r.refuse != nil {
		return r.refuse
	}
	if !r.announce[e.Layout] || r.begun != 1 {
		return errors.New("a row of a layout that was not announced, or outside Begin")
	}
	if len(e.After) != 2 || e.After[0].State != envelope.Present || e.After[1].State != envelope.Null {
		return errors.New("a row's values changed on the way")
	}
	r.gathered = append(r.gathered, written{r.lane, e.Layout.Table.Name, string(e.After[0].Wire), e.Mark})
	return nil
}

func (r *recorder) Commit(d offsets.Durable) error {
	if err := r.Flush(); err != nil {
		return err
	}
	r.to.mu.Lock()
	defer r.to.mu.Unlock()
	r.to.commits = append(r.to.commits, committed{r.lane, len(r.to.rows), *d.Chunk})
	return nil
}

func (r *recorder) Flush() error {
	r.to.mu.Lock()
	defer r.to.mu.Unlock()
	r.to.rows = append(r.to.rows, r.gathered...)
	r.gathered = nil
	return nil
}

func (r *recorder) Message(*envelope.Message) error                               { return errors.New("no message is due") }
func (r *recorder) Refuse(_ *envelope.Layout, _ envelope.Row, reason error) error { return reason }
func (r *recorder) Idle(offsets.Position) error                                   { return errors.New("a snapshot is never idle") }

func handlers(n int, to *ledger) []envelope.Handler {
	var hs []envelope.Handler
	for i := range n {
		hs = append(hs, &recorder{lane: i, to: to})
	}
	return hs
}

func TestWithOneLaneTheMarksAreDebeziumsInThePlansOrder(t *testing.T) {
	const first, last, firstIn, lastIn, plain = envelope.First, envelope.Last, envelope.FirstInTable, envelope.LastInTable, envelope.Snapshotted
	for name, c := range map[string]struct {
		shape shape
		want  []envelope.Mark
	}{
		"nothing at all":                           {shape{}, nil},
		"only empty tables":                        {shape{{0}, {0, 0}}, nil},
		"one row is the last":                      {shape{{1}}, []envelope.Mark{last}},
		"two rows":                                 {shape{{2}}, []envelope.Mark{first, last}},
		"a table's only row is its last":           {shape{{2}, {1}, {2}}, []envelope.Mark{first, lastIn, lastIn, firstIn, last}},
		"the first table's only row is first":      {shape{{1}, {3}}, []envelope.Mark{first, firstIn, plain, last}},
		"chunks of one table are one table":        {shape{{2, 2, 1}}, []envelope.Mark{first, plain, plain, plain, last}},
		"an empty last chunk":                      {shape{{2, 0}, {3, 0, 0}}, []envelope.Mark{first, lastIn, firstIn, plain, last}},
		"an empty last table":                      {shape{{2}, {2}, {0}}, []envelope.Mark{first, lastIn, firstIn, last}},
		"empty chunks and tables at the beginning": {shape{{0}, {0, 2}, {1, 0}}, []envelope.Mark{first, lastIn, last}},
	} {
		t.Run(name, func(t *testing.T) {
			var to ledger
			if err := snapshot.Run(t.Context(), &fixed{shape: c.shape}, handlers(1, &to), &snapshot.Progress{}, nil); err != nil {
				t.Fatal(err)
			}
			var got []envelope.Mark
			var order []string
			for _, w := range to.rows {
				got, order = append(got, w.mark), append(order, w.text)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("marks %v, want %v", got, c.want)
			}
			if want := c.shape.rows(); !slices.Equal(order, want) {
				t.Errorf("rows %v, want %v", order, want)
			}
		})
	}
}

// rows is every row in the plan's order.
func (s shape) rows() []string {
	var all []string
	for i, chunks := range s {
		for j, n := range chunks {
			for k := range n {
				all = append(all, fmt.Sprintf("%d/%d/%d", i, j, k))
			}
		}
	}
	return all
}

func TestWithAnyTablesChunksAndLanesNoRowIsLostAndMarksAreOneEach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := shape(rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 4), 0, 6), 0, 6).Draw(t, "shape"))
		lanes := rapid.IntRange(1, 5).Draw(t, "lanes")
		var to ledger
		var p snapshot.Progress
		src := &fixed{shape: s}
		if err := snapshot.Run(context.Background(), src, handlers(lanes, &to), &p, nil); err != nil {
			t.Fatal(err)
		}
		if src.opened != lanes || src.closed != lanes {
			t.Fatalf("%d lanes opened, %d closed, of %d", src.opened, src.closed, lanes)
		}
		want := s.rows()
		var got []string
		for _, w := range to.rows {
			got = append(got, w.text)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("rows %v, want %v", got, want)
		}
		checkMarks(t, to.rows)
		checkCommits(t, s, &to)
		if r := p.Report(); r.Rows != int64(len(want)) || r.Done != 1 || !r.Ended || r.Chunks != r.ChunksDone {
			t.Fatalf("progress %+v of %d rows", r, len(want))
		}
	})
}

// checkMarks: of all rows one is first (unless it is also the last), the one sent first, and one is last, the
// one sent last of all; likewise of each table.
func checkMarks(t *rapid.T, rows []written) {
	count := map[envelope.Mark]int{}
	tables := map[string]map[envelope.Mark]int{}
	firstOf, lastOf := map[string]int{}, map[string]int{}
	for i, w := range rows {
		count[w.mark]++
		if tables[w.table] == nil {
			tables[w.table] = map[envelope.Mark]int{}
			firstOf[w.table] = i
		}
		tables[w.table][w.mark]++
		lastOf[w.table] = i
	}
	if len(rows) == 0 {
		return
	}
	if rows[len(rows)-1].mark != envelope.Last || count[envelope.Last] != 1 {
		t.Fatalf("%d rows are last, the final one is %v", count[envelope.Last], rows[len(rows)-1].mark)
	}
	if want := min(1, len(rows)-1); count[envelope.First] != want || want == 1 && rows[0].mark != envelope.First {
		t.Fatalf("%d rows of %d are first, the one sent first is %v", count[envelope.First], len(rows), rows[0].mark)
	}
	for name, marks := range tables {
		n := 0
		for _, c := range marks {
			n += c
		}
		ends := marks[envelope.LastInTable] + marks[envelope.Last]
		begins := marks[envelope.FirstInTable] + marks[envelope.First]
		initial, final := rows[firstOf[name]].mark, rows[lastOf[name]].mark
		switch {
		case n == 1 && marks[envelope.Snapshotted]+marks[envelope.FirstInTable] != 0:
			t.Fatalf("the only row of %s is %v", name, final)
		case n > 1 && (ends != 1 || begins != 1):
			t.Fatalf("table %s of %d rows has marks %v", name, n, marks)
		case n > 1 && initial != envelope.FirstInTable && initial != envelope.First:
			t.Fatalf("the first row of %s to be sent is %v", name, initial)
		case n > 1 && final != envelope.LastInTable && final != envelope.Last:
			t.Fatalf("the final row of %s is %v", name, final)
		}
	}
}

// checkCommits: every chunk is committed once, with its number of rows, behind all of them, by the lane that
// handed them on.
func checkCommits(t *rapid.T, s shape, to *ledger) {
	seen := map[[2]int]bool{}
	for _, c := range to.commits {
		table, err := strconv.Atoi(c.chunk.Table[len("public.t"):])
		if err != nil {
			t.Fatal(err)
		}
		id := [2]int{table, c.chunk.Index}
		if seen[id] {
			t.Fatalf("chunk %v was committed twice", id)
		}
		seen[id] = true
		rows := 0
		prefix := fmt.Sprintf("%d/%d/", id[0], id[1])
		for _, w := range to.rows[:c.behind] {
			if len(w.text) > len(prefix) && w.text[:len(prefix)] == prefix && w.lane == c.lane {
				rows++
			}
		}
		if want := s[id[0]][id[1]]; rows != want || c.chunk.Rows != int64(want) {
			t.Fatalf("chunk %v was committed behind %d of its %d rows, saying %d", id, rows, want, c.chunk.Rows)
		}
	}
	for i, chunks := range s {
		for j := range chunks {
			if !seen[[2]int{i, j}] {
				t.Fatalf("chunk %d/%d was never committed", i, j)
			}
		}
	}
}

func TestTheFirstErrorEndsEveryLane(t *testing.T) {
	boom := errors.New("connection lost")
	many := shape{{3, 3, 3, 3, 3, 3}, {3, 3, 3}, {1}}
	t.Run("of a lane's reading", func(t *testing.T) { // P54: never "done" early
		src := &fixed{shape: many, fail: func(c snapshot.Chunk) error {
			if c.Index == 2 {
				return boom
			}
			return nil
		}}
		var to ledger
		var stopped error
		var p snapshot.Progress
		err := snapshot.Run(t.Context(), src, handlers(3, &to), &p, func(err error) { stopped = err })
		if !errors.Is(err, boom) || !errors.Is(stopped, boom) {
			t.Errorf("Run gave %v and stopped the handlers with %v", err, stopped)
		}
		if src.closed != 3 {
			t.Errorf("%d of 3 lanes were closed", src.closed)
		}
		for _, w := range to.rows {
			if w.mark == envelope.Last {
				t.Error("a snapshot that failed has a last row")
			}
		}
		if r := p.Report(); r.Done == 1 {
			t.Error("a snapshot that failed is shown as done")
		}
	})
	t.Run("of a handler", func(t *testing.T) {
		var to ledger
		hs := handlers(2, &to)
		hs[1].(*recorder).refuse = boom
		if err := snapshot.Run(t.Context(), &fixed{shape: many}, hs, &snapshot.Progress{}, nil); !errors.Is(err, boom) {
			t.Errorf("Run gave %v, not the handler's own error", err)
		}
	})
	t.Run("of the context", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		src := &fixed{shape: many, fail: func(snapshot.Chunk) error { cancel(boom); return nil }}
		var to ledger
		if err := snapshot.Run(ctx, src, handlers(2, &to), &snapshot.Progress{}, nil); !errors.Is(err, boom) {
			t.Errorf("Run gave %v", err)
		}
	})
}
