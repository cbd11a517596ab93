package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"rdip/envelope"
	"rdip/internal/fault"
)

// override is the SELECT whose rows stand for a table's in snapshots, "" for none. A statement counts where
// snapshot.select.statement.overrides names its table, as in Debezium (getSnapshotSelectOverridesByTable).
func (c *Config) override(t *table) string {
	for _, name := range c.SnapshotOverrides {
		if name == t.ID() || name == t.Schema+"."+t.Name {
			return strings.TrimRight(strings.TrimSpace(c.SnapshotStatements[name]), "; \n")
		}
	}
	return ""
}

// predicate is the SQL condition that rows of a table satisfy to be captured at all, in snapshot and stream; ""
// for none. table is schema.table, as schema.Table.ID gives it.
func (c *Config) predicate(table string) string { return c.RowFilters[table] }

// rows is which rows of a table are read, where asked is a predicate of one snapshot, "" for none.
func (c *Config) rows(t *table, asked string) rowChoice {
	return rowChoice{where: both(c.predicate(t.ID()), asked), override: c.override(t)}
}

// both is the conjunction of two predicates, each of which may be "".
func both(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	default:
		return "(" + a + "\n) AND (" + b + "\n)"
	}
}

// overrideSQL is the statement's rows in the layout's columns, each cast to its type, so that its text is what
// the log would have, behind those of lead, which are some of them. more is a condition besides the part's own, "" for none.
func (p *part) overrideSQL(layout *envelope.Layout, lead []int, more string) string {
	all := columnNames(layout)
	for i := range all {
		all[i] += "::" + layout.Table.Columns[i].SourceType
	}
	columns := make([]string, 0, len(lead)+len(all))
	for _, i := range lead {
		columns = append(columns, all[i])
	}
	columns = append(columns, all...)
	sql := fmt.Sprintf("SELECT %s FROM (%s\n) AS %s", strings.Join(columns, ", "), p.rows.override, quoteIdentifier(p.leaf.Name))
	if where := both(p.rows.where, more); where != "" {
		sql += " WHERE (" + where + "\n)"
	}
	return sql
}

// checkOverride asks the server which columns a statement has. A column of the table that it lacks would be lost
// without a word.
func checkOverride(ctx context.Context, conn *pgx.Conn, layout *envelope.Layout, statement string) error {
	key := "snapshot.select.statement.overrides." + layout.Table.Schema + "." + layout.Table.Name
	refuse := func(cause error) error {
		return &fault.Error{Kind: fault.Configuration, Op: "plan the snapshot of", Object: "table " + layout.Table.ID(), Cause: cause, Permanent: true,
			Hint: key + ": a SELECT with every column of the table by its name, such as SELECT * FROM " + quoteTable(layout.Table.Schema, layout.Table.Name) + " WHERE ..."}
	}
	described, err := conn.PgConn().Prepare(ctx, "", "SELECT * FROM ("+statement+"\n) AS rows", nil)
	if err != nil && (ctx.Err() != nil || conn.IsClosed()) {
		return serverFault("plan the snapshot of", "table "+layout.Table.ID(), err)
	}
	if err != nil {
		return refuse(serverCause(err))
	}
	for _, col := range layout.Table.Columns {
		has := func(f string) bool { return f == col.Name }
		if !slices.ContainsFunc(fieldNames(described), has) {
			return refuse(fmt.Errorf("the statement lacks column %s; it has %s", quoteIdentifier(col.Name), strings.Join(fieldNames(described), ", ")))
		}
	}
	return nil
}
