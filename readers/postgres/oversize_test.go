package postgres

import (
	"slices"
	"testing"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/readers"
	"rdip/snapshot"
)

// refusing is a collector that keeps why tables were refused, as a task does.
type refusing struct {
	collector
	refused []error
}

func (r *refusing) Refuse(_ *envelope.Layout, reason error) error {
	r.refused = append(r.refused, reason)
	return nil
}

const largeRow = "CREATE TABLE t (id int PRIMARY KEY, wide text); INSERT INTO t VALUES (1, 'a'), (2, repeat('x', 3000000)), (3, 'c'); CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (7)"

func newRefusing() *refusing {
	return &refusing{collector: collector{rows: map[string][]string{}, places: map[uint64]bool{}}}
}

func TestARowAboveTheLimitInASnapshotStopsItsTableAlone(t *testing.T) { // P70
	s := onServer(t, 15, largeRow)
	s.cfg.MaxRowBytes = 1 << 20
	r, _ := s.open(t, readers.Stored{})
	h := newRefusing()
	if err := snapshot.Run(t.Context(), r.Snapshot(), []envelope.Handler{h}, &snapshot.Progress{}, nil); err != nil {
		t.Fatal(err)
	}
	if len(h.refused) != 1 || !slices.Equal(h.rows["public.u"], []string{"r 7"}) {
		t.Fatalf("refused were %v, and the other table has %q", h.refused, h.rows["public.u"])
	}
	expectFault(t, h.refused[0], fault.Runtime, true, "table public.t", "3000", "1048576", "max.row.bytes: 4194304")
}

func TestARowAboveTheLimitInAWindowStopsItsTableAlone(t *testing.T) { // P70
	s := onServer(t, 15, largeRow)
	s.cfg.MaxRowBytes = 1 << 20
	r := s.closedSnapshot(t)
	lane := s.liveLane(t, r)
	for name, asked := range map[string]snapshot.Asked{
		"by pages":       {Table: "public.t"},
		"by a predicate": {Table: "public.t", Where: "id > 0"},
		"by keys":        {Table: "public.t", Keys: [][]string{{"1"}, {"2"}, {"3"}}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newRefusing()
			read := func(c snapshot.Chunk) {
				t.Helper()
				if _, err := lane.Begin(t.Context()); err != nil {
					t.Fatal(err)
				}
				if rest, err := lane.Read(t.Context(), c, h); err != nil || rest != nil {
					t.Fatalf("left is %v, %v", rest, err)
				}
			}
			read(livePlan(t, r, asked).Chunks[0])
			read(livePlan(t, r, snapshot.Asked{Table: "public.u"}).Chunks[0]) // over the same connection
			if len(h.refused) != 1 || !slices.Equal(h.rows["public.u"], []string{"r 7"}) {
				t.Fatalf("refused were %v, and the other table has %q", h.refused, h.rows["public.u"])
			}
			expectFault(t, h.refused[0], fault.Runtime, true, "table public.t", "max.row.bytes: 4194304")
		})
	}
}

func TestALogicalMessageAboveTheLimitIsNamedAndTheStreamGoesOn(t *testing.T) { // P70, P39
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY)")
	s.cfg.MaxRowBytes = 1 << 20
	s.exec(t, "SELECT pg_logical_emit_message(false, 'alone', repeat('x', 3000000))")
	s.exec(t, "BEGIN; INSERT INTO t VALUES (1); SELECT pg_logical_emit_message(true, 'within', repeat('x', 2000000)); INSERT INTO t VALUES (2); COMMIT")
	h := &recorder{}
	s.capture(t, h)
	want := []string{"message false alone ", "begin", "c public.t after(1)", "message true within ", "c public.t after(2)", "commit"}
	if got := unannounced(h); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if len(h.withheld) != 2 {
		t.Fatalf("%v", h.withheld)
	}
	expectFault(t, h.withheld[0], fault.Runtime, true, `prefix "alone"`, "3000", "max.row.bytes: 4194304")
	expectFault(t, h.withheld[1], fault.Runtime, true, `prefix "within"`, "2000", "max.row.bytes: 2097152")
}

func TestALargeMessageOfATransactionInProgressIsNamedAtItsTurn(t *testing.T) { // P70, P33
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY, a text)")
	s.spilling(t, "auto")
	s.cfg.MaxRowBytes = 1 << 20
	s.exec(t, "BEGIN; INSERT INTO t VALUES (1, 'a'); SELECT pg_logical_emit_message(true, 'within', repeat('x', 2000000)); INSERT INTO t VALUES (2, 'b'); COMMIT")
	h := &recorder{}
	s.capture(t, h)
	want := []string{"begin", "c public.t after(1,a)", "message true within ", "c public.t after(2,b)", "commit"}
	if got := unannounced(h); !slices.Equal(got, want) || len(h.withheld) != 1 {
		t.Errorf("got %q, %v", got, h.withheld)
	}
}
