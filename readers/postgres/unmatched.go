package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"rdip/configs"
	"rdip/internal/fault"
)

// tableNamesSQL names what relationsSQL lists.
const tableNamesSQL = `
SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence IN ('p', 'u') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`

// unmatchedFindings are the expressions of the lists of schemas and tables that match none of the database's, and those
// of the snapshot's keys and the replica identities that match no captured table.
func (c *Config) unmatchedFindings(ctx context.Context, q querier, want *captured) ([]fault.Finding, error) {
	var schemas []string
	tables, err := gather(ctx, q, "list tables", func(row pgx.CollectableRow) (string, error) {
		var schema, name string
		err := row.Scan(&schema, &name)
		schemas = append(schemas, schema)
		return schema + "." + name, err
	}, tableNamesSQL)
	if err != nil {
		return nil, err
	}
	schemas = slices.Compact(schemas)
	const table = "schema.table"
	fs := slices.Concat(c.SchemaInclude.Unmatched("schema.include.list", "schema", schemas), c.SchemaExclude.Unmatched("schema.exclude.list", "schema", schemas),
		c.TableInclude.Unmatched("table.include.list", table, tables), c.TableExclude.Unmatched("table.exclude.list", table, tables))
	fs = append(fs, c.unmatchedIdentities(want)...)
	var taken []string
	for _, u := range want.units {
		taken = append(taken, u.Schema+"."+u.Name)
	}
	fs = append(fs, c.SnapshotInclude.Unmatched("snapshot.include.collection.list", table, taken)...)
	for _, p := range c.priorities() {
		fs = append(fs, p.tables.Unmatched("snapshot.priority."+p.tables.String(), table, taken)...)
	}
	return fs, nil
}

// unmatchedIdentities are the expressions of replica.identity.autoset.values that give no captured table an identity.
func (c *Config) unmatchedIdentities(want *captured) []fault.Finding {
	all, err := parseIdentities(c.Identities)
	if err != nil {
		return nil // the configuration is refused
	}
	var ids []string
	for _, t := range want.leaves() {
		ids = append(ids, t.ID())
	}
	var fs []fault.Finding
	for _, w := range all {
		if p, err := configs.ParsePatterns(w.source); err == nil {
			fs = append(fs, p.Unmatched("replica.identity.autoset.values", "schema.table", ids)...)
		}
	}
	return fs
}
