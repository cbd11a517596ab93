package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rdip/internal/fault"
	"rdip/readers"
	"rdip/snapshot"
)

// liveLane opens a lane that is closed with the test, and begins.
func (s *openServer) liveLane(t *testing.T, r *Reader) snapshot.LiveLane {
	t.Helper()
	lane, err := r.Live().Lane(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lane.Close(t.Context()) })
	if _, err := lane.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return lane
}

// livePlan plans one table.
func livePlan(t *testing.T, r *Reader, asked snapshot.Asked) snapshot.TablePlan {
	t.Helper()
	plans, err := r.Live().Plan(t.Context(), []snapshot.Asked{asked})
	if err != nil {
		t.Fatal(err)
	}
	return plans[0]
}

// readLive reads a table.
func (s *openServer) readLive(t *testing.T, r *Reader, table string) []string {
	t.Helper()
	return s.readAsked(t, r, snapshot.Asked{Table: table})
}

func (s *openServer) readAsked(t *testing.T, r *Reader, asked snapshot.Asked) []string {
	t.Helper()
	rows, err := readChunks(t, s.liveLane(t, r), livePlan(t, r, asked).Chunks)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// readChunks reads chunks to their end, the first in the snapshot that the lane has.
func readChunks(t *testing.T, lane snapshot.LiveLane, chunks []snapshot.Chunk) ([]string, error) {
	t.Helper()
	h := &collector{rows: map[string][]string{}, places: map[uint64]bool{}}
	for i, c := range chunks {
		if i > 0 {
			if _, err := lane.Begin(t.Context()); err != nil {
				return nil, err
			}
		}
		rest, err := lane.Read(t.Context(), c, h)
		if err != nil {
			return nil, err
		}
		if rest != nil {
			t.Fatalf("something is left of chunk %d, and nobody was full", c.Index)
		}
	}
	var all []string
	for _, rows := range h.rows {
		all = append(all, rows...)
	}
	return all, nil
}

// rewrites are ways in which a table's rows move to another file, or another table takes its name.
var rewrites = map[string]string{
	"VACUUM FULL":           "VACUUM FULL t",
	"CLUSTER":               "CLUSTER t USING t_pkey",
	"ALTER TYPE":            "ALTER TABLE t ALTER v TYPE bigint",
	"TRUNCATE":              "TRUNCATE t",
	"replaced by another":   "ALTER TABLE t RENAME TO old; CREATE TABLE t (id int PRIMARY KEY, v int)",
	"dropped and made anew": "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, v int)",
}

func TestARewrittenTableIsNoticedWithinARunAndAcrossOne(t *testing.T) { // P69
	for name, change := range rewrites {
		for _, major := range []int{14, 18} {
			t.Run(fmt.Sprintf("%s, PostgreSQL %d", name, major), func(t *testing.T) {
				t.Parallel()
				s := onServer(t, major, "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT i, i FROM generate_series(1, 100) i")
				r, _ := s.open(t, readers.Stored{})
				if err := r.Snapshot().Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				plan := livePlan(t, r, snapshot.Asked{Table: "public.t"})
				older := s.liveLane(t, r) // its snapshot is taken before the change, and reads after it
				s.exec(t, change)
				s.exec(t, "INSERT INTO t VALUES (-1, 1)")

				if rows, err := readChunks(t, older, plan.Chunks); !errors.Is(err, snapshot.ErrRewritten) || fault.IsPermanent(err) {
					t.Errorf("an older snapshot read %d rows, and gave %v", len(rows), err)
				}
				if rows, err := readChunks(t, s.liveLane(t, r), plan.Chunks); !errors.Is(err, snapshot.ErrRewritten) {
					t.Errorf("an older plan read %d rows, and gave %v", len(rows), err)
				}
				s.publishAnew(t, r)
				again, same, err := r.Live().Restore(t.Context(), snapshot.Asked{Table: "public.t"}, plan.Saved)
				if err != nil || same {
					t.Fatalf("restored the same %t, %v", same, err)
				}
				rows, err := readChunks(t, s.liveLane(t, r), again.Chunks)
				if want := s.ask(t, "SELECT count(*) FROM t"); err != nil || fmt.Sprint(len(rows)) != want {
					t.Errorf("the new plan has %d rows of %s, %v", len(rows), want, err)
				}
			})
		}
	}
}

// publishAnew: a table that took the name of another is in no publication. It is refused by name, since the log has
// nothing of it (P19), and then published.
func (s *openServer) publishAnew(t *testing.T, r *Reader) {
	t.Helper()
	if s.ask(t, "SELECT EXISTS (SELECT FROM pg_publication_tables WHERE tablename = 't' AND pubname = "+quoteLiteral(s.cfg.PublicationName)+")") == "true" {
		return
	}
	_, err := r.Live().Plan(t.Context(), []snapshot.Asked{{Table: "public.t"}})
	if !fault.IsPermanent(err) || !strings.Contains(err.Error(), "its changes are not in the log") || !strings.Contains(err.Error(), "rdip restart shop") {
		t.Errorf("a table that is not published gave %v", err)
	}
	s.exec(t, "ALTER PUBLICATION "+quoteIdentifier(s.cfg.PublicationName)+" ADD TABLE t")
}

func TestAPlanOfTheFirstSnapshotIsResumedBesideTheStream(t *testing.T) { // P56
	s := onServer(t, 15, "CREATE TABLE big (id int PRIMARY KEY, filler text); INSERT INTO big SELECT i, repeat('x', 500) FROM generate_series(1, 5000) i")
	s.cfg.SnapshotChunkBytes = 256 << 10
	first, began := s.open(t, readers.Stored{})
	plans, err := first.Snapshot().Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.cfg.SnapshotChunkBytes, s.cfg.WindowChunkBytes = 1<<20, 1<<20 // changed between two runs: the saved sizes hold
	s.exec(t, "INSERT INTO big SELECT i, 'new' FROM generate_series(5001, 9000) i")
	again, _ := s.open(t, readers.Stored{Identity: began.Identity, SnapshotBegan: true})
	plan, same, err := again.Live().Restore(t.Context(), snapshot.Asked{Table: "public.big"}, plans[0].Saved)
	if err != nil || !same || len(plan.Chunks) != len(plans[0].Chunks) || len(plan.Chunks) < 8 {
		t.Fatalf("restored %d chunks of %d, the same %t, %v", len(plan.Chunks), len(plans[0].Chunks), same, err)
	}
	for i, c := range plan.Chunks {
		was, is := plans[0].Chunks[i].Range.(ctidRange), c.Range.(ctidRange)
		if was.from != is.from || was.to != is.to {
			t.Errorf("chunk %d was %d to %d, and is %d to %d", i, was.from, was.to, is.from, is.to)
		}
	}
	rows, err := readChunks(t, s.liveLane(t, again), plan.Chunks)
	old := 0
	for _, row := range rows {
		if strings.HasSuffix(row, ",500 bytes") {
			old++
		}
	}
	if err != nil || old != 5000 {
		t.Errorf("%d rows of 5000 from before, of %d, %v", old, len(rows), err)
	}
}

func TestColumnsThatChangeBetweenPlanAndReadingAreReadAsTheSnapshotHasThem(t *testing.T) { // P15, G10
	s := onServer(t, 16, "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x')")
	r, _ := s.open(t, readers.Stored{})
	plan := livePlan(t, r, snapshot.Asked{Table: "public.t"})
	s.exec(t, "ALTER TABLE t ADD b int DEFAULT 7; ALTER TABLE t DROP a")
	if got, err := readChunks(t, s.liveLane(t, r), plan.Chunks); err != nil || !slices.Equal(got, []string{"r 1,7"}) {
		t.Errorf("read were %q, %v", got, err)
	}
	keys, err := r.Live().Keys(plan.Table, [][]string{{"1"}}, snapshot.Asked{Table: plan.Table.ID()})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readChunks(t, s.liveLane(t, r), []snapshot.Chunk{keys}); err != nil || !slices.Equal(got, []string{"r 1,7"}) {
		t.Errorf("read by key were %q, %v", got, err)
	}
}

func TestPartitionsAreReadAsTheTableTheyForm(t *testing.T) { // P12
	s := onServer(t, 15, `CREATE TABLE parted (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
		CREATE TABLE north PARTITION OF parted FOR VALUES IN ('n');
		CREATE TABLE south (region text NOT NULL, id int NOT NULL, PRIMARY KEY (id, region));
		ALTER TABLE parted ATTACH PARTITION south FOR VALUES IN ('s');
		INSERT INTO parted VALUES (1, 'n'), (2, 's'), (3, 's')`)
	s.cfg.PublicationViaRoot = true
	r, _ := s.open(t, readers.Stored{})
	plan := livePlan(t, r, snapshot.Asked{Table: "public.parted"})
	if got := s.readLive(t, r, "public.parted"); !slices.Equal(got, []string{"r 1,n", "r 2,s", "r 3,s"}) {
		t.Errorf("read were %q", got)
	}
	if got := s.readAsked(t, r, snapshot.Asked{Table: "public.parted", Keys: [][]string{{"3", "s"}, {"1", "s"}, {"1", "n"}}}); !slices.Equal(got, []string{"r 3,s", "r 1,n"}) {
		t.Errorf("read by key were %q", got)
	}
	s.exec(t, "CREATE TABLE west PARTITION OF parted FOR VALUES IN ('w')")
	if _, same, err := r.Live().Restore(t.Context(), snapshot.Asked{Table: "public.parted"}, plan.Saved); err != nil || same {
		t.Errorf("with one more partition the plan is the same: %t, %v", same, err)
	}
}

func TestALockedTableIsWaitedForInBoundsBesideTheStreamToo(t *testing.T) {
	s := onServer(t, 15, "CREATE TABLE t (id int PRIMARY KEY)")
	s.cfg.SnapshotLockTimeout = 100e6
	r, _ := s.open(t, readers.Stored{})
	plan := livePlan(t, r, snapshot.Asked{Table: "public.t"})
	s.exec(t, "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
	_, err := readChunks(t, s.liveLane(t, r), plan.Chunks)
	if err == nil || !strings.Contains(err.Error(), "snapshot.lock.timeout.ms") || fault.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
	s.exec(t, "ROLLBACK")
}
