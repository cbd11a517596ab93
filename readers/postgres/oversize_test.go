package postgres

import (
	"fmt"
	"slices"
	"testing"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/readers"
	"rdip/snapshot"
)

// refusing is a collector that keeps why rows were refused, and what was known of them; full after the first of these
// where it is asked for.
type refusing struct {
	collector
	refused []error
	known   []string
	full    bool
}

func (r *refusing) Refuse(_ *envelope.Layout, known envelope.Row, reason error) error {
	r.refused, r.known = append(r.refused, reason), append(r.known, rowText(known))
	if r.full {
		return snapshot.ErrFull
	}
	return nil
}

// The table t has a row that is too large between two others, and one whose key is behind what is large.
const largeRow = "CREATE TABLE t (id int PRIMARY KEY, wide text); INSERT INTO t VALUES (1, 'a'), (2, repeat('x', 3000000)), (3, 'c'); CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (7)"

func newRefusing() *refusing {
	return &refusing{collector: collector{rows: map[string][]string{}, places: map[uint64]bool{}}}
}

// mustHave checks that the rows around the large one are there, and what is known of that.
func (r *refusing) mustHave(t *testing.T, known string, rows ...string) {
	t.Helper()
	if !slices.Equal(r.rows["public.t"], rows) || !slices.Equal(r.rows["public.u"], []string{"r 7"}) {
		t.Errorf("read were %q", r.rows)
	}
	if !slices.Equal(r.known, []string{known}) {
		t.Fatalf("refused were %q, %v", r.known, r.refused)
	}
	expectFault(t, r.refused[0], fault.Runtime, true, "table public.t", "3000", "1048576", "max.row.bytes: 4194304")
}

func TestARowAboveTheLimitInASnapshotIsRefusedAloneWithItsKey(t *testing.T) { // P70
	for name, c := range map[string]struct {
		setup, known string
		rows         []string
	}{
		"between others":       {largeRow, "2,?", []string{"r 1,a", "r 3,c"}},
		"the only one":         {largeRow + "; DELETE FROM t WHERE id <> 2", "2,?", nil},
		"behind a large value": {largeRow + "; ALTER TABLE t DROP COLUMN id; ALTER TABLE t ADD COLUMN id int; ALTER TABLE t REPLICA IDENTITY FULL", "?,?", []string{"r a,~", "r c,~"}}, // no key: exact
	} {
		t.Run(name, func(t *testing.T) {
			s := onServer(t, 15, c.setup)
			s.cfg.MaxRowBytes = 1 << 20
			r, _ := s.open(t, readers.Stored{})
			h := newRefusing()
			if err := snapshot.Run(t.Context(), r.Snapshot(), []envelope.Handler{h}, &snapshot.Progress{}, nil); err != nil {
				t.Fatal(err)
			}
			h.mustHave(t, c.known, c.rows...)
			if last := h.marks[len(h.marks)-1]; last != envelope.Last {
				t.Errorf("the last row is marked %v", last)
			}
		})
	}
}

func TestARowAboveTheLimitInAWindowIsRefusedAloneWithItsKey(t *testing.T) { // P70
	s := onServer(t, 15, largeRow)
	s.cfg.MaxRowBytes = 1 << 20
	r := s.closedSnapshot(t)
	lane := s.liveLane(t, r)
	statement := map[string]string{"public.t": "SELECT * FROM public.t"}
	for name, c := range map[string]struct {
		asked     snapshot.Asked
		overrides []string
	}{
		"by pages":       {asked: snapshot.Asked{Table: "public.t"}},
		"by a predicate": {asked: snapshot.Asked{Table: "public.t", Where: "id > 0"}},
		"by keys":        {asked: snapshot.Asked{Table: "public.t", Keys: [][]string{{"1"}, {"2"}, {"3"}}}},
		"by a statement": {asked: snapshot.Asked{Table: "public.t"}, overrides: []string{"public.t"}},
	} {
		for _, full := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, full with it: %v", name, full), func(t *testing.T) {
				s.cfg.SnapshotOverrides, s.cfg.SnapshotStatements = c.overrides, statement
				h := newRefusing()
				h.full = full
				read := func(c snapshot.Chunk) (parts int) {
					t.Helper()
					for rest := &c; rest != nil; parts++ {
						if _, err := lane.Begin(t.Context()); err != nil {
							t.Fatal(err)
						}
						var err error
						if rest, err = lane.Read(t.Context(), *rest, h); err != nil {
							t.Fatal(err)
						}
					}
					return parts
				}
				if parts := read(livePlan(t, r, c.asked).Chunks[0]); parts > 1 != full {
					t.Errorf("it was read in %d parts", parts)
				}
				read(livePlan(t, r, snapshot.Asked{Table: "public.u"}).Chunks[0]) // over the same connection
				h.mustHave(t, "2,?", "r 1,a", "r 3,c")
			})
		}
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
