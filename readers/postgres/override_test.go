package postgres

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/readers"
	"rdip/schema"
	"rdip/snapshot"
)

// fullCollector is full after so many rows.
type fullCollector struct {
	*collector
	left int
}

func (f *fullCollector) Row(e *envelope.Event) error {
	if err := f.collector.Row(e); err != nil {
		return err
	}
	if f.left--; f.left == 0 {
		return snapshot.ErrFull
	}
	return nil
}

func TestAStatementsRowsAreTheSnapshotOfItsTable(t *testing.T) {
	const setup = "CREATE TABLE t (id int PRIMARY KEY, v varchar(10), n numeric(6,2)); INSERT INTO t VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3); CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (1), (2)"
	for name, c := range map[string]struct {
		statement string
		want      []string
		refused   string
	}{
		"fewer rows":             {"SELECT * FROM public.t WHERE id > 1", []string{"r 2,two,2.00", "r 3,three,3.00"}, ""},
		"columns in disorder":    {"SELECT 'x' AS more, n, v, id FROM public.t WHERE id = 1;", []string{"r 1,one,1.00"}, ""},
		"values of other types":  {"SELECT id::bigint, upper(v)::text AS v, 7 AS n FROM public.t WHERE id = 1 -- loud", []string{"r 1,ONE,7.00"}, ""},
		"a column that it lacks": {"SELECT id, v FROM public.t", nil, `lacks column "n"`},
		"no statement":           {"DELETE FROM public.t", nil, "syntax error"},
		"a table that is not":    {"SELECT * FROM public.nothing", nil, "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			s := onServer(t, 15, setup)
			s.cfg.SnapshotOverrides, s.cfg.SnapshotStatements = []string{"public.t"}, map[string]string{"public.t": c.statement}
			r, _ := s.open(t, readers.Stored{})
			got, err := tryCopy(t, r, 2)
			if c.refused != "" {
				_, live := r.Live().Plan(t.Context(), []snapshot.Asked{{Table: "public.t"}})
				for _, err := range []error{err, live} {
					if !fault.IsPermanent(err) || !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), "snapshot.select.statement.overrides.public.t") {
						t.Errorf("got %v", err)
					}
				}
				return
			}
			if err != nil || !slices.Equal(got.rows["public.t"], c.want) || len(got.rows["public.u"]) != 2 {
				t.Errorf("the snapshot has %q, %v", got.rows, err)
			}
			if live := s.readLive(t, r, "public.t"); !slices.Equal(live, c.want) {
				t.Errorf("beside the stream read were %q", live)
			}
		})
	}
}

func TestTablesAreCopiedInTheOrderThatIsAskedFor(t *testing.T) {
	const setup = "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY); INSERT INTO a SELECT generate_series(1, 20); INSERT INTO b SELECT generate_series(1, 30); INSERT INTO c VALUES (1); ANALYZE a, b, c"
	inThatOrder := patterns(t, `public\.c,public\.a`)
	for name, c := range map[string]struct {
		set  func(*Config)
		want string // tables with chunks, in order
		none string // those without
	}{
		"by name":            {func(*Config) {}, "a b c", ""},
		"the smallest first": {func(c *Config) { c.SnapshotOrder = OrderAscending }, "c a b", ""},
		"the largest first":  {func(c *Config) { c.SnapshotOrder = OrderDescending }, "b a c", ""},
		"as listed":          {func(c *Config) { c.TableInclude = patterns(t, `public\.b,public\.c,public\.a`) }, "b c a", ""},
		"by size, whatever is listed": {func(c *Config) {
			c.TableInclude = patterns(t, `public\.b,public\.c,public\.a`)
			c.SnapshotOrder = OrderAscending
		}, "c a b", ""},
		"as listed, some only": {func(c *Config) { c.SnapshotInclude = inThatOrder }, "c a", "b"},
		"by priority": {func(c *Config) {
			c.SnapshotPriority = map[string]string{`public\.c`: "10", `public\.[ab]`: "-1", `public\.b`: "2"}
		}, "c b a", ""},
		"by priority, then size": {func(c *Config) {
			c.SnapshotPriority = map[string]string{`public\.c`: "10"}
			c.SnapshotOrder = OrderDescending
		}, "c b a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := onServer(t, 15, setup)
			c.set(&s.cfg)
			s.cfg.SnapshotThreadsPerTable = 3
			r, _ := s.open(t, readers.Stored{})
			first, err := r.Snapshot().Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			live, err := r.Live().Plan(t.Context(), []snapshot.Asked{{Table: "public.a"}, {Table: "public.b"}, {Table: "public.c"}})
			if err != nil {
				t.Fatal(err)
			}
			for _, plans := range [][]snapshot.TablePlan{first, live} {
				var with, without []string
				for _, p := range plans {
					if len(p.Chunks) > 0 {
						with = append(with, p.Table.Name)
					} else {
						without = append(without, p.Table.Name)
					}
				}
				if ranked := name != "by name"; ranked != (plans[len(plans)-1].Rank > 0) || plans[0].Lanes != 3 {
					t.Errorf("the last table has rank %d, and %d lanes", plans[len(plans)-1].Rank, plans[0].Lanes)
				}
				if strings.Join(with, " ") != c.want || strings.Join(without, " ") != c.none {
					t.Errorf("copied are %v, left out %v", with, without)
				}
			}
			captured, err := r.Live().Captured(t.Context())
			if err != nil || !slices.EqualFunc(captured, live, func(t *schema.Table, p snapshot.TablePlan) bool { return t.ID() == p.Table.ID() }) {
				t.Errorf("beside the stream they are read in another order: %v", err)
			}
			if c.none != "" {
				if by := livePlan(t, r, snapshot.Asked{Table: "public." + c.none, ByHand: true}); len(by.Chunks) == 0 {
					t.Error("a table that was asked for by hand is left out")
				}
			}
		})
	}
}

func TestSnapshotKeysThatDoNotFitAreReported(t *testing.T) {
	c := Config{SnapshotOverrides: []string{"public.a"}, SnapshotStatements: map[string]string{"public.b": "SELECT 1"}, SnapshotPriority: map[string]string{`public\.a`: "high", `(`: "1"}}
	var seen []string
	for _, f := range c.checkSnapshot(func(key string) string { return key }) {
		seen = append(seen, f.Where)
	}
	slices.Sort(seen)
	if want := []string{"snapshot.priority.(", `snapshot.priority.public\.a`, "snapshot.select.statement.overrides", "snapshot.select.statement.overrides.public.b"}; !slices.Equal(seen, want) {
		t.Errorf("reported are %q", seen)
	}
}

// A connection that is lost while a statement is looked at says nothing against the statement.
func TestAServerThatGoesAwayDuringPlanningIsNoRefusalOfWhatWasAsked(t *testing.T) {
	s := onServer(t, 15, oneTable)
	r := s.closedSnapshot(t)
	l := r.live
	layout := livePlan(t, r, snapshot.Asked{Table: "public.t"}).Table
	known := l.known[uint32(layout.OID)]
	for name, check := range map[string]func() error{
		"an override's statement": func() error {
			return checkOverride(t.Context(), l.catalog.conn, known.layout, "SELECT * FROM public.t")
		},
		"a predicate": func() error { return checkPredicate(t.Context(), l.catalog.conn, known.unit, "true") },
		"keys":        func() error { return l.checkKeyValues(t.Context(), known, [][]string{{"1"}}) },
	} {
		if _, err := l.Captured(t.Context()); err != nil { // connects
			t.Fatal(err)
		}
		pid := fmt.Sprint(l.catalog.conn.PgConn().PID())
		s.exec(t, "SELECT pg_terminate_backend("+pid+")")
		eventually(t, "it is gone", func() bool { return s.ask(t, "SELECT count(*) FROM pg_stat_activity WHERE pid = "+pid) == "0" })
		if err := check(); err == nil || fault.IsPermanent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
