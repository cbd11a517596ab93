package readertest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"rdip/readers"
	"rdip/snapshot"
)

func exactStatesHaveAPlace(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.CreateTable("t", false, Column{"id", Int}, Column{"v", Text})
	s.sql.FullBefore("t")
	s.sql.Insert("t", Row{0, strings.Repeat("x", 400)})
	for n := 1; n < 1024; n *= 2 {
		s.sql.Double("t", n)
	}
	r, stored := s.begin()
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range 3 {
		session := newSession(t, s.db, &subject.Dialect, t.Errorf)
		content := table{}
		for id := w; id < 1024; id += 3 {
			content[fmt.Sprint(id)] = "x"
		}
		writers.Go(func() { writeAtRandom(ctx, session, content, w, 3) })
	}
	source, err := r.Live().Exact(t.Context(), []snapshot.Asked{{Table: s.tableID(r, "t")}})
	if err != nil {
		stop()
		writers.Wait()
		t.Fatal(err)
	}
	place := source.Transaction().Place
	if place == 0 || source.Position().Place != place {
		t.Errorf("it is at %d, and the stream goes on from %d", place, source.Position().Place)
	}
	state := exactContent(t, source)
	stop()
	writers.Wait()
	if err := source.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, tx := range s.captured(r, stored.Position).transactions() {
		if tx.Place < place {
			continue
		}
		for _, c := range tx.changes {
			state.apply(t, c)
		}
	}
	want := exactNow(t, s, r)
	state.expect(t, want)
	s.close(r)
	s.expectNothingHeld()
}

// exactContent reads every row of a source's plan.
func exactContent(t *testing.T, source snapshot.Source) table {
	t.Helper()
	plans, err := source.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(plans) != 1 {
		t.Fatalf("%d tables are planned", len(plans))
	}
	p := newTape(0)
	if err := readLane(t, source, chunks(plans), p); err != nil {
		t.Fatal(err)
	}
	state := table{}
	for _, c := range p.open.changes {
		if _, twice := state[c.after[0]]; twice {
			t.Errorf("row %s was read twice", c.after[0])
		}
		state.apply(t, c)
	}
	return state
}

// exactNow is the table as it is, while nobody writes.
func exactNow(t *testing.T, s *scene, r readers.Reader) table {
	t.Helper()
	source, err := r.Live().Exact(t.Context(), []snapshot.Asked{{Table: s.tableID(r, "t")}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close(context.Background()) }()
	return exactContent(t, source)
}
