package snapshot

import (
	"slices"
	"testing"

	"rdip/offsets"
	"rdip/schema"
)

func plansOf(chunks ...int) []TablePlan {
	plans := make([]TablePlan, len(chunks))
	for i, n := range chunks {
		plans[i].Bytes = int64(n)
		for j := range n {
			plans[i].Chunks = append(plans[i].Chunks, Chunk{Index: j})
		}
	}
	return plans
}

// drained takes everything over one lane, and names the tables.
func drained(q *queue) []int {
	var tables []int
	for last := noTable; ; {
		t, ok := q.next(last)
		if !ok {
			return tables
		}
		tables, last = append(tables, t.table), t.table
	}
}

func TestTablesComeByRankAndThenTheLargestFirst(t *testing.T) {
	plans := plansOf(1, 3, 2)
	if got := drained(newQueue(plans, 4)); !slices.Equal(got, []int{1, 1, 1, 2, 2, 0}) {
		t.Errorf("several lanes without ranks: %v", got)
	}
	plans[1].Rank = 1
	if got := drained(newQueue(plans, 4)); !slices.Equal(got, []int{2, 2, 0, 1, 1, 1}) {
		t.Errorf("several lanes with ranks: %v", got)
	}
	if got := drained(newQueue(plans, 1)); !slices.Equal(got, []int{0, 2, 2, 1, 1, 1}) {
		t.Errorf("one lane: %v", got)
	}
}

func TestNoMoreLanesReadATableThanMay(t *testing.T) {
	plans := plansOf(5, 2)
	plans[0].Lanes = 1
	q := newQueue(plans, 3)
	first, _ := q.next(noTable)
	second, _ := q.next(noTable)
	if first.table != 0 || second.table != 1 {
		t.Fatalf("two lanes read tables %d and %d", first.table, second.table)
	}
	if _, ok := q.next(second.table); !ok {
		t.Fatal("the second table's other chunk was not handed out")
	}
	if more, ok := q.next(noTable); ok {
		t.Errorf("a third lane reads table %d", more.table)
	}
	if _, ok := q.next(1); ok {
		t.Error("a second lane reads the first table")
	}
	left := 0
	for {
		if _, ok := q.next(0); !ok {
			break
		}
		left++
	}
	if left != 4 {
		t.Errorf("the first table's lane read %d chunks more, of 4", left)
	}
}

// Of tables that were asked for by hand the one with the fewest parts left comes first, however late it was asked for;
// tables of the configuration come behind them, in its order.
func TestASmallTableThatIsAskedForDoesNotWaitForALargeOne(t *testing.T) {
	done := offsets.Ranges{}
	done.Add(0)
	s := NewReadings(map[string]offsets.TableSnapshot{
		"public.a":    {OID: 1, Why: offsets.WhyAsked, Plan: "{}", Chunks: 40, Done: done},
		"public.b":    {OID: 2, Why: offsets.WhyInitial},
		"public.c":    {OID: 3, Why: offsets.WhyAdded},
		"public.late": {OID: 4, Why: offsets.WhyAsked, Plan: "{}", Chunks: 2},
	}, []string{"public.c", "public.b"})
	for _, want := range []string{"public.late", "public.a", "public.c", "public.b"} {
		if got, _ := s.pick(nil); got == nil || got.id != want {
			t.Fatalf("next is %+v, and should be %s", got, want)
		}
		s.Finish(want)
	}
}

// snapshot.mode: always asks for every table, which come in the configuration's order and behind those asked for by hand.
func TestTablesThatEachStartReadsComeInTheConfigurationsOrder(t *testing.T) {
	s := NewReadings(nil, nil)
	var captured []*schema.Table
	for i, name := range []string{"c", "a", "hand", "b"} {
		captured = append(captured, &schema.Table{OID: uint64(i + 1), Schema: "public", Name: name})
	}
	s.Reconcile(captured, Terms{Done: true, Again: true})
	if err := s.Ask([]Asked{{Table: "public.hand", Anew: true}}, captured, "a person", nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"public.hand", "public.c", "public.a", "public.b"} {
		if got, _ := s.pick(nil); got == nil || got.id != want {
			t.Fatalf("next is %+v, and should be %s", got, want)
		}
		s.Finish(want)
	}
}
