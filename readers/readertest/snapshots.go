package readertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"rdip/envelope"
	"rdip/readers"
	"rdip/snapshot"
)

var snapshots = []scenario{
	{"parallel lanes read each row exactly once, and none of a table left out", lanesReadEachRowOnce},
	{"every lane sees the same state, whatever is written meanwhile (P55)", lanesSeeOneState},
	{"snapshot and stream together have no gap while others write (G1, G6, P55)", noGapWithWriters},
	{"a snapshot that was cut off loses nothing when the rest is read beside the stream (P56)", snapshotCutOff},
	{"an error of the handler ends a lane's Read unchanged", laneEndsWithTheHandlersError},
	{"a lane's Read ends with its context", laneEndsWithItsContext},
}

// chunks hands out the chunks of a plan to several lanes.
func chunks(plans []snapshot.TablePlan) <-chan snapshot.Chunk {
	var all []snapshot.Chunk
	for _, p := range plans {
		all = append(all, p.Chunks...)
	}
	queue := make(chan snapshot.Chunk, len(all))
	for _, c := range all {
		queue <- c
	}
	close(queue)
	return queue
}

// planned is the snapshot's plan, judged.
func (s *scene) planned(r readers.Reader) []snapshot.TablePlan {
	s.t.Helper()
	plans, err := r.Snapshot().Plan(s.t.Context())
	if err != nil {
		s.t.Fatalf("plan: %v", err)
	}
	for _, p := range plans {
		for i, c := range p.Chunks {
			if c.Index != i || c.Table != p.Table {
				s.t.Errorf("chunk %d of %s says that it is number %d of %s", i, p.Table.ID(), c.Index, c.Table.ID())
			}
		}
	}
	if tx := r.Snapshot().Transaction(); tx.Micros <= 0 || tx.Place == 0 {
		s.t.Errorf("the snapshot has no time or no place: %+v", tx)
	}
	return plans
}

// copied reads the whole snapshot over so many lanes, a tape each, and closes it. Changes are on the tapes'
// open transaction: lanes neither begin nor commit.
func (s *scene) copied(r readers.Reader, lanes int) []change {
	s.t.Helper()
	tapes := make([]*tape, lanes)
	queue := chunks(s.planned(r))
	var group sync.WaitGroup
	for i := range lanes {
		tapes[i] = newTape(0)
		group.Go(func() {
			if err := readLane(s.t, r.Snapshot(), queue, tapes[i]); err != nil {
				s.t.Errorf("lane %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if err := r.Snapshot().Close(s.t.Context()); err != nil {
		s.t.Errorf("closing the snapshot: %v", err)
	}
	var all []change
	for _, p := range tapes {
		all = append(all, p.open.changes...)
	}
	return all
}

// readLane opens a lane and reads chunks until none is left.
func readLane(t *testing.T, source snapshot.Source, queue <-chan snapshot.Chunk, h envelope.Handler) (err error) {
	lane, err := source.Lane(t.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lane.Close(context.Background())) }()
	j := newLaneJudge(h, t.Errorf)
	for c := range queue {
		if err := lane.Read(t.Context(), c, j); err != nil {
			return err
		}
	}
	return nil
}

// table is the content of a table of pairs: the text of each id.
type table map[string]string

// apply brings the table up to date with a change.
func (tb table) apply(t *testing.T, c change) {
	t.Helper()
	switch c.op {
	case envelope.Delete:
		delete(tb, c.before[0])
	case envelope.Truncate:
		clear(tb)
	default:
		if c.before != nil && c.before[0] != c.after[0] {
			delete(tb, c.before[0])
		}
		tb[c.after[0]] = c.after[1]
	}
}

func (tb table) expect(t *testing.T, want table) {
	t.Helper()
	if maps.Equal(tb, want) {
		return
	}
	var differences []string
	for id, v := range want {
		if got, ok := tb[id]; got != v || !ok {
			differences = append(differences, fmt.Sprintf("%s is %q, captured %q (%t)", id, v, got, ok))
		}
	}
	for id := range tb {
		if _, ok := want[id]; !ok {
			differences = append(differences, id+" was deleted, and is captured")
		}
	}
	t.Errorf("%d rows were captured, and %d are there:\n%s", len(tb), len(want), strings.Join(differences, "\n"))
}

// converge opens with what is stored, reads the snapshot if one is due, then the stream up to now. Where the first
// snapshot was cut off, the table t is read once more behind it, while nobody writes.
func (s *scene) converge(stored readers.Stored, state table) {
	s.t.Helper()
	r, resume := s.open(stored)
	if resume.Snapshot {
		for _, c := range s.copied(r, 2) {
			state.apply(s.t, c)
		}
	}
	for _, tx := range s.captured(r, resume.From).transactions() {
		for _, c := range tx.changes {
			state.apply(s.t, c)
		}
	}
	if resume.Snapshot || stored.SnapshotDone {
		return
	}
	lane := s.liveLane(r)
	for _, c := range s.livePlan(r, "t").Chunks {
		s.view(lane)
		p := newTape(0)
		if _, err := lane.Read(s.t.Context(), c, newLaneJudge(p, s.t.Errorf)); err != nil {
			s.t.Fatalf("read: %v", err)
		}
		for _, change := range p.open.changes {
			state.apply(s.t, change)
		}
	}
}

// manyRows fills a table with 1,024 rows of 400 bytes, ids 0 to 1023.
func (s *scene) manyRows(name string) {
	s.sql.Insert(name, Row{0, strings.Repeat("x", 400)})
	for n := 1; n < 1024; n *= 2 {
		s.sql.Double(name, n)
	}
}

func lanesReadEachRowOnce(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("many", "few", "none", HiddenPrefix+"_t")
	s.manyRows("many")
	s.sql.Insert("few", Row{1, "a"}, Row{2, nil}, Row{3, ""})
	s.sql.Insert(HiddenPrefix+"_t", Row{1, "not captured"})
	r, _ := s.open(readers.Stored{})
	parts := map[string]int{}
	for _, p := range s.planned(r) {
		parts[p.Table.Name] = len(p.Chunks)
	}
	if len(parts) != 4 || parts["many"] < 3 { // the marker's table too
		t.Errorf("the plan has so many chunks a table: %v", parts)
	}
	seen := map[string]int{}
	for _, c := range s.copied(r, 3) {
		seen[c.table+" "+c.after[0]]++
		if c.table == "few" && c.after[1] != map[string]string{"1": "a", "2": nullText, "3": ""}[c.after[0]] {
			t.Errorf("got %s", c)
		}
	}
	for id := range 1024 {
		if n := seen[fmt.Sprint("many ", id)]; n != 1 {
			t.Errorf("row %d was read %d times", id, n)
		}
	}
	if len(seen) != 1024+3 {
		t.Errorf("%d rows were read", len(seen))
	}
}

func lanesSeeOneState(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	s.sql.Insert("t", Row{1, "a"}, Row{2, "b"}, Row{3, "c"})
	r, _ := s.open(readers.Stored{})
	s.sql.Update("t", 1, "v", "later")
	s.sql.Delete("t", 2)
	s.sql.ChangeKey("t", 3, 30)
	s.sql.Insert("t", Row{4, "later"})
	for range 2 { // lanes opened one after the other
		p := newTape(0)
		if err := readLane(t, r.Snapshot(), chunks(s.planned(r)), p); err != nil {
			t.Fatal(err)
		}
		s.expect([]transaction{p.open}, "r t(1,a); r t(2,b); r t(3,c)")
	}
}

func noGapWithWriters(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	s.manyRows("t")
	want := table{}
	for id := range 1024 {
		want[fmt.Sprint(id)] = shortText(strings.Repeat("x", 400))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var writers sync.WaitGroup
	written := make([]table, 3)
	for w := range written {
		// One class of ids a writer, so that each knows what its rows are in the end.
		written[w] = maps.Clone(want)
		maps.DeleteFunc(written[w], func(id, _ string) bool { return atoi(id)%len(written) != w })
		session := newSession(t, s.db, &subject.Dialect, t.Errorf)
		writers.Go(func() { writeAtRandom(ctx, session, written[w], w, len(written)) })
	}
	time.Sleep(50 * time.Millisecond) // transactions are under way at any moment from now on
	r, resume := s.open(readers.Stored{})
	state := table{}
	for _, c := range s.copied(r, 2) {
		state.apply(t, c)
	}
	stop()
	writers.Wait()
	for _, tx := range s.captured(r, resume.From).transactions() {
		for _, c := range tx.changes {
			state.apply(t, c)
		}
	}
	clear(want)
	for _, tb := range written {
		maps.Copy(want, tb)
	}
	state.expect(t, want)
}

func atoi(text string) (n int) {
	_, _ = fmt.Sscan(text, &n)
	return n
}

// writeAtRandom changes the rows of a writer's class until ctx ends, some statements a transaction, and
// keeps account of what was committed.
func writeAtRandom(ctx context.Context, s *Session, content table, class, classes int) {
	random := rand.New(rand.NewPCG(uint64(class), 7))
	for n := 0; ctx.Err() == nil; n++ {
		after := maps.Clone(content)
		s.Begin()
		for range 1 + random.IntN(3) {
			id := classes*random.IntN(500) + class
			v := fmt.Sprintf("writer %d, transaction %d", class, n)
			_, there := after[fmt.Sprint(id)]
			switch {
			case !there:
				s.Insert("t", Row{id, v})
				after[fmt.Sprint(id)] = v
			case random.IntN(3) == 0:
				s.Delete("t", id)
				delete(after, fmt.Sprint(id))
			default:
				s.Update("t", id, "v", v)
				after[fmt.Sprint(id)] = v
			}
		}
		if random.IntN(5) == 0 {
			s.Rollback()
			continue
		}
		s.Commit()
		clear(content)
		maps.Copy(content, after)
	}
}

func snapshotCutOff(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	s.sql.Insert("t", Row{1, "a"}, Row{2, "b"}, Row{3, "c"})
	first, resume := s.open(readers.Stored{})
	state := table{}
	for _, c := range s.copied(first, 1) { // delivered, and then the process dies before anything is stored
		state.apply(t, c)
	}
	s.close(first)
	s.sql.Delete("t", 1)
	s.sql.Update("t", 2, "v", "later")
	s.sql.Insert("t", Row{4, "d"})
	s.converge(readers.Stored{Identity: resume.Identity, SnapshotBegan: true}, state)
	state.expect(t, table{"2": "later", "3": "c", "4": "d"})
}

// firstChunk opens a snapshot of some rows with one lane.
func (s *scene) firstChunk() (snapshot.Lane, snapshot.Chunk) {
	s.t.Helper()
	s.sql.createPairs("t")
	s.manyRows("t")
	r, _ := s.open(readers.Stored{})
	lane, err := r.Snapshot().Lane(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = lane.Close(context.Background()) })
	for _, p := range s.planned(r) {
		if p.Table.Name == "t" {
			return lane, p.Chunks[0]
		}
	}
	s.t.Fatal("the table is not in the plan")
	return nil, snapshot.Chunk{}
}

func laneEndsWithTheHandlersError(t *testing.T, subject *Subject) {
	for _, call := range []string{"Table", "Row"} {
		t.Run(call, func(t *testing.T) {
			s := newScene(t, subject)
			lane, c := s.firstChunk()
			p := newTape(0)
			p.hook = func(name string, _ *envelope.Event) error {
				if name == call {
					return errStop
				}
				return nil
			}
			if err := lane.Read(t.Context(), c, newLaneJudge(p, t.Errorf)); !unchanged(err) {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

func laneEndsWithItsContext(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	lane, c := s.firstChunk()
	ctx, cancel := context.WithCancelCause(t.Context())
	p := newTape(0)
	p.hook = func(name string, _ *envelope.Event) error {
		if name != "Row" {
			return nil
		}
		cancel(errStop)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	began := time.Now()
	if err := lane.Read(ctx, c, newLaneJudge(p, t.Errorf)); !unchanged(err) {
		t.Errorf("it ended with %v", err)
	}
	if took := time.Since(began); took > promptly {
		t.Errorf("it took %s", took)
	}
}
