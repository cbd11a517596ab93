package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"rdip/internal/fault"
)

// unpublishedSQL lists the permanent tables that the publication does not name.
const unpublishedSQL = `
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_publication_tables t
    WHERE t.pubname = $1::text AND t.schemaname = n.nspname AND t.tablename = c.relname)`

// uncovered are the chosen tables of which the log carries nothing, since the publication has not them: they were
// made after the start, or took the name of one that was renamed or dropped, of which no message of the log
// tells (P19). Without a publication there is nothing to say yet.
func uncovered(ctx context.Context, q querier, cfg *Config) ([]fault.Finding, error) {
	p, err := readPublication(ctx, q, cfg.PublicationName)
	if p == nil || err != nil || p.AllTables {
		return nil, err
	}
	names, err := gather(ctx, q, "look for tables that are not published", func(row pgx.CollectableRow) ([2]string, error) {
		var n [2]string
		err := row.Scan(&n[0], &n[1])
		return n, err
	}, unpublishedSQL, cfg.PublicationName)
	c := newCatalog(cfg, q)
	if err != nil || !slices.ContainsFunc(names, func(n [2]string) bool { return c.filter.captured(n[0], n[1]) }) {
		return nil, err
	}
	want, err := c.capture(ctx, cfg.PublicationViaRoot)
	if err != nil {
		return nil, err
	}
	var fs []fault.Finding
	for _, t := range p.missing(want) {
		fs = append(fs, fault.Finding{Severity: fault.Warning, Kind: fault.Preflight, Where: "table " + t.ID(), Case: "P19",
			Seen: fmt.Sprintf("it is captured, and the %s has it not: it was made after the start, took the name of another table, or was taken out", publicationObject(cfg.PublicationName)),
			Need: "every captured table in the publication: of this one nothing is delivered", Fix: cfg.coverFix(p, t)})
	}
	return fs, nil
}

// coverFix is how a table comes into the publication; its rows are read once the connector starts again.
func (c *Config) coverFix(p *publication, t *table) string {
	if c.mends(p) {
		return "rdip restart CONNECTOR, which adds it and reads its rows"
	}
	return c.addTablesSQL([]*table{t}) + "; then rdip restart CONNECTOR, which reads its rows"
}
