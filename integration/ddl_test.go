package integration

import (
	"slices"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
)

// P17: a table changes its shape after the snapshot and before the log describes it for the first time: each
// row has the schema in force when it was written, whether rdip runs meanwhile or not.
func TestATableThatChangesBetweenItsSnapshotAndItsFirstChangeHasTheSchemaInForce(t *testing.T) {
	const ddl = "ALTER TABLE t DROP COLUMN gone; ALTER TABLE t RENAME COLUMN old TO new; ALTER TABLE t ALTER n TYPE bigint; ALTER TABLE t ADD added int NOT NULL DEFAULT 4"
	cases := []struct {
		name            string
		running, behind []string // changes while rdip runs, and after it has ended
		want            []string // behind the snapshot's record
		schemas         int      // versions of the value's schema, the snapshot's included
	}{
		{"while it runs", []string{ddl, "INSERT INTO t VALUES (2, 9007199254740993, 'b')"}, nil,
			[]string{"c key{id=2} after{id=2 n=9007199254740993 new=b added=4}"}, 2},
		{"while it does not run", nil, []string{ddl, "INSERT INTO t VALUES (2, 3, 'b')"},
			[]string{"c key{id=2} after{id=2 n=3 new=b added=4}"}, 2},
		{"between two changes that are read when the catalog has the later shape", nil, []string{"INSERT INTO t VALUES (2, 3, 'b', 'g')", ddl, "INSERT INTO t VALUES (3, 4, 'c')"},
			[]string{"c key{id=2} after{id=2 n=3 old=b gone=g}", "c key{id=3} after{id=3 n=4 new=c added=4}"}, 2},
		{"within a transaction, between its changes", nil, []string{"BEGIN; INSERT INTO t VALUES (2, 3, 'b', 'g'); " + ddl + "; INSERT INTO t VALUES (3, 4, 'c'); COMMIT"}, // P16
			[]string{"c key{id=2} after{id=2 n=3 old=b gone=g}", "c key{id=3} after{id=3 n=4 new=c added=4}"}, 2},
	}
	kafka, registry := testenv.SharedKafka(t), testenv.SharedRegistry(t)
	for i, version := range []int{15, 18} {
		pg := testenv.SharedPostgres(t, version)
		for j, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				database := testenv.Database(t, pg)
				execute(t, pg, database, "CREATE TABLE t (id int PRIMARY KEY, n int, old text, gone text); INSERT INTO t VALUES (1, 2, 'a', 'x')")
				prefix := "ddl" + strings.Repeat("_", i) + string(rune('a'+j))
				s := harness.NewSetup(t, pg, database, kafka.Bootstrap(), registry.URL(), prefix)
				run := s.Start(t)
				run.WaitFor(t, "state=streaming")
				for _, sql := range c.running {
					execute(t, pg, database, sql)
				}
				if c.behind != nil {
					if code := run.Stop(t); code != 0 {
						t.Fatalf("rdip ended with exit code %d", code)
					}
					for _, sql := range c.behind {
						execute(t, pg, database, sql)
					}
					run = s.Start(t)
				}
				want := append([]string{"r key{id=1} after{id=1 n=2 old=a gone=x}"}, c.want...)
				records := await(t, kafka, &harness.RegistrySchemas{URL: registry.URL(), ByID: map[int32]string{}}, prefix+".public.t", len(want))
				if got := lines(t, records); !slices.Equal(got, want) {
					t.Errorf("records\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
				}
				if got := schemasOf(records); got != c.schemas {
					t.Errorf("%d schemas, want %d", got, c.schemas)
				}
				if code := run.Stop(t); code != 0 {
					t.Errorf("rdip ended with exit code %d", code)
				}
			})
		}
	}
}

func schemasOf(records []wire) int {
	seen := map[string]bool{}
	for _, r := range records {
		seen[r.ValueSchema] = true
	}
	return len(seen)
}
