package postgres

import (
	"strings"
	"testing"
)

// P58: what Open tells of a table's place in the publication is another once the table was out of it, and the same as long
// as it was not.
func TestWhatHasATablePublishedIsAnotherOnceItWasTakenOut(t *testing.T) {
	const tables = oneTable + `; CREATE TABLE other (id int PRIMARY KEY);
		CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE leaf PARTITION OF parted FOR VALUES FROM (0) TO (10)`
	for name, c := range map[string]struct {
		server           int
		publication      string
		away, back, keep string // $p stands for the publication
		table            string
	}{
		"a table": {14, "FOR TABLE t, other", "ALTER PUBLICATION $p DROP TABLE t", "ALTER PUBLICATION $p ADD TABLE t",
			"ALTER PUBLICATION $p SET TABLE t, other, parted", "public.t"},
		"a partition, by its root": {18, "FOR TABLE t, parted", "ALTER PUBLICATION $p DROP TABLE parted", "ALTER PUBLICATION $p ADD TABLE parted",
			"ALTER PUBLICATION $p ADD TABLE other", "public.leaf"},
		"all tables": {18, "FOR ALL TABLES", "DROP PUBLICATION $p", "CREATE PUBLICATION $p FOR ALL TABLES",
			"ALTER PUBLICATION $p SET (publish = 'insert, update, delete, truncate')", "public.t"},
		"a schema's tables": {18, "FOR TABLES IN SCHEMA public", "ALTER PUBLICATION $p DROP TABLES IN SCHEMA public", "ALTER PUBLICATION $p ADD TABLES IN SCHEMA public",
			"CREATE SCHEMA more; ALTER PUBLICATION $p ADD TABLES IN SCHEMA more", "public.t"},
	} {
		t.Run(name, func(t *testing.T) {
			s := onServer(t, c.server, tables)
			s.cfg.PublicationMode = PublicationDisabled
			s.cfg.TableInclude = patterns(t, strings.ReplaceAll(c.table, ".", `\.`))
			publication := quoteIdentifier(s.cfg.PublicationName)
			s.exec(t, "CREATE PUBLICATION "+publication+" "+c.publication)
			stored := s.begun(t)
			logged := func() string {
				t.Helper()
				_, resume := s.open(t, stored)
				if len(resume.Logged) != 1 || resume.Logged[c.table] == "" {
					t.Fatalf("%v of %s", resume.Logged, c.table)
				}
				return resume.Logged[c.table]
			}
			first := logged()
			s.exec(t, strings.ReplaceAll(c.keep, "$p", publication))
			if got := logged(); got != first {
				t.Errorf("%q, and it never was out of the publication, of which it was %q", got, first)
			}
			s.exec(t, strings.ReplaceAll(c.away, "$p", publication))
			s.exec(t, strings.ReplaceAll(c.back, "$p", publication))
			if got := logged(); got == first {
				t.Errorf("%q as before", got)
			}
		})
	}
}
