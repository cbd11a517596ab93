package readertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rdip/envelope"
	"rdip/readers"
	"rdip/snapshot"
)

var lives = []scenario{
	{"what is captured is listed, with the keys", livesListTables},
	{"a plan that was saved is restored chunk for chunk, by another reader (P56)", plansAreRestored},
	{"a window that fills up loses and repeats no row, in ranges and in keys", fullWindowsLoseNothing},
	{"keys are read once each, and those that are not there are no error", keysAreReadOnce},
	{"a table that is not captured is refused by name", tablesNotCapturedAreRefused},
	{"an idle stream passes a mark", marksArePassedByAnIdleStream},
	{"a view tells a transaction that it sees from one in progress (P67)", viewsTellWhatTheySee},
	{"what a view sees is what its lane reads", lanesReadWhatTheirViewSees},
	{"an exact state and the transactions behind it are the table, while others write (P71)", exactStatesHaveAPlace},
	{"an error of the handler ends a live lane's Read unchanged", liveLanesEndWithTheHandlersError},
}

// liveLane opens a lane that is closed with the test.
func (s *scene) liveLane(r readers.Reader) snapshot.LiveLane {
	s.t.Helper()
	lane, err := r.Live().Lane(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = lane.Close(context.Background()) })
	return lane
}

// view takes a new snapshot.
func (s *scene) view(lane snapshot.LiveLane) snapshot.View {
	s.t.Helper()
	v, err := lane.Begin(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if tx := v.Transaction(); tx.Micros <= 0 {
		s.t.Errorf("the snapshot has no time: %+v", tx)
	}
	return v
}

// tableID is how the reader calls a table of that name.
func (s *scene) tableID(r readers.Reader, name string) string {
	s.t.Helper()
	tables, err := r.Live().Captured(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, t := range tables {
		if t.Name == name {
			return t.ID()
		}
	}
	s.t.Fatalf("table %s is not captured", name)
	return ""
}

// livePlan is the plan of one table.
func (s *scene) livePlan(r readers.Reader, name string) snapshot.TablePlan {
	s.t.Helper()
	plans, err := r.Live().Plan(s.t.Context(), []snapshot.Asked{{Table: s.tableID(r, name)}})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(plans) != 1 || plans[0].Table.Name != name || plans[0].Saved == "" {
		s.t.Fatalf("planned were %+v", plans)
	}
	return plans[0]
}

// fullAfter is a Handler that is full after some rows.
type fullAfter struct {
	envelope.Handler
	left int
}

func (f *fullAfter) Row(e *envelope.Event) error {
	if err := f.Handler.Row(e); err != nil {
		return err
	}
	if f.left--; f.left == 0 {
		return snapshot.ErrFull
	}
	return nil
}

// read reads a chunk in windows of so many rows, each with a snapshot of its own; 0 for one window.
func (s *scene) read(lane snapshot.LiveLane, c snapshot.Chunk, rows int) []string {
	s.t.Helper()
	var all []string
	for rest := &c; rest != nil; {
		s.view(lane)
		p := newTape(0)
		var err error
		if rest, err = lane.Read(s.t.Context(), *rest, newLaneJudge(&fullAfter{Handler: p, left: rows}, s.t.Errorf)); err != nil {
			s.t.Fatalf("read: %v", err)
		}
		if rows > 0 && len(p.open.changes) > rows {
			s.t.Fatalf("a window of %d rows got %d", rows, len(p.open.changes))
		}
		for _, change := range p.open.changes {
			all = append(all, change.String())
		}
	}
	return all
}

func livesListTables(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t", HiddenPrefix+"_t")
	r, _ := s.begin()
	tables, err := r.Live().Captured(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range tables {
		names = append(names, fmt.Sprint(one.Name, " ", one.Key))
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{markerTable + " [0]", "t [0]"}) {
		t.Errorf("captured are %v", names)
	}
}

func plansAreRestored(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	s.manyRows("t")
	r, stored := s.begin()
	plan := s.livePlan(r, "t")
	lane := s.liveLane(r)
	var first [][]string
	for i, c := range plan.Chunks {
		if c.Index != i || c.Table.ID() != plan.Table.ID() {
			t.Fatalf("chunk %d says that it is number %d of %s", i, c.Index, c.Table.ID())
		}
		first = append(first, s.read(lane, c, 0))
	}
	if len(first) < 3 {
		t.Fatalf("a plan of %d chunks", len(first))
	}
	s.close(r)
	for id := range 50 {
		s.sql.Insert("t", Row{5000 + id, strings.Repeat("y", 400)}) // the table grows between two runs
	}

	again, _ := s.open(stored)
	restored, same, err := again.Live().Restore(t.Context(), snapshot.Asked{Table: plan.Table.ID()}, plan.Saved)
	if err != nil || !same || len(restored.Chunks) != len(plan.Chunks) || restored.Saved != plan.Saved {
		t.Fatalf("restored %d chunks of %d, the same %t: %v", len(restored.Chunks), len(plan.Chunks), same, err)
	}
	lane = s.liveLane(again)
	for i, c := range restored.Chunks {
		got := slices.DeleteFunc(s.read(lane, c, 0), func(row string) bool {
			return strings.HasPrefix(row, "r t(5") && len(row) > len("r t(5") && strings.Contains(row, "y")
		})
		if !slices.Equal(got, first[i]) {
			t.Errorf("chunk %d has %d rows, first it had %d", i, len(got), len(first[i]))
		}
	}
	if _, _, err := again.Live().Restore(t.Context(), snapshot.Asked{Table: plan.Table.ID()}, "?"); err == nil {
		t.Error("a plan that nobody saved was restored")
	}
}

func fullWindowsLoseNothing(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	s.manyRows("t")
	r, _ := s.begin()
	lane := s.liveLane(r)
	plan := s.livePlan(r, "t")
	keys, err := r.Live().Keys(plan.Table, manyKeys(0, 1024), snapshot.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range []int{1, 7, 1000} {
		for name, chunks := range map[string][]snapshot.Chunk{"ranges": plan.Chunks, "keys": {keys}} {
			if rows == 1 {
				chunks = chunks[:1]
			}
			var all, whole []string
			for _, c := range chunks {
				all, whole = append(all, s.read(lane, c, rows)...), append(whole, s.read(lane, c, 0)...)
			}
			slices.Sort(all)
			slices.Sort(whole)
			if !slices.Equal(all, whole) {
				t.Errorf("%s: windows of %d rows have %d rows, one window has %d", name, rows, len(all), len(whole))
			}
			if rows > 1 && len(slices.Compact(whole)) != 1024 {
				t.Errorf("%s: %d rows of 1024", name, len(whole))
			}
		}
	}
}

// manyKeys are the keys of ids from and up to, not included.
func manyKeys(from, to int) [][]string {
	var keys [][]string
	for id := from; id < to; id++ {
		keys = append(keys, []string{fmt.Sprint(id)})
	}
	return keys
}

func keysAreReadOnce(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	s.sql.Insert("t", Row{1, "a"}, Row{2, nil}, Row{3, "c"}, Row{-4, "d"})
	r, _ := s.begin()
	table := s.livePlan(r, "t").Table
	lane := s.liveLane(r)
	for _, c := range []struct {
		asked [][]string
		want  []string
	}{{nil, []string{"r t(-4,d)", "r t(1,a)", "r t(3,c)"}}, {[][]string{{"2"}, {"3"}, {"-4"}}, []string{"r t(-4,d)", "r t(3,c)"}}} {
		chunk, err := r.Live().Keys(table, [][]string{{"3"}, {"99"}, {"1"}, {"3"}, {"-4"}}, snapshot.Asked{Table: table.ID(), Keys: c.asked})
		if err != nil {
			t.Fatal(err)
		}
		got := s.read(lane, chunk, 0)
		if slices.Sort(got); !slices.Equal(got, c.want) {
			t.Errorf("of those asked for, %q, read were %q", c.asked, got)
		}
	}
	for _, keys := range [][][]string{{{"1", "2"}}, {{}}, {nil}} {
		if _, err := r.Live().Keys(table, keys, snapshot.Asked{}); err == nil {
			t.Errorf("the keys %q were taken", keys)
		}
	}
}

func tablesNotCapturedAreRefused(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t", HiddenPrefix+"_t")
	r, _ := s.begin()
	id := strings.Replace(s.tableID(r, "t"), "t", HiddenPrefix+"_t", 1)
	for _, asked := range []snapshot.Asked{{Table: id}, {Table: "nowhere.nothing"}, {Table: ""}} {
		if _, err := r.Live().Plan(t.Context(), []snapshot.Asked{asked}); err == nil || !strings.Contains(err.Error(), asked.Table) {
			t.Errorf("a plan of %q gave %v", asked.Table, err)
		}
		if _, err := r.Live().Exact(t.Context(), []snapshot.Asked{asked}); err == nil {
			t.Errorf("an exact state of %q was taken", asked.Table)
		}
	}
	s.close(r)
	s.expectNothingHeld()
}

func marksArePassedByAnIdleStream(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, stored := s.begin()
	p := newTape(s.mark())
	st := s.stream(r, stored.Position, p)
	st.caughtUp()
	var before uint64
	for range 3 {
		place, err := r.Live().Mark(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if place <= before {
			t.Errorf("a mark at %d follows one at %d", place, before)
		}
		before = place
		eventually(t, "the stream has passed the mark", func() bool {
			passed := false
			p.look(func() { passed = p.last.Place >= place })
			return passed
		})
	}
	s.sql.Insert("t", Row{1, "behind the mark"})
	after := s.mark()
	place, err := r.Live().Mark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	st.stop()
	txs := s.replayed(r, stored.Position, after).transactions()
	if len(txs) != 1 || txs[0].Place < before || txs[0].Place >= place {
		t.Errorf("a transaction between marks at %d and %d is\n%s at %+v", before, place, show(txs), txs)
	}
}

func viewsTellWhatTheySee(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, stored := s.begin()
	lane := s.liveLane(r)
	s.sql.Insert("t", Row{1, "over"})
	other := newSession(t, s.db, &subject.Dialect, t.Fatalf)
	other.Begin()
	other.Insert("t", Row{2, "in progress"})
	s.sql.Insert("t", Row{3, "over too, and younger"})
	during := s.view(lane)
	other.Commit()
	s.sql.Insert("t", Row{4, "later"})
	after := s.view(lane)
	txs := s.captured(r, stored.Position).transactions()
	s.expect(txs, "c t(1,over)", "c t(3,over too, and younger)", "c t(2,in progress)", "c t(4,later)")
	if t.Failed() {
		return
	}
	for i, want := range []bool{true, true, false, false} {
		if got := during.Sees(txs[i].ID, txs[i].Place); got != want {
			t.Errorf("the view during it sees transaction %d: %t", i, got)
		}
		if !after.Sees(txs[i].ID, txs[i].Place) {
			t.Errorf("the view after them does not see transaction %d", i)
		}
	}
	if !slices.Contains(during.Running(), txs[2].ID) || slices.Contains(during.Running(), txs[1].ID) || slices.Contains(after.Running(), txs[2].ID) {
		t.Errorf("in progress were %v, and then %v; the transactions are %d and %d", during.Running(), after.Running(), txs[1].ID, txs[2].ID)
	}
}

func lanesReadWhatTheirViewSees(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	s.sql.Insert("t", Row{1, "a"})
	r, _ := s.begin()
	lane := s.liveLane(r)
	c := s.livePlan(r, "t").Chunks[0]
	s.view(lane)
	s.sql.Update("t", 1, "v", "later")
	p := newTape(0)
	if rest, err := lane.Read(t.Context(), c, newLaneJudge(p, t.Errorf)); err != nil || rest != nil {
		t.Fatalf("read: %v, and %+v is left", err, rest)
	}
	s.expect([]transaction{p.open}, "r t(1,a)")
	if _, err := lane.Read(t.Context(), c, newLaneJudge(newTape(0), t.Errorf)); err == nil {
		t.Error("a snapshot was read twice")
	}
	if got := s.read(lane, c, 0); !slices.Equal(got, []string{"r t(1,later)"}) {
		t.Errorf("the next snapshot has %q", got)
	}
}

func liveLanesEndWithTheHandlersError(t *testing.T, subject *Subject) {
	for _, call := range []string{"Table", "Row"} {
		t.Run(call, func(t *testing.T) {
			s := newScene(t, subject)
			s.sql.createPairs("t")
			s.manyRows("t")
			r, _ := s.begin()
			lane := s.liveLane(r)
			c := s.livePlan(r, "t").Chunks[0]
			s.view(lane)
			p := newTape(0)
			p.hook = func(name string, _ *envelope.Event) error {
				if name == call {
					return errStop
				}
				return nil
			}
			if rest, err := lane.Read(t.Context(), c, newLaneJudge(p, t.Errorf)); !unchanged(err) || rest != nil {
				t.Errorf("it ended with %v, and %v is left", err, rest)
			}
		})
	}
}
