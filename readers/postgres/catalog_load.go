package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"rdip/internal/fault"
	"rdip/readers/postgres/types"
)

// tables is the chosen tables as they are now, ordered by schema and name. A partitioned table and its
// partitions are each there when they are chosen, and so are unlogged tables: which of them are read is for
// the caller to say (table.Kind, Partition, Unlogged).
func (c *catalog) tables(ctx context.Context) ([]*table, error) {
	all, err := c.relations(ctx, relationsSQL+relationOrderSQL)
	if err != nil {
		return nil, err
	}
	var chosen []*table
	for _, t := range all {
		if c.filter.captured(t.Schema, t.Name) {
			chosen = append(chosen, t)
		}
	}
	if err := c.fill(ctx, chosen); err != nil {
		return nil, err
	}
	c.types.Forget()
	for _, t := range chosen {
		if err := c.noteLosses(ctx, t); err != nil {
			return nil, err
		}
	}
	return chosen, nil
}

// table is the table of that OID as it is now, nil where there is none.
func (c *catalog) table(ctx context.Context, oid uint32) (*table, error) {
	found, err := c.relations(ctx, relationsSQL+" AND c.oid = $1", oid)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], c.fill(ctx, found)
}

func (c *catalog) relations(ctx context.Context, sql string, args ...any) ([]*table, error) {
	return gather(ctx, c.q, "list tables", func(row pgx.CollectableRow) (*table, error) {
		var t table
		var kind, identity, persistence string
		err := row.Scan(&t.OID, &t.Schema, &t.Name, &kind, &identity, &persistence, &t.Partition, &t.Parents,
			&t.Pages, &t.Tuples, &t.Bytes, &t.FileNode, &t.RowSecurity, &t.LogsGenerated)
		if err == nil {
			t.Kind, t.Identity, t.Unlogged = kind[0], identity[0], persistence == "u"
		}
		return &t, err
	}, sql, args...)
}

// fill reads columns and keys of tables.
func (c *catalog) fill(ctx context.Context, tables []*table) error {
	byOID := make(map[uint32]*table, len(tables))
	oids := make([]uint32, len(tables))
	for i, t := range tables {
		byOID[t.OID], oids[i] = t, t.OID
	}
	if err := c.fillColumns(ctx, byOID, oids); err != nil {
		return err
	}
	return c.fillKeys(ctx, byOID, oids)
}

func (c *catalog) fillColumns(ctx context.Context, byOID map[uint32]*table, oids []uint32) error {
	_, err := gather(ctx, c.q, "read columns", func(row pgx.CollectableRow) (struct{}, error) {
		var oid uint32
		var generated string // pg_attribute.attgenerated
		var col column
		err := row.Scan(&oid, &col.Name, &col.Type, &col.Mod, &col.NotNull, &generated, &col.TypeName, &col.Default, &col.Dimensions)
		switch t := byOID[oid]; {
		case err != nil || t == nil:
		case generated != "":
			t.Generated = append(t.Generated, col.Name)
			t.Virtual = t.Virtual || generated == "v"
		default:
			t.Columns = append(t.Columns, col)
		}
		return struct{}{}, err
	}, columnsSQL, oids)
	return err
}

func (c *catalog) fillKeys(ctx context.Context, byOID map[uint32]*table, oids []uint32) error {
	_, err := gather(ctx, c.q, "read keys", func(row pgx.CollectableRow) (struct{}, error) {
		var oid uint32
		var primary, identity bool
		var names []string
		err := row.Scan(&oid, &primary, &identity, &names)
		if t := byOID[oid]; err == nil && t != nil {
			if primary {
				t.PrimaryKey = names
			}
			if identity {
				t.IdentityIndex = names
			}
		}
		return struct{}{}, err
	}, keysSQL, oids)
	return err
}

// noteLosses names the columns whose type keeps them, or a part of their values, out of the records.
func (c *catalog) noteLosses(ctx context.Context, t *table) error {
	for _, col := range t.Columns {
		f, err := c.types.Form(ctx, col.Type, col.Mod, col.Dimensions)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("column %s of type %s: ", col.Name, col.TypeName)
		if why := omission(&f, c.cfg.Debezium); why != "" {
			t.LeftOut = append(t.LeftOut, name+why)
		} else if f.Loss.Seen != "" {
			t.Losses = append(t.Losses, types.Loss{Seen: name + f.Loss.Seen, Fix: f.Loss.Fix})
		}
	}
	return nil
}

// omission says why a column is in no record, "" where it is.
func omission(f *types.Form, debezium bool) string {
	if debezium && f.Foreign {
		return "left out, as Debezium does (compatibility: debezium)"
	}
	return ""
}

// gather reads every row of a query.
func gather[T any](ctx context.Context, q querier, op string, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err == nil {
		var out []T
		if out, err = pgx.CollectRows(rows, scan); err == nil {
			return out, nil
		}
	}
	return nil, &fault.Error{Op: op, Object: "system catalog", Cause: err, Hint: lockHint(err)}
}
