package postgres

import (
	"strings"
	"testing"

	"rdip/configs"
	"rdip/internal/fault"
)

// A table that is left out because of a slip of the pen is missing in Kafka without a word.
func TestACheckWarnsOfExpressionsThatMatchNoTable(t *testing.T) {
	s := onServer(t, 15, "CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE items (id int PRIMARY KEY); CREATE SCHEMA shop; CREATE TABLE shop.carts (id int PRIMARY KEY)")
	for name, c := range map[string]struct {
		set  func(c *Config, p configs.Patterns)
		list string
		want []string // parts of the warnings, each of one
	}{
		"all match":                    {func(c *Config, p configs.Patterns) { c.TableInclude = p }, `public\.orders,PUBLIC\.items,shop\..*`, nil},
		"one table is misspelt":        {func(c *Config, p configs.Patterns) { c.TableInclude = p }, `public\.items,public\.ordres`, []string{"table.include.list: the expression public\\.ordres matches no table that an earlier one does not; needed: expressions that match the whole of schema.table; the nearest is public.orders; fix: write public\\.orders"}},
		"the schema is missing":        {func(c *Config, p configs.Patterns) { c.TableInclude = p }, `public\.items,orders`, []string{"the nearest is public.orders"}},
		"one is covered by an earlier": {func(c *Config, p configs.Patterns) { c.TableInclude = p }, `public\..*,public\.items`, []string{`public\.items matches no table that an earlier one does not`}},
		"a table that is left out":     {func(c *Config, p configs.Patterns) { c.TableExclude = p }, `public\.item`, []string{"table.exclude.list: the expression public\\.item matches", "fix: write public\\.items"}},
		"a schema":                     {func(c *Config, p configs.Patterns) { c.SchemaExclude = p }, `shopp`, []string{"schema.exclude.list: the expression shopp matches no schema", "fix: write shop"}},
		"what the snapshot reads":      {func(c *Config, p configs.Patterns) { c.SnapshotInclude = p }, `public\.orders,public\.item`, []string{"snapshot.include.collection.list: the expression public\\.item matches"}},
		"a replica identity":           {func(c *Config, _ configs.Patterns) { c.Identities = `public\.orders:FULL,public\.item:DEFAULT` }, "", []string{"replica.identity.autoset.values: the expression public\\.item matches", "fix: write public\\.items"}},
	} {
		t.Run(name, func(t *testing.T) {
			of := *s
			c.set(&of.cfg, patterns(t, c.list))
			var found []string
			for _, f := range of.reader(t).Check(t.Context()) {
				if f.Severity == fault.Warning && strings.Contains(f.Seen, "the expression") {
					found = append(found, f.String())
				}
			}
			text := strings.Join(found, "\n")
			if len(found) != min(1, len(c.want)) {
				t.Fatalf("found %q", found)
			}
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in %s", want, text)
				}
			}
		})
	}
}
