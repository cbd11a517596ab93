package postgres

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rdip/internal/fault"
	"rdip/readers"
	"rdip/snapshot"
)

// closedSnapshot opens a first start and lets its snapshot go.
func (s *openServer) closedSnapshot(t *testing.T) *Reader {
	t.Helper()
	r, _ := s.open(t, readers.Stored{})
	if source := r.Snapshot(); source != nil {
		if err := source.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestKeysAreValuesAndNeverSQL(t *testing.T) {
	s := onServer(t, 15, `CREATE TABLE t (k text PRIMARY KEY); INSERT INTO t VALUES ('a''b'), (E'back\\slash'), (''), ('$1'), ('x');
		CREATE TABLE victim (id int PRIMARY KEY)`)
	r := s.closedSnapshot(t)
	keys := [][]string{{"a'b"}, {`back\slash`}, {""}, {"$1"}, {"'); DROP TABLE public.victim; --"}, {`\'); DROP TABLE public.victim; --`}, {"x'::text) TO STDOUT; DROP TABLE public.victim; --"}}
	got := s.readAsked(t, r, snapshot.Asked{Table: "public.t", Keys: keys})
	if want := []string{"r a'b", `r back\slash`, "r ", "r $1"}; !slices.Equal(got, want) {
		t.Errorf("read were %q, want %q", got, want)
	}
	if s.ask(t, "SELECT to_regclass('public.victim')") == "" {
		t.Error("a key was run as SQL")
	}
}

// Of rows that are read once more by key (owed), those alone that somebody asked for; a key may be written in several ways.
func TestKeysAreReadAmongTheRowsThatWereAskedFor(t *testing.T) {
	s := onServer(t, 18, "CREATE EXTENSION citext; CREATE TABLE t (n numeric, c citext, v int, PRIMARY KEY (n, c)); INSERT INTO t VALUES (1.0, 'a', 1), (2, 'b', 2), (3, 'c', 30)")
	r := s.closedSnapshot(t)
	owed := [][]string{{"1.0", "a"}, {"2", "b"}, {"3", "c"}, {"4", "gone"}}
	for _, c := range []struct {
		asked snapshot.Asked
		want  []string
	}{
		{snapshot.Asked{}, []string{"r 1.0,a,1", "r 2,b,2", "r 3,c,30"}},
		{snapshot.Asked{Where: "v >= 2 OR v IS NULL"}, []string{"r 2,b,2", "r 3,c,30"}},
		{snapshot.Asked{Keys: [][]string{{"1.000", "A"}, {"3", "C"}, {"5", "x"}}}, []string{"r 1.0,a,1", "r 3,c,30"}},
	} {
		c.asked.Table = "public.t"
		chunk, err := r.Live().Keys(livePlan(t, r, snapshot.Asked{Table: "public.t"}).Table, owed, c.asked)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readChunks(t, s.liveLane(t, r), []snapshot.Chunk{chunk})
		if slices.Sort(got); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("of %+v read were %q, %v; want %q", c.asked, got, err, c.want)
		}
	}
}

func TestKeysOfEveryKindOfTypeAreFound(t *testing.T) {
	s := onServer(t, 16, `CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE TYPE mood AS ENUM ('sad', 'so so'); CREATE DOMAIN code AS varchar(4);
		CREATE TABLE t (a char(5), b mood, c bytea, d numeric(8,2), e timestamptz, f uuid, g citext, h ltree, i code, j int[], k varchar(3), PRIMARY KEY (a, b, c, d, e, f, g, h, i, j, k), v int);
		INSERT INTO t VALUES ('ab', 'so so', '\x00ff', 1.5, '2024-01-02 03:04:05.678+00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'MiXed', 'x.y', 'cd', '{1,2}', 'xyz', 7)`)
	r := s.closedSnapshot(t)
	whole := s.readLive(t, r, "public.t")
	if len(whole) != 1 {
		t.Fatalf("%q", whole)
	}
	key := strings.Split(strings.TrimPrefix(whole[0], "r "), ",")
	key = append(append(slices.Clone(key[:9]), "{1,2}"), "xyz") // the array has a comma of its own
	if got := s.readAsked(t, r, snapshot.Asked{Table: "public.t", Keys: [][]string{key}}); !slices.Equal(got, whole) {
		t.Errorf("by the key %q read were %q, want %q", key, got, whole)
	}
	longer := slices.Clone(key)
	longer[10] = "xyz and more" // is no key of any row, and is not cut to one
	if got := s.readAsked(t, r, snapshot.Asked{Table: "public.t", Keys: [][]string{longer}}); len(got) != 0 {
		t.Errorf("a key that no row has gave %q", got)
	}
	longer[3] = "no number"
	if _, err := r.Live().Plan(t.Context(), []snapshot.Asked{{Table: "public.t", Keys: [][]string{longer}}}); !fault.IsPermanent(err) || !strings.Contains(err.Error(), "no number") {
		t.Errorf("a value of another type gave %v", err)
	}
}

func TestAPredicateIsOneConditionOnTheTable(t *testing.T) {
	s := onServer(t, 15, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 3000) i; CREATE INDEX ON t (v); CREATE TABLE secret (v text PRIMARY KEY); ANALYZE t")
	s.cfg.WindowChunkBytes = 64 << 10
	r := s.closedSnapshot(t)
	for predicate, want := range map[string]int{"id <= 10": 10, "t.v = 'v7' -- the seventh": 1, "v LIKE 'v1%' OR id = 2": 1112, "false": 0, "id IN (SELECT 3 UNION SELECT 4)": 2} {
		if got := s.readAsked(t, r, snapshot.Asked{Table: "public.t", Where: predicate}); len(got) != want {
			t.Errorf("%s has %d rows, want %d", predicate, len(got), want)
		}
	}
	for _, bad := range []string{"nothing = 1", "id", "id = $1", "true) UNION SELECT 1, v FROM public.secret WHERE (true", "true) TO STDOUT; DROP TABLE public.secret; COPY (SELECT 1 WHERE (true",
		"true; DROP TABLE public.secret", "true)]::bool[], ARRAY[(true", "1=1) --", "/*", "'"} {
		_, err := r.Live().Plan(t.Context(), []snapshot.Asked{{Table: "public.t", Where: bad}})
		if !fault.IsPermanent(err) || !strings.Contains(err.Error(), "public.t") {
			t.Errorf("%s gave %v", bad, err)
		}
	}
	plan := livePlan(t, r, snapshot.Asked{Table: "public.t", Where: "id <= 10"})
	if _, same, err := r.Live().Restore(t.Context(), snapshot.Asked{Table: "public.t", Where: "id <= 11"}, plan.Saved); err != nil || same {
		t.Errorf("the plan of another predicate is the same: %t, %v", same, err)
	}
	if again, same, err := r.Live().Restore(t.Context(), snapshot.Asked{Table: "public.t", Where: "id <= 10"}, plan.Saved); err != nil || !same || len(again.Chunks) != len(plan.Chunks) {
		t.Errorf("the plan is the same: %t, %v", same, err)
	}
}

// filterWindows reads what is asked for in windows of n rows, each as after a restart: from the text of what was left.
func filterWindows(t *testing.T, r *Reader, lane snapshot.LiveLane, asked snapshot.Asked, n int) []string {
	t.Helper()
	h := &collector{rows: map[string][]string{}, places: map[uint64]bool{}}
	plan := livePlan(t, r, asked)
	for _, c := range plan.Chunks {
		for rest := &c; rest != nil; {
			if _, err := lane.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			var err error
			if rest, err = lane.Read(t.Context(), *rest, &fullCollector{collector: h, left: n}); err != nil {
				t.Fatal(err)
			}
			if rest == nil {
				break
			}
			again, same, err := r.Live().Restore(t.Context(), asked, plan.Saved)
			if err != nil || !same {
				t.Fatalf("the plan is the same: %t, %v", same, err)
			}
			left, err := r.Live().Rest(again.Chunks[c.Index], rest.Rest)
			if err != nil || left.Rest != rest.Rest || left.Bytes != rest.Bytes {
				t.Fatalf("the rest %q is %+v, and was %+v: %v", rest.Rest, left, rest, err)
			}
			rest = &left
		}
	}
	return h.rows["public.t"]
}

func TestWindowsOverKeysAndPagesGoOnWhereTheyWere(t *testing.T) {
	s := onServer(t, 18, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('v', 300) FROM generate_series(1, 2000) i; ANALYZE t")
	s.cfg.WindowChunkBytes = 64 << 10
	r := s.closedSnapshot(t)
	lane := s.liveLane(t, r)
	some := snapshot.Asked{Table: "public.t"}
	for i := range 100 {
		some.Keys = append(some.Keys, []string{fmt.Sprint(i * 10)}) // 0 is not there
	}
	for _, c := range []struct {
		asked snapshot.Asked
		rows  int
	}{{some, 99}, {snapshot.Asked{Table: "public.t"}, 2000}} {
		got := filterWindows(t, r, lane, c.asked, 37)
		slices.Sort(got)
		if len(got) != c.rows || len(slices.Compact(got)) != c.rows {
			t.Errorf("%d rows, and %d of them once, of %d", len(got), len(slices.Compact(got)), c.rows)
		}
	}
	whole := livePlan(t, r, snapshot.Asked{Table: "public.t"}).Chunks[1]
	byKeys := livePlan(t, r, some).Chunks[0]
	for _, text := range []string{"", "{", `{"from":1000000}`, `{"from":0}`, fmt.Sprintf(`{"from":%d,"behind":"(1,1) OR true"}`, whole.Range.(ctidRange).from)} {
		if _, err := r.Live().Rest(whole, text); !fault.IsPermanent(err) || !strings.Contains(err.Error(), "rdip offsets reset") {
			t.Errorf("the rest %q gave %v", text, err)
		}
	}
	if _, err := r.Live().Rest(byKeys, `{"keys":101}`); !fault.IsPermanent(err) {
		t.Errorf("more keys than there were gave %v", err)
	}
}

func TestWindowsOverAPredicateAnIndexOrAStatementLoseNothing(t *testing.T) {
	s := onServer(t, 15, "CREATE TABLE t (id int, part text, v text, PRIMARY KEY (part, id)); INSERT INTO t SELECT i % 700, (i % 5)::text, 'v' || i FROM generate_series(1, 3000) i WHERE i <= 700 * 5 ON CONFLICT DO NOTHING; CREATE INDEX ON t (v); CREATE EXTENSION citext; ANALYZE t")
	count := s.ask(t, "SELECT count(*) FROM t WHERE v LIKE 'v1%'")
	for _, statement := range []string{"", "SELECT * FROM public.t WHERE v LIKE 'v1%' ORDER BY v"} {
		asked := snapshot.Asked{Table: "public.t", Where: "v >= 'v1' AND v < 'v2'"}
		if statement != "" {
			asked.Where = ""
			s.cfg.SnapshotOverrides, s.cfg.SnapshotStatements = []string{"public.t"}, map[string]string{"public.t": statement}
			s.cfg.SlotName += "2"
		}
		r := s.closedSnapshot(t)
		lane := s.liveLane(t, r)
		for _, n := range []int{13, 1000} {
			got := filterWindows(t, r, lane, asked, n)
			slices.Sort(got)
			if fmt.Sprint(len(got)) != count || len(slices.Compact(got)) != len(got) {
				t.Errorf("%q in windows of %d rows: %d rows of %s", statement, n, len(got), count)
			}
		}
	}
	s.exec(t, "SELECT pg_drop_replication_slot("+quoteLiteral(s.cfg.SlotName)+")")
}
