package snapshot_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rdip/envelope"
	"rdip/offsets"
	"rdip/snapshot"
)

// unit is a recorder that refuses a chunk which is not whole: rows of another one before its Commit.
type unit struct {
	recorder
	open string // the chunk whose rows come
}

func (u *unit) Row(e *envelope.Event) error {
	wire := string(e.After[0].Wire)
	chunk := wire[:strings.LastIndexByte(wire, '/')]
	if u.open != "" && u.open != chunk {
		return errNotWhole(u.open + " is not committed, and a row of " + chunk + " comes")
	}
	u.open = chunk
	return u.recorder.Row(e)
}

func (u *unit) Commit(d offsets.Durable) error {
	u.open = ""
	return u.recorder.Commit(d)
}

type errNotWhole string

func (e errNotWhole) Error() string { return string(e) }

// Where a chunk is a unit nothing of it waits for other lanes, and what is marked last is last.
func TestChunksAreHandedOnAsAWholeWithAnyTablesChunksAndLanes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := shape(rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 4), 0, 6), 0, 6).Draw(t, "shape"))
		lanes := rapid.IntRange(1, 5).Draw(t, "lanes")
		var to ledger
		var hs []envelope.Handler
		for i := range lanes {
			hs = append(hs, &unit{recorder: recorder{lane: i, to: &to}})
		}
		var p snapshot.Progress
		if err := snapshot.RunWhole(context.Background(), &fixed{shape: s}, hs, &p, nil); err != nil {
			t.Fatal(err)
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
		checkCommits(t, s, &to)
		checkLast(t, to.rows)
		if r := p.Report(); r.Rows != int64(len(want)) || r.Done != 1 || r.Chunks != r.ChunksDone {
			t.Fatalf("progress %+v of %d rows", r, len(want))
		}
	})
}

// checkLast: nothing of a table follows its last row, and nothing at all the last of all.
func checkLast(t *rapid.T, rows []written) {
	ended := map[string]bool{}
	for i, w := range rows {
		if ended[w.table] {
			t.Fatalf("%v follows the last row of %s", w, w.table)
		}
		ended[w.table] = w.mark == envelope.LastInTable || w.mark == envelope.Last
		if w.mark == envelope.Last && i != len(rows)-1 {
			t.Fatalf("row %d of %d is the last of all", i+1, len(rows))
		}
	}
}

func TestATableWhoseEveryChunkHasRowsHasItsLastRowMarkedThoughChunksAreWhole(t *testing.T) {
	for range 20 {
		var to ledger
		if err := snapshot.RunWhole(t.Context(), &fixed{shape: shape{{2, 3, 1}, {2}, {4, 4}}}, handlers(3, &to), &snapshot.Progress{}, nil); err != nil {
			t.Fatal(err)
		}
		marks := map[envelope.Mark]int{}
		for _, w := range to.rows {
			marks[w.mark]++
		}
		if marks[envelope.Last] != 1 || marks[envelope.LastInTable] != 2 || marks[envelope.First] != 1 {
			t.Fatalf("marks %v", marks)
		}
	}
}

// gated is a recorder whose Flush, outside of a chunk, waits until the other lane's row has come: as at a gate that
// is shut until that lane, which is inside, has left.
type gated struct {
	recorder
	inside          bool
	written, others chan struct{}
}

func (g *gated) Table(l *envelope.Layout) error {
	g.inside = true
	return g.recorder.Table(l)
}

func (g *gated) Row(e *envelope.Event) error {
	close(g.written)
	return g.recorder.Row(e)
}

func (g *gated) Commit(d offsets.Durable) error {
	g.inside = false
	return g.recorder.Commit(d)
}

func (g *gated) Flush() error {
	if !g.inside {
		select {
		case <-g.others:
		case <-time.After(10 * time.Second):
			return errNotWhole("the other lane waits for this one, which waits outside of its chunk")
		}
	}
	return g.recorder.Flush()
}

// Where the first row of a table is its chunk's last, too, its lane leaves the chunk without holding another lane up:
// the end of a Kafka transaction, which waits for that one, would wait for ever.
func TestALaneThatHasEndedItsChunkHoldsNoOtherUp(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	s := &fixed{shape: shape{{1}, {1}}, fail: func(snapshot.Chunk) error {
		both.Done()
		both.Wait() // a chunk a lane
		return nil
	}}
	var to ledger
	one, other := make(chan struct{}), make(chan struct{})
	lanes := []envelope.Handler{&gated{recorder: recorder{lane: 0, to: &to}, written: one, others: other}, &gated{recorder: recorder{lane: 1, to: &to}, written: other, others: one}}
	if err := snapshot.RunWhole(t.Context(), s, lanes, &snapshot.Progress{}, nil); err != nil {
		t.Fatal(err)
	}
	if len(to.rows) != 2 || len(to.commits) != 2 {
		t.Errorf("%d rows and %d commits", len(to.rows), len(to.commits))
	}
}
