package postgres

import (
	"slices"
	"testing"

	"rdip/internal/fault"
	"rdip/readers"
)

// P6, P11: publishing a table never takes its UPDATEs and DELETEs from the application, whatever generated columns its
// replica identity has; and where the log would not say which row was changed, it is not published.
func TestGeneratedColumnsInAReplicaIdentityNeverBreakTheApplication(t *testing.T) {
	const stored, virtual = "twice int NOT NULL GENERATED ALWAYS AS (id * 2) STORED", "thrice int GENERATED ALWAYS AS (id * 3) VIRTUAL"
	for _, c := range []struct {
		name    string
		major   int
		table   string
		refused string // the fix, "" where it is captured
		want    []string
	}{
		{"FULL on 15", 15, "CREATE TABLE t (id int, " + stored + "); ALTER TABLE t REPLICA IDENTITY FULL", "", []string{"u public.t before(1) after(2)", "d public.t before(2)"}},
		{"a key on 15", 15, "CREATE TABLE t (id int, " + stored + ", PRIMARY KEY (id, twice))", `ALTER TABLE "public"."t" REPLICA IDENTITY FULL`, nil},
		{"an index on 15", 15, "CREATE TABLE t (id int PRIMARY KEY, " + stored + "); CREATE UNIQUE INDEX i ON t (twice); ALTER TABLE t REPLICA IDENTITY USING INDEX i", `ALTER TABLE "public"."t" REPLICA IDENTITY FULL`, nil},
		{"beside the key on 18", 18, "CREATE TABLE t (id int PRIMARY KEY, " + stored + ", " + virtual + ")", "", []string{"u public.t key(1) after(2)", "d public.t key(2)"}},
		{"FULL on 18", 18, "CREATE TABLE t (id int, " + stored + "); ALTER TABLE t REPLICA IDENTITY FULL", "", []string{"u public.t before(1) after(2)", "d public.t before(2)"}},
		{"a key on 18", 18, "CREATE TABLE t (id int, " + stored + ", PRIMARY KEY (id, twice))", `ALTER TABLE "public"."t" REPLICA IDENTITY FULL`, nil},
		{"FULL with a virtual one on 18", 18, "CREATE TABLE t (id int, " + virtual + "); ALTER TABLE t REPLICA IDENTITY FULL", `ALTER TABLE "public"."t" REPLICA IDENTITY DEFAULT`, nil},
		{"no identity, with a virtual one on 18", 18, "CREATE TABLE t (id int, " + virtual + ")", "ADD PRIMARY KEY", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := onServer(t, c.major, c.table+"; INSERT INTO t VALUES (1)")
			if c.refused != "" {
				expectFinding(t, s.reader(t).Check(t.Context()), fault.Fatal, "P6", c.refused)
				s.refuse(t, readers.Stored{}, fault.Preflight, c.refused)
				s.exec(t, "UPDATE t SET id = 2; DELETE FROM t")
				return
			}
			if err := fault.Findings(s.reader(t).Check(t.Context())).Err(); err != nil {
				t.Error(err)
			}
			r, resume := s.open(t, readers.Stored{})
			s.exec(t, "UPDATE t SET id = 2; DELETE FROM t")
			if got := s.streamed(t, r, resume.From); !slices.Equal(got, c.want) {
				t.Errorf("the stream has %q, want %q", got, c.want)
			}
		})
	}
}

// P6, P11: a publication from before, of which such a table is part already, is mended where it may be, and named
// where not.
func TestAPublicationWithoutTheGeneratedColumnsOfAnIdentityIsMended(t *testing.T) {
	s := onServer(t, 18, "CREATE TABLE t (id int, twice int GENERATED ALWAYS AS (id * 2) STORED); ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t VALUES (1)")
	s.exec(t, "CREATE PUBLICATION "+quoteIdentifier(s.cfg.PublicationName)+" FOR TABLE t")
	if _, err := s.sql.Exec(t.Context(), "DELETE FROM t"); err == nil {
		t.Fatal("the server takes a DELETE of an identity that is not published")
	}
	s.cfg.PublicationMode = PublicationDisabled
	expectFinding(t, s.reader(t).Check(t.Context()), fault.Warning, "P6", "publish_generated_columns = stored")
	s.cfg.PublicationMode = PublicationFiltered
	for _, f := range s.reader(t).Check(t.Context()) {
		if f.Case == "P6" {
			t.Errorf("a start mends it, and the check says %s", f)
		}
	}
	s.open(t, readers.Stored{})
	s.exec(t, "DELETE FROM t")
}

// P6: what has no identity at all is said once.
func TestATableWithoutIdentityWhoseKeyIsGeneratedIsNamedOnce(t *testing.T) {
	s := onServer(t, 15, "CREATE TABLE t (id int, twice int GENERATED ALWAYS AS (id * 2) STORED PRIMARY KEY); ALTER TABLE t REPLICA IDENTITY NOTHING")
	n := 0
	for _, f := range s.reader(t).Check(t.Context()) {
		if f.Case == "P6" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d findings", n)
	}
}

// P6: a table whose key has a generated column is captured where that is asked for, and its rows can be changed.
func TestATableWhoseKeyIsGeneratedIsPublishedWhenAsked(t *testing.T) {
	s := onServer(t, 18, "CREATE TABLE t (id int, twice int NOT NULL GENERATED ALWAYS AS (id * 2) STORED, PRIMARY KEY (id, twice)); INSERT INTO t VALUES (1)")
	s.cfg.PublishWithoutIdentity = true
	expectFinding(t, s.reader(t).Check(t.Context()), fault.Warning, "P6", "REPLICA IDENTITY FULL")
	s.open(t, readers.Stored{})
	s.exec(t, "UPDATE t SET id = 2")
}

// P10, P11: what is left of a key without its generated column is no key: other rows may have the same.
func TestAKeyWithAGeneratedColumnIsNoKey(t *testing.T) {
	c, _ := open(t, 15, &Config{}, "CREATE TABLE t (id int, part int GENERATED ALWAYS AS (id % 7) STORED, v text, PRIMARY KEY (id, part))")
	logged := tablesByID(t, c)["public.t"].relation()
	logged.Columns[0].Key = true // as the log has it, without part
	for name, rel := range map[string]*relation{"snapshot": tablesByID(t, c)["public.t"].relation(), "stream": logged} {
		if key := layoutOf(t, c, rel).Table.Key; len(key) != 0 {
			t.Errorf("the key of the %s is columns %v", name, key)
		}
	}
}
