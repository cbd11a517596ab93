package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"rdip/internal/fault"
)

// A slot that is made while a table is altered may decode with the definition from before, for good: the column is in
// the catalog, the rows carry it, and the server leaves it out without a word (seen with pgoutput and test_decoding on
// PostgreSQL 18.6). So what a Relation message lacks of the catalog is noted with the end of the log at that moment: the
// change of the table that made the column lies before it, and every row behind it has to come after a newer message.

// outdatedSQL: the end of the log, and whether the publication has a column list for the table. to_jsonb, since 14 has
// no column lists.
const outdatedSQL = `
SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END - '0/0')::bigint,
	EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
		WHERE p.pubname = $1::text AND r.prrelid = $2::oid AND to_jsonb(r) ->> 'prattrs' IS NOT NULL)`

// behind is what a relation of the log lacks of the catalog's table.
type behind struct {
	place   uint64 // no row at or behind it may be read so; 0: nothing is lacking
	columns []string
}

// behind compares a relation with the table that was read of the catalog before.
func (c *catalog) behind(ctx context.Context, rel *relation, now *table) (b behind, err error) {
	for i := range now.Columns {
		name := now.Columns[i].Name
		if !slices.ContainsFunc(rel.Columns, func(rc relationColumn) bool { return rc.Name == name }) {
			b.columns = append(b.columns, name)
		}
	}
	if len(b.columns) == 0 {
		return behind{}, nil
	}
	_, err = gather(ctx, c.q, "read the end of the log", func(row pgx.CollectableRow) (struct{}, error) {
		var place int64
		var listed bool
		err := row.Scan(&place, &listed)
		if !listed {
			b.place = uint64(place)
		}
		return struct{}{}, err
	}, outdatedSQL, c.cfg.PublicationName, rel.OID)
	return b, err
}

// outdated is the refusal of a row that the server has decoded with a definition that is no longer the table's.
func (d *decoder) outdated(place uint64, s *relationState) error {
	b := &s.relation.behind
	return &fault.Error{Kind: fault.PositionLost, Op: "decode the log", Object: fmt.Sprintf("of table %s at %s", s.name(), lsnText(place)), Permanent: true,
		Cause: fmt.Errorf("the server leaves out the column %s, which the table has had since before %s: slot %q was made while the table was altered, and PostgreSQL decodes with the definition from before",
			strings.Join(b.columns, ", "), lsnText(b.place), d.slot),
		Hint: "begin anew, with a slot that is made while nobody alters tables: rdip offsets reset CONNECTOR --drop-slot --config FILE"}
}
