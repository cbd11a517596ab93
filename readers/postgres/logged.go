package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// publishedSchemasSQL is of 15 and later: FOR TABLES IN SCHEMA.
const publishedSchemasSQL = `
SELECT n.nspname, 'schema ' || s.oid
FROM pg_publication_namespace s
JOIN pg_publication p ON p.oid = s.pnpubid
JOIN pg_namespace n ON n.oid = s.pnnspid
WHERE p.pubname = $1::text`

// logged is what has each captured table published, now that all are: whoever takes a table out of the publication and puts
// it back makes another entry (P58).
func (o *opening) logged(ctx context.Context) (map[string]string, error) {
	pub, err := o.pub, error(nil)
	if o.altered {
		pub, err = readPublication(ctx, o.sql, o.cfg.PublicationName)
	}
	if pub == nil || err != nil {
		return nil, err
	}
	schemas := map[string]string{}
	if o.server.major() >= 15 {
		_, err = gather(ctx, o.sql, "read publication", func(row pgx.CollectableRow) (struct{}, error) {
			var name, entry string
			err := row.Scan(&name, &entry)
			schemas[name] = entry
			return struct{}{}, err
		}, publishedSchemasSQL, o.cfg.PublicationName)
	}
	entries := map[string]string{}
	for _, u := range o.want.units {
		entry := pub.Tables[u.ID()].Entry
		if entry == "" {
			entry = schemas[u.table.Schema]
		}
		entries[u.ID()] = entry
	}
	return entries, err
}
