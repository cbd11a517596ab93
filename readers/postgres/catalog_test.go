package postgres

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/envelope"
	"rdip/integration/testenv"
	"rdip/readers/postgres/types/avrotest"
	"rdip/schema"
)

// open runs a script in a database of its own and gives the catalog of it.
func open(t *testing.T, version int, cfg *Config, script string) (*catalog, *pgx.Conn) {
	t.Helper()
	server := testenv.SharedPostgres(t, version)
	database := testenv.Database(t, server)
	if err := server.Exec(t.Context(), database, script); err != nil {
		t.Fatal(err)
	}
	conn := pinned(t, server, database)
	return catalogOn(cfg, conn), conn
}

func tablesByID(t *testing.T, c *catalog) map[string]*table {
	t.Helper()
	list, err := c.tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*table{}
	for _, tab := range list {
		out[tab.ID()] = tab
	}
	return out
}

func layoutOf(t *testing.T, c *catalog, rel *relation) *envelope.Layout {
	t.Helper()
	l, err := c.layout(t.Context(), rel)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func keyNames(tab *schema.Table) string {
	var names []string
	for _, i := range tab.Key {
		names = append(names, tab.Columns[i].Name)
	}
	return strings.Join(names, ",")
}

// P5, P8, P9
func TestTheKeyIsTheCatalogsWhateverTheLogFlags(t *testing.T) {
	c, _ := open(t, 15, &Config{}, `
		CREATE TABLE by_default (b text, a int, v text, PRIMARY KEY (a, b));
		CREATE TABLE by_full (v text, id int PRIMARY KEY); ALTER TABLE by_full REPLICA IDENTITY FULL;
		CREATE TABLE by_nothing (id int PRIMARY KEY); ALTER TABLE by_nothing REPLICA IDENTITY NOTHING;
		CREATE TABLE by_index (id int PRIMARY KEY, x int NOT NULL, y int NOT NULL, z int);
		CREATE UNIQUE INDEX by_index_yx ON by_index (y, x) INCLUDE (z); ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_yx;
		CREATE TABLE keyless (a int);
		CREATE TABLE keyless_full (a int); ALTER TABLE keyless_full REPLICA IDENTITY FULL;`)
	cases := []struct {
		table, key string
		before     schema.Before
	}{
		{"by_default", "a,b", schema.BeforeKey}, {"by_full", "id", schema.BeforeFull}, {"by_nothing", "id", schema.BeforeNothing},
		{"by_index", "y,x", schema.BeforeKey}, {"keyless", "", schema.BeforeNothing}, {"keyless_full", "", schema.BeforeFull},
	}
	tables := tablesByID(t, c)
	for _, want := range cases {
		rel := tables["public."+want.table].relation()
		for i := range rel.Columns {
			rel.Columns[i].Key = rel.Identity == 'f' // as pgoutput flags them
		}
		l := layoutOf(t, c, rel)
		if got := keyNames(l.Table); got != want.key || l.Table.Before != want.before {
			t.Errorf("%s: key %q and before %d, want %q and %d", want.table, got, l.Table.Before, want.key, want.before)
		}
	}
}

// P8
func TestWhereTheTableIsGoneTheLogsFlagsAreTheKey(t *testing.T) {
	c, _ := open(t, 15, &Config{}, "CREATE TABLE t (a int PRIMARY KEY)")
	rel := &relation{OID: 4_000_000_000, Schema: "gone", Name: "t", Identity: 'd', Columns: []relationColumn{
		{Name: "a", Type: 23, Mod: -1, Key: true}, {Name: "b", Type: 25, Mod: -1}}}
	l := layoutOf(t, c, rel)
	if keyNames(l.Table) != "a" || l.Table.Before != schema.BeforeKey || !l.Table.Columns[0].Nullable {
		t.Errorf("key %q, before %d, columns %+v", keyNames(l.Table), l.Table.Before, l.Table.Columns)
	}
	rel.Identity, rel.Columns[1].Key = 'f', true
	if l := layoutOf(t, c, rel); l.Table.HasKey() || l.Table.Before != schema.BeforeFull {
		t.Errorf("under FULL: key %q, before %d", keyNames(l.Table), l.Table.Before)
	}
}

// P8, P9: where the key was changed since, the flags in the log are the key of the time, unless they flag
// every column because the identity was FULL.
func TestWhereTheKeyWasChangedSinceTheLogsFlagsAreTheKey(t *testing.T) {
	c, _ := open(t, 15, &Config{}, "CREATE TABLE t (a int NOT NULL, b int NOT NULL, v text, PRIMARY KEY (b, a))")
	for name, want := range map[string]struct {
		identity byte
		flagged  []int
		key      string
	}{
		"it was a":                  {'d', []int{0}, "a"},
		"it was another index's, v": {'i', []int{2}, "v"},
		"it was a and b as it is":   {'d', []int{0, 1}, "b,a"},
		"the identity was FULL":     {'f', []int{0, 1, 2}, "b,a"},
		"the identity was NOTHING":  {'n', nil, "b,a"},
		"a snapshot has no flags":   {'d', nil, "b,a"},
	} {
		rel := tablesByID(t, c)["public.t"].relation()
		rel.Identity = want.identity
		for _, i := range want.flagged {
			rel.Columns[i].Key = true
		}
		if got := keyNames(layoutOf(t, c, rel).Table); got != want.key {
			t.Errorf("%s: key %s, want %s", name, got, want.key)
		}
	}
}

// P15
func TestAColumnThatTheCatalogNoLongerHasIsNullableWithoutADefault(t *testing.T) {
	c, conn := open(t, 15, &Config{}, "CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL DEFAULT 'x', n int NOT NULL DEFAULT 1)")
	rel := tablesByID(t, c)["public.t"].relation()
	if _, err := conn.Exec(t.Context(), "ALTER TABLE public.t DROP v; ALTER TABLE public.t ALTER n TYPE bigint"); err != nil {
		t.Fatal(err)
	}
	l := layoutOf(t, c, rel)
	v, n := l.Table.Columns[1], l.Table.Columns[2]
	if !v.Nullable || v.Default != nil || v.Type.Kind != schema.String {
		t.Errorf("v is %+v", v)
	}
	if n.Nullable || n.Default != nil || n.Type.Kind != schema.Int {
		t.Errorf("n, logged as an integer, is %+v", n)
	}
}

// P11
func TestGeneratedColumnsAreInNeitherSnapshotNorStream(t *testing.T) {
	c, _ := open(t, 18, &Config{}, "CREATE TABLE t (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, thrice int GENERATED ALWAYS AS (id * 3) VIRTUAL, v text)")
	tab := tablesByID(t, c)["public.t"]
	if !slices.Equal(tab.Generated, []string{"twice", "thrice"}) {
		t.Errorf("generated: %q", tab.Generated)
	}
	logged := tab.relation() // publish_generated_columns = stored
	logged.Columns = slices.Insert(logged.Columns, 1, relationColumn{Name: "twice", Type: 23, Mod: -1})
	snapshot, stream := layoutOf(t, c, tab.relation()), layoutOf(t, c, logged)
	for _, l := range []*envelope.Layout{snapshot, stream} {
		if len(l.Table.Columns) != 2 || l.Table.Columns[1].Name != "v" || len(l.Columns) != 2 {
			t.Errorf("columns %+v", l.Table.Columns)
		}
	}
}

// P20, P22
func TestTypesMadeAndChangedWhileRunningAreFound(t *testing.T) {
	c, conn := open(t, 15, &Config{}, "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (m mood)")
	rel := tablesByID(t, c)["public.t"].relation()
	if _, err := conn.Exec(t.Context(), "ALTER TYPE public.mood ADD VALUE 'happy'"); err != nil {
		t.Fatal(err)
	}
	if got := avrotest.Describe(&layoutOf(t, c, rel).Table.Columns[0].Type); got != "string Enum sad,happy" {
		t.Errorf("the enum is %s", got)
	}
	if _, err := conn.Exec(t.Context(), "CREATE DOMAIN public.late AS public.mood[]; CREATE TABLE public.u (l public.late)"); err != nil {
		t.Fatal(err)
	}
	if got := avrotest.Describe(&layoutOf(t, c, tablesByID(t, c)["public.u"].relation()).Table.Columns[0].Type); got != "array string Enum sad,happy" {
		t.Errorf("the domain is %s", got)
	}
	rel.Columns[0].Type = 4_000_000_000 // dropped since
	if got := avrotest.Describe(&layoutOf(t, c, rel).Table.Columns[0].Type); got != "string" {
		t.Errorf("a type that is gone is %s", got)
	}
}

func TestCompatibilityWithDebeziumOmitsWhatItLeavesOutAndSaysSo(t *testing.T) {
	script := "CREATE TYPE pair AS (a int, b int); CREATE TABLE t (id int, p pair, b box, m int4multirange, l pg_lsn, ms money[], p1 point, d interval[])"
	for _, debezium := range []bool{false, true} {
		c, _ := open(t, 15, &Config{Debezium: debezium}, script)
		tab := tablesByID(t, c)["public.t"]
		var omitted []string
		for _, col := range layoutOf(t, c, tab.relation()).Table.Columns {
			if col.Omitted {
				omitted = append(omitted, col.Name)
			}
		}
		want := ""
		if debezium {
			want = "p,b,m,l,ms,d"
		}
		if strings.Join(omitted, ",") != want || len(tab.LeftOut) != len(omitted) {
			t.Errorf("debezium %v: omitted %q, want %q; told %q", debezium, omitted, want, tab.LeftOut)
		}
	}
}

// P12, P13, P63
func TestPartitionsInheritanceAndKindsAreTold(t *testing.T) {
	c, conn := open(t, 15, &Config{}, `
		CREATE TABLE root (id int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
		CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (10);
		CREATE TABLE mother (id int); CREATE TABLE child () INHERITS (mother);
		CREATE UNLOGGED TABLE unlogged (id int); CREATE TEMP TABLE temporary (id int); CREATE VIEW v AS SELECT 1;
		CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
		INSERT INTO mother SELECT generate_series(1, 1000); ANALYZE mother;`)
	tables := tablesByID(t, c)
	root, leaf, mother, child := tables["public.root"], tables["public.leaf"], tables["public.mother"], tables["public.child"]
	if len(tables) != 6 {
		t.Errorf("%d tables", len(tables))
	}
	if root.Kind != 'p' || root.Partition || root.FileNode != 0 || !slices.Equal(root.Key(), []string{"id"}) {
		t.Errorf("root %+v", root)
	}
	if leaf.Kind != 'r' || !leaf.Partition || !slices.Equal(leaf.Parents, []uint32{root.OID}) {
		t.Errorf("leaf %+v", leaf)
	}
	if child.Partition || !slices.Equal(child.Parents, []uint32{mother.OID}) {
		t.Errorf("child %+v", child)
	}
	if mother.Tuples != 1000 || mother.Pages == 0 || mother.Bytes != mother.Pages*8192 || mother.FileNode == 0 {
		t.Errorf("mother %+v", mother)
	}
	if !tables["public.unlogged"].Unlogged || mother.Unlogged {
		t.Error("unlogged tables are not told")
	}
	if tables["public.guarded"].RowSecurity { // a superuser passes it
		t.Error("row security holds for a superuser")
	}
	if _, err := conn.Exec(t.Context(), "SET ROLE pg_monitor"); err != nil {
		t.Fatal(err)
	}
	if tables = tablesByID(t, c); !tables["public.guarded"].RowSecurity || tables["public.mother"].RowSecurity {
		t.Error("row security is not told")
	}
}

// P31
func TestNamesOfEveryKindAreFound(t *testing.T) {
	const odd, kind = `Ta"b.le\é 1'`, `Ki"nd é`
	quote := func(name string) string { return pgx.Identifier{name}.Sanitize() }
	c, conn := open(t, 15, &Config{}, "CREATE SCHEMA "+quote(odd)+"; CREATE TYPE "+quote(odd)+"."+quote(kind)+" AS ENUM ('a''b', 'ü'); CREATE TABLE "+
		quote(odd)+"."+quote(odd)+" ("+quote(odd)+" int PRIMARY KEY, \"123\" "+quote(odd)+"."+quote(kind)+" DEFAULT 'a''b')")
	l := layoutOf(t, c, tablesByID(t, c)[schema.TableID(odd, odd)].relation())
	if l.Table.Schema != odd || l.Table.Columns[0].Name != odd || keyNames(l.Table) != odd {
		t.Errorf("table %+v", l.Table)
	}
	if col := l.Table.Columns[1]; col.Name != "123" || string(col.Default) != `"a'b"` || avrotest.Describe(&col.Type) != "string Enum a'b,ü" {
		t.Errorf("column %+v", col)
	}
	if rows := wireRows(t, conn, l.Table); len(rows) != 0 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestNotNullIsTheColumnsOrItsDomains(t *testing.T) {
	c, _ := open(t, 15, &Config{}, "CREATE DOMAIN needed AS int NOT NULL; CREATE TABLE t (a int, b int NOT NULL, c needed)")
	columns := layoutOf(t, c, tablesByID(t, c)["public.t"].relation()).Table.Columns
	for i, nullable := range []bool{true, false, false} {
		if columns[i].Nullable != nullable {
			t.Errorf("%s: nullable is %v", columns[i].Name, columns[i].Nullable)
		}
	}
	if columns[0].SourceType != "integer" || columns[2].SourceType != "public.needed" {
		t.Errorf("types %q, %q", columns[0].SourceType, columns[2].SourceType)
	}
}
