package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
	"rdip/schema"
	"rdip/snapshot"
)

// versions runs a test on every major version that is served.
func versions(t *testing.T, f func(t *testing.T, major int)) {
	for major := oldestVersion; major <= 18; major++ {
		t.Run("PostgreSQL "+strconv.Itoa(major), func(t *testing.T) { f(t, major) })
	}
}

func TestSnapshotAndStreamTogetherHaveNoGap(t *testing.T) { // G6, P55, P57
	versions(t, func(t *testing.T, major int) {
		s := onServer(t, major, `CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'one'), (2, NULL), (3, E'a\tb\\c\nd')`)
		other, err := s.server.Connect(t.Context(), s.cfg.Database)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close(t.Context())

		r, resume := s.open(t, readers.Stored{})
		if !resume.Snapshot || resume.Again || resume.From.IsZero() {
			t.Fatalf("a first start resumes with %+v", resume)
		}
		// Between the slot's consistent point and the reading: in the log, not in the snapshot.
		s.exec(t, "INSERT INTO orders VALUES (4, 'late'); UPDATE orders SET note = 'two' WHERE id = 2; DELETE FROM orders WHERE id = 1")
		c := copied(t, r, 2)
		if got, want := c.rows["public.orders"], []string{"r 1,one", "r 2,~", "r 3,a\tb\\c\nd"}; !slices.Equal(got, want) {
			t.Errorf("the snapshot has %q, want %q", got, want)
		}
		if !slices.Equal(c.marks, []envelope.Mark{envelope.First, envelope.Snapshotted, envelope.Last}) {
			t.Errorf("marks %v", c.marks)
		}
		if len(c.places) != 1 || !c.places[resume.From.Place] {
			t.Errorf("rows at %v, the consistent point is %x", c.places, resume.From.Place)
		}
		want := []string{"c public.orders after(4,late)", "u public.orders after(2,two)", "d public.orders key(1,~)"}
		if got := s.streamed(t, r, resume.From); !slices.Equal(got, want) {
			t.Errorf("the stream has %q, want %q", got, want)
		}
	})
}

func TestTheSnapshotsTransactionSaysWhenAndWhereItIs(t *testing.T) {
	s := onServer(t, 15, "CREATE TABLE t (id int PRIMARY KEY)")
	before := s.ask(t, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8")
	r, resume := s.open(t, readers.Stored{})
	if _, err := r.Snapshot().Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := s.ask(t, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8")
	tx := r.Snapshot().Transaction()
	if tx.Place != resume.From.Place || r.Snapshot().Position() != resume.From {
		t.Errorf("it is at %x, the stream goes on from %x", tx.Place, resume.From.Place)
	}
	low, _ := strconv.ParseInt(before, 10, 64)
	high, _ := strconv.ParseInt(after, 10, 64)
	if tx.Micros < low || tx.Micros > high {
		t.Errorf("its time is %d, between %d and %d", tx.Micros, low, high)
	}
	if next, _ := strconv.ParseUint(s.ask(t, "SELECT pg_snapshot_xmin(pg_current_snapshot())"), 10, 64); tx.ID == 0 || tx.ID > next {
		t.Errorf("its xmin is %d, and the server's is %d", tx.ID, next)
	}
}

func TestALargeTableIsReadInRangesByEachVersion(t *testing.T) {
	versions(t, func(t *testing.T, major int) {
		s := onServer(t, major, "CREATE TABLE big (id int PRIMARY KEY, filler text); INSERT INTO big SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i; CREATE TABLE small (id int PRIMARY KEY); INSERT INTO small VALUES (1); CREATE TABLE empty (id int PRIMARY KEY)")
		s.cfg.SnapshotChunkBytes = 1 << 20
		r, _ := s.open(t, readers.Stored{})
		plan, err := r.Snapshot().Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(plan) != 3 || len(plan[0].Chunks) < 8 || len(plan[1].Chunks) != 1 || len(plan[2].Chunks) != 1 {
			t.Errorf("the plan has %d tables, the large one %d chunks", len(plan), len(plan[0].Chunks))
		}
		first := plan[0].Chunks[1].Range.(ctidRange).copySQL()
		if explained := s.explain(t, first); !strings.Contains(explained, "Tid Range Scan") {
			t.Errorf("a range is read by %s", explained)
		}
		c := copied(t, r, 3)
		seen := map[string]bool{}
		for _, row := range c.rows["public.big"] {
			seen[strings.SplitN(row, ",", 2)[0]] = true
		}
		if len(seen) != 20000 || len(c.rows["public.big"]) != 20000 || len(c.rows["public.small"]) != 1 {
			t.Errorf("%d rows, %d different, of 20000", len(c.rows["public.big"]), len(seen))
		}
		if want := len(plan[0].Chunks) + 2; c.chunks != want {
			t.Errorf("%d chunks were finished, of %d", c.chunks, want)
		}
	})
}

// explain is the plan of the query inside a COPY.
func (s *openServer) explain(t *testing.T, sql string) string {
	t.Helper()
	sql = strings.TrimSuffix(strings.TrimPrefix(sql, "COPY ("), ") TO STDOUT")
	rows, err := s.sql.Query(t.Context(), "EXPLAIN "+sql)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestEveryKindOfTableIsReadOnce(t *testing.T) {
	const setup = `
		CREATE TABLE parted (id int, region text, total int GENERATED ALWAYS AS (id * 2) STORED, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
		CREATE TABLE north PARTITION OF parted FOR VALUES IN ('n');
		CREATE TABLE south (region text NOT NULL, total int GENERATED ALWAYS AS (id * 2) STORED, id int NOT NULL);
		ALTER TABLE south ADD PRIMARY KEY (id, region);
		ALTER TABLE parted ATTACH PARTITION south FOR VALUES IN ('s');
		INSERT INTO parted VALUES (1, 'n'), (2, 's');
		CREATE TABLE parent (id int PRIMARY KEY);
		CREATE TABLE child (extra int, PRIMARY KEY (id)) INHERITS (parent);
		INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3);
		CREATE TABLE "We""ird.\ Näme" ("a""b" int PRIMARY KEY, "select" text, "1" text);
		INSERT INTO "We""ird.\ Näme" VALUES (1, 'x', NULL);
		CREATE TABLE "no columns" (); ALTER TABLE "no columns" REPLICA IDENTITY FULL; INSERT INTO "no columns" DEFAULT VALUES`
	always := map[string][]string{ // P13, P31
		"public.parent": {"r 1"}, "public.child": {"r 2,3"}, `public."We""ird.\ Näme"`: {"r 1,x,~"}, "public.no columns": {"r "},
	}
	for name, c := range map[string]struct {
		viaRoot bool
		want    map[string][]string
	}{ // P11: without the generated column; P12
		"partitions as themselves":          {false, map[string][]string{"public.north": {"r 1,n"}, "public.south": {"r s,2"}}},
		"partitions as the table they form": {true, map[string][]string{"public.parted": {"r 1,n", "r 2,s"}}},
	} {
		for _, major := range []int{14, 15, 18} {
			t.Run(fmt.Sprintf("%s, PostgreSQL %d", name, major), func(t *testing.T) {
				s := onServer(t, major, setup)
				s.cfg.PublicationViaRoot = c.viaRoot
				r, resume := s.open(t, readers.Stored{})
				got := copied(t, r, 1).rows
				for id, rows := range always {
					if !slices.Equal(got[id], rows) {
						t.Errorf("%s has %q, want %q", id, got[id], rows)
					}
				}
				for id, rows := range c.want {
					if !slices.Equal(got[id], rows) {
						t.Errorf("%s has %q, want %q", id, got[id], rows)
					}
				}
				if len(got) != len(always)+len(c.want) {
					t.Errorf("tables %v", got)
				}
				s.exec(t, "INSERT INTO parted VALUES (3, 's'); INSERT INTO child VALUES (4, 5)")
				stream := s.streamed(t, r, resume.From)
				want := []string{"c public.south after(s,3)", "c public.child after(4,5)"}
				if c.viaRoot {
					want[0] = "c public.parted after(3,s)"
				}
				if !slices.Equal(stream, want) {
					t.Errorf("the stream has %q, want %q", stream, want)
				}
			})
		}
	}
}

func TestATableThatChangedUnderTheSnapshotIsNeverSilentlyEmpty(t *testing.T) { // P69
	for name, change := range map[string]string{
		"rewritten by ALTER TYPE": "ALTER TABLE t ALTER id TYPE bigint",
		"rewritten by VACUUM":     "VACUUM FULL t",
		"truncated":               "TRUNCATE t",
		"replaced by another":     "ALTER TABLE t RENAME TO old; CREATE TABLE t (id int PRIMARY KEY)",
		"dropped":                 "DROP TABLE t",
	} {
		t.Run(name, func(t *testing.T) {
			s := onServer(t, 15, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)")
			r, _ := s.open(t, readers.Stored{})
			plan, err := r.Snapshot().Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s.exec(t, change)
			err = readPlan(t, r.Snapshot(), plan)
			if err == nil || !strings.Contains(err.Error(), "public.t") || fault.IsPermanent(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// readPlan reads a plan over one lane, without the marks.
func readPlan(t *testing.T, source snapshot.Source, plan []snapshot.TablePlan) error {
	t.Helper()
	lane, err := source.Lane(t.Context())
	if err != nil {
		return err
	}
	defer lane.Close(t.Context())
	h := &collector{rows: map[string][]string{}, places: map[uint64]bool{}}
	for _, p := range plan {
		for _, c := range p.Chunks {
			if err := lane.Read(t.Context(), c, h); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestATableLockedByAnotherIsWaitedForInBounds(t *testing.T) {
	s := onServer(t, 15, "CREATE TABLE t (id int PRIMARY KEY)")
	s.cfg.SnapshotLockTimeout = 100e6
	r, _ := s.open(t, readers.Stored{})
	plan, err := r.Snapshot().Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.exec(t, "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
	err = readPlan(t, r.Snapshot(), plan)
	if err == nil || !strings.Contains(err.Error(), "snapshot.lock.timeout.ms") || fault.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
	s.exec(t, "ROLLBACK")
}

// A start does not wait for ever, and without a word, for a table that its publication is to have.
func TestATableThatIsLockedHoldsAStartUpInBounds(t *testing.T) {
	s := onServer(t, 15, "CREATE TABLE t (id int PRIMARY KEY)")
	s.cfg.SnapshotLockTimeout = 100e6
	s.exec(t, "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := s.reader(t).Open(ctx, readers.Stored{})
	if err == nil || !strings.Contains(err.Error(), "lock timeout") || !strings.Contains(err.Error(), "snapshot.lock.timeout.ms") || fault.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
	s.exec(t, "ROLLBACK")
	if _, resume := s.open(t, readers.Stored{}); !resume.Snapshot {
		t.Errorf("once it is free: %+v", resume)
	}
}

func TestRowsHiddenByRowLevelSecurityAreRefusedAndNeverMissing(t *testing.T) { // P63
	s := onServer(t, 15, "CREATE TABLE t (id int PRIMARY KEY, owner text); INSERT INTO t VALUES (1, 'a'); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (owner = current_user)")
	user := s.user(t, "REPLICATION")
	s.exec(t, "GRANT SELECT ON t TO "+user+"; GRANT CREATE ON DATABASE "+quoteIdentifier(s.cfg.Database)+" TO "+user)
	s.exec(t, "CREATE PUBLICATION p FOR TABLE t")
	s.cfg.PublicationName, s.cfg.User = "p", user
	r, _ := s.open(t, readers.Stored{})
	if _, err := tryCopy(t, r, 1); err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("the snapshot gave %v", err)
	}
	expectFinding(t, r.Check(t.Context()), fault.Fatal, "P63", "ALTER ROLE "+quoteIdentifier(user)+" BYPASSRLS")
}

func TestACopyEndsWithItsContext(t *testing.T) {
	s := onServer(t, 15, "CREATE TABLE t (id int PRIMARY KEY)")
	conn, err := openCopy(t.Context(), &s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.close()
	ctx, cancel := withCause(t)
	go func() {
		eventually(t, "the statement runs", func() bool {
			return s.ask(t, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT pg_sleep(60%' AND state = 'active'") == "1"
		})
		cancel(errStop)
	}()
	if err := conn.copy(ctx, "COPY (SELECT pg_sleep(60)) TO STDOUT", func([]byte) error { return nil }, nil); err != errStop {
		t.Errorf("got %v", err)
	}
}

func TestAnyTableIsCutIntoRangesThatCoverItOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &part{leaf: &table{}, layout: &envelope.Layout{Table: &schema.Table{}}}
		p.pages = rapid.Int64Range(0, 1<<32).Draw(t, "pages")
		p.bytes = p.pages*8192 + rapid.Int64Range(0, 1<<44).Draw(t, "toast")
		chunk := max(rapid.Int64Range(1<<16, 1<<40).Draw(t, "chunk"), p.bytes/5000)
		ranges := p.cut(chunk)
		next, weight := int64(0), int64(0)
		for i, r := range ranges {
			last := i == len(ranges)-1
			if r.from != next || (r.to == 0) != last || !last && r.to <= r.from {
				t.Fatalf("range %d of %d is %d to %d, behind %d", i, len(ranges), r.from, r.to, next)
			}
			if w := r.weight(); w < 0 || w > p.bytes {
				t.Fatalf("range %d weighs %d of %d", i, w, p.bytes)
			}
			next, weight = r.to, weight+r.weight()
		}
		if ranges[0].from != 0 || weight > p.bytes || p.bytes-weight > int64(len(ranges)) {
			t.Fatalf("%d ranges weigh %d of %d", len(ranges), weight, p.bytes)
		}
	})
}

func TestReadingARowOfTheSnapshotAllocatesNothing(t *testing.T) {
	s := onServer(t, 15, `CREATE TABLE t (id int PRIMARY KEY, a text, b text, c timestamptz); INSERT INTO t SELECT i, 'text ' || i, CASE WHEN i % 2 = 0 THEN E'tab\there' END, now() FROM generate_series(1, 50000) i`)
	r, _ := s.open(t, readers.Stored{})
	plan, err := r.Snapshot().Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lane, err := r.Snapshot().Lane(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lane.Close(t.Context())
	h := &laneCounter{}
	perChunk := testing.AllocsPerRun(3, func() {
		if err := lane.Read(t.Context(), plan[0].Chunks[0], h); err != nil {
			t.Fatal(err)
		}
	})
	if h.rows != 4*50000 || perChunk > 100 {
		t.Errorf("%v allocations a chunk of 50000 rows; %d rows read", perChunk, h.rows)
	}
}

// laneCounter is a Handler that only counts.
type laneCounter struct{ rows int }

func (c *laneCounter) Begin(*envelope.Transaction) error                             { return nil }
func (c *laneCounter) Table(*envelope.Layout) error                                  { return nil }
func (c *laneCounter) Row(*envelope.Event) error                                     { c.rows++; return nil }
func (c *laneCounter) Message(*envelope.Message) error                               { return nil }
func (c *laneCounter) Commit(offsets.Durable) error                                  { return nil }
func (c *laneCounter) Flush() error                                                  { return nil }
func (c *laneCounter) Refuse(_ *envelope.Layout, _ envelope.Row, reason error) error { return reason }
func (c *laneCounter) Idle(offsets.Position) error                                   { return nil }
