package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rdip/internal/fault"
	"rdip/schema"
)

// firstWithRowFilters is the first version whose publications have row filters.
const firstWithRowFilters = 15

// filteredList names tables for a publication, each with its row filter.
func (c *Config) filteredList(tables []*table) string {
	parts := make([]string, len(tables))
	for i, t := range tables {
		parts[i] = tableList([]*table{t})
		if p := c.predicate(t.ID()); p != "" {
			parts[i] += " WHERE (" + p + "\n)"
		}
	}
	return strings.Join(parts, ", ")
}

// refilterSQL gives a published table the configured filter.
func (c *Config) refilterSQL(t *table) string {
	return fmt.Sprintf("ALTER PUBLICATION %s DROP TABLE %s; ALTER PUBLICATION %[1]s ADD TABLE %[3]s", quoteIdentifier(c.PublicationName),
		tableList([]*table{t}), c.filteredList([]*table{t}))
}

// rowFilterFindings judges row.filter.*: a filter that the server cannot have, that would make it refuse the
// application's own UPDATEs, or that differs from the publication's (P59). The server parses predicates and
// executes nothing.
func (c *Config) rowFilterFindings(ctx context.Context, conn *pgx.Conn, s *server, want *captured, pub *publication) ([]fault.Finding, error) {
	var fs []fault.Finding
	for _, name := range slices.Sorted(maps.Keys(c.RowFilters)) {
		key := "row.filter." + name
		add := func(seen, need, fix string) {
			fs = append(fs, fault.Finding{Kind: fault.Preflight, Where: key, Seen: seen, Need: need, Fix: fix, Case: "P59"})
		}
		at := slices.IndexFunc(want.units, func(u *unit) bool { return u.ID() == name })
		switch {
		case s.major() < firstWithRowFilters:
			add(fmt.Sprintf("PostgreSQL %d: its publications have no row filters", s.major()), "PostgreSQL 15 or later", "remove "+key+", or choose rows downstream")
		case at < 0:
			add("no captured table has this name", "a captured table, as schema.table; a partitioned one with publish.via.partition.root: true", "remove "+key+", or name a table")
		case c.PublicationMode == PublicationAllTables:
			add("publication.autocreate.mode is all_tables, and such a publication has no row filters", "a publication of named tables", "publication.autocreate.mode: filtered")
		case want.units[at].published != want.units[at].table:
			add("rows of this partition are published through table "+want.units[at].published.ID(), "a filter on that table", "publish.via.partition.root: true and row.filter."+want.units[at].published.ID())
		default:
			more, err := c.rowFilterFinding(ctx, conn, want.units[at], pub)
			if err != nil {
				return fs, err
			}
			fs = append(fs, more...)
		}
	}
	return fs, nil
}

func (c *Config) rowFilterFinding(ctx context.Context, conn *pgx.Conn, u *unit, pub *publication) ([]fault.Finding, error) {
	name, p := u.ID(), c.predicate(u.ID())
	find := func(seen, need, fix string) []fault.Finding {
		return []fault.Finding{{Kind: fault.Preflight, Where: "row.filter." + name, Seen: seen, Need: need, Fix: fix, Case: "P59"}}
	}
	var bad *fault.Error
	if err := checkPredicate(ctx, conn, u, p); errors.As(err, &bad) && bad.Kind == fault.Configuration {
		return find(bad.Cause.Error(), "one condition on the table's columns", bad.Hint), nil
	} else if err != nil {
		return nil, err
	}
	var refused *pgconn.PgError
	for _, leaf := range u.leaves {
		if leaf.OldRow() != schema.BeforeKey {
			continue
		}
		columns := make([]string, len(leaf.Key()))
		for i, k := range leaf.Key() {
			columns[i] = quoteIdentifier(k)
		}
		kept := fmt.Sprintf("(SELECT %s FROM ONLY %s) AS %s", strings.Join(columns, ", "), quoteTable(leaf.Schema, leaf.Name), quoteIdentifier(u.Name))
		if _, err := conn.PgConn().Prepare(ctx, "", "SELECT FROM "+kept+" WHERE ("+p+"\n)", nil); errors.As(err, &refused) {
			return find("it uses columns outside the replica identity ("+strings.Join(leaf.Key(), ", ")+"): once it is published, PostgreSQL refuses every UPDATE and DELETE of the table, the application's own too",
				"columns of the replica identity only", "ALTER TABLE "+quoteTable(leaf.Schema, leaf.Name)+" REPLICA IDENTITY FULL"), nil
		} else if err != nil {
			return nil, serverFault("parse", "row.filter."+name, err)
		}
	}
	published, named := publishedTable{}, false
	if pub != nil {
		published, named = pub.Tables[name]
	}
	if named {
		if same, err := sameFilter(ctx, conn, u.table, p, published.Filter); err != nil || same {
			return nil, err
		}
	}
	if why, err := c.publishable(ctx, conn, u.table); err != nil || why != "" {
		return find("PostgreSQL refuses it as a row filter: "+why, "only columns, constants, and functions, operators and types of PostgreSQL's own that give the same at any time", "change row.filter."+name+", or choose rows downstream"), err
	}
	if !named {
		return nil, nil // it is added with the filter
	}
	has := "the publication has the table without a filter"
	if published.Filter != "" {
		has = "the publication's filter is " + published.Filter
	}
	return find(has, "the same filter in both, or the stream has other rows than the snapshot", c.refilterSQL(u.table)), nil
}

// tryLock is how long a publication that is tried may wait for its table: less than deadlock_timeout, past which a
// waiter ends an autovacuum.
const tryLock = "200ms"

// publishable is why the server would not publish a table with its filter, "" where it would. For it a publication is
// made in a transaction that is rolled back. Where that cannot be tried (the role may make none, a standby, somebody
// alters the table) nothing is said: it shows when the publication is made.
func (c *Config) publishable(ctx context.Context, conn *pgx.Conn, t *table) (why string, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return "", serverFault("begin", "row filter", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	sql := fmt.Sprintf("SET LOCAL lock_timeout = '%s'; CREATE PUBLICATION %s FOR TABLE %s WITH (publish_via_partition_root = %t)",
		tryLock, quoteIdentifier("rdip check "+c.SlotName), c.filteredList([]*table{t}), c.PublicationViaRoot)
	var refused *pgconn.PgError
	_, err = tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	switch {
	case err == nil:
		return "", nil
	case !errors.As(err, &refused):
		return "", serverFault("try", "row filter", err)
	case refused.Code == stateNotSupported:
		return strings.TrimSpace(refused.Message + ". " + refused.Detail), nil // about the expression: it has no row's data
	default:
		return "", nil
	}
}

// sameFilter says whether a predicate is the one that a publication has, in the server's own spelling of both. For
// it a temporary table with the predicate as its CHECK is made in a transaction that is rolled back; a standby
// makes none, and there the texts are compared.
func sameFilter(ctx context.Context, conn *pgx.Conn, t *table, predicate, published string) (bool, error) {
	if published == "" || predicate == published {
		return published != "", nil
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return false, serverFault("begin", "row filter", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	scratch := quoteTable("pg_temp", t.Name) // the predicate may name the table
	create := fmt.Sprintf("CREATE TABLE %s (LIKE %s, CHECK (%s\n))", scratch, quoteTable(t.Schema, t.Name), predicate)
	var refused *pgconn.PgError
	if _, err := tx.Exec(ctx, create, pgx.QueryExecModeSimpleProtocol); errors.As(err, &refused) {
		return false, nil // no privilege for it, or a standby
	} else if err != nil {
		return false, serverFault("compare", "row filter", err)
	}
	var spelled string
	err = tx.QueryRow(ctx, "SELECT pg_catalog.pg_get_expr(conbin, conrelid) FROM pg_catalog.pg_constraint WHERE conrelid = $1::text::pg_catalog.regclass AND contype = 'c'", scratch).Scan(&spelled)
	if err != nil {
		return false, serverFault("compare", "row filter", err)
	}
	return spelled == published, nil
}
