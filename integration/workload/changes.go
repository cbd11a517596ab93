package workload

import (
	"context"
	"fmt"
	"math/rand/v2"

	"rdip/integration/judge"
)

// column is one that a writer has added to a table; nobody else writes it.
type column struct {
	table, name string // "" for none
	renames     int
	wide        bool // bigint, no longer int
}

// changed are the tables whose schema changes: with one key column and with two, and with the whole row as the
// replica identity.
var changed = []string{"single", "composite", "audited"}

// change is one change of the schema, and the column as it is then: added, renamed, retyped (which rewrites the
// table), dropped.
func (c column) change(random *rand.Rand, name string) ([]string, column) {
	if c.name == "" {
		c = column{table: changed[random.IntN(len(changed))], name: name}
		return []string{fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s int", c.table, c.name)}, c
	}
	switch kind := random.IntN(3); {
	case kind == 0 && c.renames < 2:
		was := c.name
		c.renames++
		c.name = fmt.Sprintf("%s__%d", judge.Lineage(was), c.renames)
		return []string{fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", c.table, was, c.name)}, c
	case kind == 1 && !c.wide:
		c.wide = true
		return []string{fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s TYPE bigint", c.table, c.name), rewritten(c.table)}, c
	default:
		return []string{fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s", c.table, c.name)}, column{}
	}
}

// update writes the column.
func (c column) update(note string, id int) string {
	return fmt.Sprintf("UPDATE %s SET version = nextval('versions'), note = '%s', %s = %d WHERE id = %d", c.table, note, c.name, id, id)
}

// rewritten notes that a table's file is another one from now on (P69).
func rewritten(table string) string {
	return fmt.Sprintf("INSERT INTO history(tbl, op, tx) VALUES ('%s', 'R', pg_current_xact_id()::text::bigint)", table)
}

// rewrite gives one table a new file, with its rows in other places.
func (w *writer) rewrite(ctx context.Context) error {
	table := []string{"single", "composite", "audited", "wide", "keyless"}[w.random.IntN(5)]
	sql := "VACUUM FULL " + table
	if w.random.IntN(2) == 0 && table != "keyless" {
		sql = fmt.Sprintf("CLUSTER %s USING %s_pkey", table, table)
	}
	if _, err := w.conn.Exec(ctx, rewritten(table)); err != nil {
		return w.failed(ctx, table, err)
	}
	if _, err := w.conn.Exec(ctx, sql); err != nil {
		return w.failed(ctx, sql, err)
	}
	w.rewrites.Add(1)
	return nil
}

// truncate empties the table whose records are all in one partition, where a TRUNCATE has its place among them (P14),
// and fills it again; now and then only below a savepoint.
func (w *writer) truncate(ctx context.Context) error {
	statements := []string{"BEGIN", w.statement("committed")}
	takenBack := w.random.IntN(3) == 0
	if takenBack {
		statements = append(statements, "SAVEPOINT s", "TRUNCATE keyless",
			fmt.Sprintf("INSERT INTO keyless SELECT nextval('keyless_ids'), nextval('versions'), '%s' FROM generate_series(1, 5)", judge.RolledBack), "ROLLBACK TO s")
	} else {
		statements = append(statements, "TRUNCATE keyless")
	}
	statements = append(statements, "INSERT INTO keyless SELECT nextval('keyless_ids'), nextval('versions'), 'again' FROM generate_series(1, 60)", w.statement("committed"))
	committed, err := w.execute(ctx, statements, true)
	if committed && !takenBack {
		w.truncates.Add(1)
	}
	return err
}

// largeTransaction changes many rows at once: it makes some, changes and removes a part of them, and removes what the
// one before it has left.
func (w *writer) largeTransaction(ctx context.Context) error {
	n := w.options.Rows / 2
	first := 10_000_000*(w.number+1) + w.done*w.options.Rows
	statements := []string{"BEGIN",
		fmt.Sprintf("INSERT INTO single(id, version, note, amount) SELECT %d + i, nextval('versions'), 'large', i FROM generate_series(1, %d) i", first, n),
		"SAVEPOINT s", fmt.Sprintf("UPDATE single SET note = '%s' WHERE id BETWEEN %d AND %d", judge.RolledBack, first, first+n/10), "ROLLBACK TO s",
		fmt.Sprintf("UPDATE single SET version = nextval('versions'), amount = amount + 1 WHERE id BETWEEN %d AND %d", first+1, first+n/4),
		fmt.Sprintf("INSERT INTO keyless SELECT nextval('keyless_ids'), nextval('versions'), 'large' FROM generate_series(1, %d)", n/8),
		"DELETE FROM keyless WHERE note = 'large'",
		fmt.Sprintf("DELETE FROM single WHERE id BETWEEN %d AND %d", first+1, first+n/4)}
	if w.kept > 0 {
		statements = append(statements, fmt.Sprintf("DELETE FROM single WHERE id BETWEEN %d AND %d", w.kept, w.kept+n))
	}
	committed, err := w.execute(ctx, statements, true)
	if committed {
		w.kept = first
		w.large.Add(1)
	}
	return err
}
