package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rdip/integration/testenv"
	"rdip/internal/fault"
)

// long is an expression for a text that is stored out of line and not compressed away.
const long = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 300) i)"

func TestTheLogBecomesEvents(t *testing.T) {
	cases := map[string]struct {
		setup, work string
		exclude     string
		want        []string
	}{
		"an insert, an update and a delete of a table with a primary key": {
			setup: "CREATE TABLE t(id int PRIMARY KEY, a text)",
			work:  "INSERT INTO t VALUES (1, 'x'), (2, NULL); UPDATE t SET a = 'y' WHERE id = 1; DELETE FROM t WHERE id = 2",
			want: []string{"begin", "table public.t(id,a)", "c public.t after(1,x)", "c public.t after(2,~)",
				"u public.t after(1,y)", "d public.t key(2,~)", "commit"},
		},
		"P7: a changed key carries the old one": {
			setup: "CREATE TABLE t(id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x')",
			work:  "UPDATE t SET id = 7",
			want:  []string{"begin", "table public.t(id,a)", "u public.t key(1,~) after(7,x)", "commit"},
		},
		"P1: an unchanged TOASTed value is absent, never null": {
			setup: "CREATE TABLE t(id int PRIMARY KEY, n int, a text, b bytea); ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL; INSERT INTO t SELECT 1, 0, " + long + ", " + long + "::bytea",
			work:  "UPDATE t SET n = 1",
			want:  []string{"begin", "table public.t(id,n,a,b)", "u public.t after(1,1,?,?)", "commit"},
		},
		"P2: under FULL an unchanged TOASTed value is taken from the old row": {
			setup: "CREATE TABLE t(id int PRIMARY KEY, n int, a text, z text); ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t ALTER a SET STORAGE EXTERNAL; INSERT INTO t SELECT 1, 0, " + long,
			work:  "UPDATE t SET n = 1",
			want:  []string{"begin", "table public.t(id,n,a,z)", "u public.t before(1,0,9600 bytes,~) after(1,1,9600 bytes,~)", "commit"},
		},
		"P3: a TOASTed key that did not change is taken from the old key where the log has it": {
			setup: "CREATE TABLE t(id text PRIMARY KEY, n int, a text); ALTER TABLE t ALTER id SET STORAGE EXTERNAL, ALTER a SET STORAGE EXTERNAL; INSERT INTO t SELECT substr(" + long + ", 1, 2400), 0, " + long,
			work:  "UPDATE t SET n = 1",
			want:  []string{"begin", "table public.t(id,n,a)", "u public.t key(2400 bytes,~,~) after(2400 bytes,1,?)", "commit"},
		},
		"P14: a TRUNCATE is one event a captured table": {
			setup:   "CREATE TABLE t(id int PRIMARY KEY); CREATE TABLE u(id int PRIMARY KEY REFERENCES t); CREATE TABLE v(id int PRIMARY KEY REFERENCES t); INSERT INTO t VALUES (1)",
			exclude: "public.v",
			work:    "TRUNCATE t CASCADE",
			want:    []string{"begin", "table public.t(id)", "t public.t", "table public.u(id)", "t public.u", "commit"},
		},
		"P15, P16: each row of a transaction has the columns in force": {
			setup: "CREATE TABLE t(id int PRIMARY KEY, a int)",
			work:  "BEGIN; INSERT INTO t VALUES (1, 2); ALTER TABLE t ADD b int DEFAULT 5; INSERT INTO t VALUES (2, 3); ALTER TABLE t DROP a; INSERT INTO t VALUES (3, 6); COMMIT",
			want: []string{"begin", "table public.t(id,a)", "c public.t after(1,2)", "table public.t(id,a,b)", "c public.t after(2,3,5)",
				"table public.t(id,b)", "c public.t after(3,6)", "commit"},
		},
		"G5, P38: what is rolled back is never seen": {
			setup: "CREATE TABLE t(id int PRIMARY KEY)",
			work:  "BEGIN; INSERT INTO t VALUES (1); ROLLBACK; BEGIN; INSERT INTO t VALUES (2); SAVEPOINT s; INSERT INTO t VALUES (3); ROLLBACK TO s; INSERT INTO t VALUES (4); COMMIT",
			want:  []string{"begin", "table public.t(id)", "c public.t after(2)", "c public.t after(4)", "commit"},
		},
		"P39: logical messages come in their place": {
			setup: "CREATE TABLE t(id int PRIMARY KEY)",
			work:  "BEGIN; INSERT INTO t VALUES (1); SELECT pg_logical_emit_message(true, 'p', 'in'); COMMIT; SELECT pg_logical_emit_message(false, 'p', 'out')",
			want:  []string{"begin", "table public.t(id)", "c public.t after(1)", "message true p in", "commit", "message false p out"},
		},
		"P31: names need quotes": {
			setup: `CREATE SCHEMA "A ""b"; CREATE TABLE "A ""b"."T'ü\1"("Id" int PRIMARY KEY, "1 "" x" text)`,
			work:  `INSERT INTO "A ""b"."T'ü\1" VALUES (1, 'ü')`,
			want:  []string{"begin", `table "A ""b".T'ü\1(Id,1 " x)`, `c "A ""b".T'ü\1 after(1,ü)`, "commit"},
		},
		"P5: each change has the old row of the identity in force": {
			setup: "CREATE TABLE t(id int PRIMARY KEY, k int NOT NULL UNIQUE, a text); INSERT INTO t VALUES (1, 2, 'x')",
			work: "BEGIN; UPDATE t SET id = 3; ALTER TABLE t REPLICA IDENTITY FULL; UPDATE t SET a = 'y'; COMMIT; DELETE FROM t; ALTER TABLE t REPLICA IDENTITY USING INDEX t_k_key; " +
				"INSERT INTO t VALUES (4, 5, 'z'); DELETE FROM t",
			want: []string{"begin", "table public.t(id,k,a)", "u public.t key(1,~,~) after(3,2,x)",
				"table public.t(id,k,a)", "u public.t before(3,2,x) after(3,2,y)", "commit", "begin", "table public.t(id,k,a)",
				"d public.t before(3,2,y)", "table public.t(id,k,a)", "c public.t after(4,5,z)", "d public.t key(~,5,~)", "commit"},
		},
		"P13: a child of legacy inheritance is a table of its own": {
			setup: "CREATE TABLE mother(id int PRIMARY KEY, a text); CREATE TABLE child(b int, PRIMARY KEY (id)) INHERITS (mother); INSERT INTO child VALUES (1, 'x', 2)",
			work:  "BEGIN; INSERT INTO mother VALUES (3, 'y'); UPDATE mother SET a = 'z'; COMMIT",
			want: []string{"begin", "table public.mother(id,a)", "c public.mother after(3,y)", "u public.mother after(3,z)",
				"table public.child(id,a,b)", "u public.child after(1,z,2)", "commit"},
		},
		"P18: a table that was dropped and made again has the new one's columns": {
			setup: "CREATE TABLE t(id int PRIMARY KEY, a text)",
			work:  "BEGIN; INSERT INTO t VALUES (1, 'x'); DROP TABLE t; CREATE TABLE t(b int PRIMARY KEY, id text); INSERT INTO t VALUES (2, 'y'); COMMIT",
			want:  []string{"begin", "table public.t(id,a)", "c public.t after(1,x)", "table public.t(b,id)", "c public.t after(2,y)", "commit"},
		},
		"P19: rows have the name of their table at their time, also where two tables swap names": {
			setup: "CREATE TABLE t(id int PRIMARY KEY); CREATE TABLE u(id int PRIMARY KEY, a text)",
			work: "BEGIN; INSERT INTO t VALUES (1); INSERT INTO u VALUES (2, 'x'); COMMIT; " +
				"BEGIN; ALTER TABLE t RENAME TO old; ALTER TABLE u RENAME TO t; ALTER TABLE old RENAME TO u; INSERT INTO t VALUES (3, 'y'); INSERT INTO u VALUES (4); COMMIT",
			want: []string{"begin", "table public.t(id)", "c public.t after(1)", "table public.u(id,a)", "c public.u after(2,x)", "commit",
				"begin", "table public.t(id,a)", "c public.t after(3,y)", "table public.u(id)", "c public.u after(4)", "commit"},
		},
		"P40: sequences are in no event, and rows have the values that they took": {
			setup: "CREATE SEQUENCE s; CREATE TABLE t(id int PRIMARY KEY DEFAULT nextval('s'))",
			work:  "BEGIN; SELECT setval('s', 41); INSERT INTO t DEFAULT VALUES; SELECT nextval('s'); ALTER SEQUENCE s RESTART; COMMIT",
			want:  []string{"begin", "table public.t(id)", "c public.t after(42)", "commit"},
		},
		"a table that is not chosen is passed over, its transactions are not": {
			setup:   "CREATE TABLE t(id int PRIMARY KEY); CREATE TABLE u(id int PRIMARY KEY)",
			exclude: "public.u",
			work:    "INSERT INTO u VALUES (1); INSERT INTO u VALUES (2)",
			want:    []string{"begin", "commit"},
		},
		"a table without a key": {
			setup: "CREATE TABLE t(a int); ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t VALUES (1)",
			work:  "UPDATE t SET a = 2; DELETE FROM t",
			want:  []string{"begin", "table public.t(a)", "u public.t before(1) after(2)", "d public.t before(2)", "commit"},
		},
		"P8: the key is the identity index's": {
			setup: "CREATE TABLE t(id int PRIMARY KEY, k int NOT NULL UNIQUE, a int); ALTER TABLE t REPLICA IDENTITY USING INDEX t_k_key; INSERT INTO t VALUES (1, 2, 3)",
			work:  "UPDATE t SET k = 5; DELETE FROM t",
			want:  []string{"begin", "table public.t(id,k,a)", "u public.t key(~,2,~) after(1,5,3)", "d public.t key(~,5,~)", "commit"},
		},
		"a partition's rows are its own": {
			setup: "CREATE TABLE t(id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10)",
			work:  "INSERT INTO t VALUES (1)",
			want:  []string{"begin", "table public.t1(id)", "c public.t1 after(1)", "commit"},
		},
	}
	for _, version := range []int{15, 18} {
		for name, c := range cases {
			t.Run(fmt.Sprintf("%d/%s", version, name), func(t *testing.T) {
				t.Parallel()
				s := newLogServer(t, testenv.SharedPostgres(t, version), c.setup)
				if c.exclude != "" {
					s.cfg.TableExclude = patterns(t, c.exclude)
				}
				s.exec(t, c.work)
				h := &recorder{}
				s.capture(t, h)
				if got, want := strings.Join(h.all(), "\n"), strings.Join(c.want, "\n"); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

func TestWithPublishViaPartitionRootRowsAreTheRoots(t *testing.T) { // P12
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY, a text) PARTITION BY RANGE (id); CREATE TABLE t1(a text, id int NOT NULL); ALTER TABLE t ATTACH PARTITION t1 FOR VALUES FROM (0) TO (10)")
	s.exec(t, "ALTER PUBLICATION "+quoteIdentifier(s.cfg.PublicationName)+" SET (publish_via_partition_root = true)")
	s.exec(t, "INSERT INTO t VALUES (1, 'x')")
	h := &recorder{}
	s.capture(t, h)
	want := "begin table public.t(id,a) c public.t after(1,x) commit"
	if got := strings.Join(h.all(), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestManyRowsAtOneLSNAreAllThere(t *testing.T) { // P41
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY, a text)")
	s.exec(t, "INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 20000) i")
	h := &recorder{quiet: true}
	s.capture(t, h)
	if h.count() != 20000 {
		t.Errorf("%d rows of 20000", h.count())
	}
}

func TestATransactionSaysWhatItIs(t *testing.T) {
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY)")
	s.exec(t, "BEGIN; SELECT pg_replication_origin_create('there') FROM pg_replication_origin HAVING count(*) FILTER (WHERE roname = 'there') = 0; COMMIT")
	s.exec(t, "SELECT pg_replication_origin_session_setup('there'); BEGIN; SELECT pg_replication_origin_xact_setup('0/ABCDEF', '2020-02-03 04:05:06.789012+00'); INSERT INTO t VALUES (1); COMMIT; SELECT pg_replication_origin_session_reset()")
	xid := s.ask(t, "SELECT xmin::text FROM t")
	s.exec(t, "INSERT INTO t VALUES (2)")
	h := &recorder{}
	s.capture(t, h)
	first, second := h.txs[0], h.txs[1]
	if first.Origin != "there" || first.OriginPos != 0xABCDEF || first.Micros != 1580702706789012 || fmt.Sprint(first.ID) != xid {
		t.Errorf("the transaction with an origin (xid %s): %+v", xid, first)
	}
	if second.Origin != "" || second.OriginPos != 0 || second.Previous != h.commits[0] || second.Place <= first.Place || h.commits[1] <= second.Place {
		t.Errorf("the local one: %+v after a commit that ends at %d", second, h.commits[0])
	}
}

func TestAStreamResumesAtACommitWithWholeTransactions(t *testing.T) { // P42, G2
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY)")
	s.exec(t, "INSERT INTO t VALUES (1)")
	s.exec(t, "INSERT INTO t VALUES (2), (3)")
	s.exec(t, "INSERT INTO t VALUES (4)")
	first := &recorder{}
	s.capture(t, first)

	s.wire = newProgress() // as a new process, which knows the first commit only
	again := &recorder{}
	r := s.run(t, first.commits[0], again)
	eventually(t, "the rest arrives", func() bool { return again.count() == 3 })
	if err := r.stop(t); !errors.Is(err, t.Context().Err()) && fault.IsPermanent(err) {
		t.Error(err)
	}
	want := "begin table public.t(id) c public.t after(2) c public.t after(3) commit begin c public.t after(4)"
	if got := strings.Join(again.all(), " "); !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if again.txs[0].Previous != first.commits[0] {
		t.Errorf("the first transaction follows %d, not the place that was resumed at, %d", again.txs[0].Previous, first.commits[0])
	}
}

func TestAHandlersErrorComesBackAsItIs(t *testing.T) {
	s := shared(t, "CREATE TABLE t(id int PRIMARY KEY)")
	s.exec(t, "INSERT INTO t VALUES (1)")
	if err := s.expectEnd(t, &recorder{refuse: errStop}); err != errStop {
		t.Errorf("got %v", err)
	}
}

// A server that says more than it must while the stream is opened, as client_min_messages asks it to, is
// understood.
func TestNoticesWhileTheStreamIsOpenedAreNoFailure(t *testing.T) {
	for _, version := range []int{15, 18} {
		s := newLogServer(t, testenv.SharedPostgres(t, version), "CREATE TABLE t(id int PRIMARY KEY)")
		s.exec(t, "ALTER DATABASE "+quoteIdentifier(s.db)+" SET client_min_messages = 'debug5'")
		s.exec(t, "INSERT INTO t VALUES (1)")
		h := &recorder{}
		s.capture(t, h)
		if got := strings.Join(h.all(), " "); got != "begin table public.t(id) c public.t after(1) commit" {
			t.Errorf("PostgreSQL %d: %s", version, got)
		}
	}
}

// P8: the key was changed while the slot was behind. What was logged before comes with the key of its time,
// as it would have without the delay: such rows stop nobody.
func TestRowsFromBeforeAChangeOfTheKeyHaveTheKeyOfTheirTime(t *testing.T) {
	for name, change := range map[string]string{
		"the primary key is another column":      "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (b)",
		"the primary key has a column more":      "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (b, a)",
		"the identity is an index that was made": "CREATE UNIQUE INDEX t_b ON t (b); ALTER TABLE t REPLICA IDENTITY USING INDEX t_b",
		"the key is gone":                        "ALTER TABLE t DROP CONSTRAINT t_pkey",
	} {
		t.Run(name, func(t *testing.T) {
			s := shared(t, "CREATE TABLE t(a int PRIMARY KEY, b int NOT NULL); INSERT INTO t VALUES (1, 10), (2, 20)")
			s.exec(t, "UPDATE t SET a = 3 WHERE a = 1; DELETE FROM t WHERE a = 2")
			s.exec(t, change)
			h := &recorder{}
			s.capture(t, h)
			if got := strings.Join(h.all(), ", "); got != "begin, table public.t(a,b), u public.t key(1,~) after(3,10), d public.t key(2,~), commit" {
				t.Error(got)
			}
		})
	}
	t.Run("the identity was an index, and a TOASTed column is the key now", func(t *testing.T) {
		s := shared(t, `CREATE TABLE t(id text PRIMARY KEY, k int NOT NULL UNIQUE, n int); ALTER TABLE t ALTER id SET STORAGE EXTERNAL;
			ALTER TABLE t REPLICA IDENTITY USING INDEX t_k_key; INSERT INTO t SELECT substr(`+long+`, 1, 2400), 1, 0`)
		s.exec(t, "UPDATE t SET n = 1; DELETE FROM t")
		s.exec(t, "ALTER TABLE t REPLICA IDENTITY DEFAULT")
		h := &recorder{}
		s.capture(t, h)
		if got := strings.Join(h.all(), ", "); got != "begin, table public.t(id,k,n), u public.t after(?,1,1), d public.t key(~,1,~), commit" {
			t.Error(got)
		}
	})
}
