package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"rdip/envelope"
	"rdip/readers/postgres/types"
	"rdip/schema"
)

// layout is how rows of a relation are read: names, types and modifiers as the log has them, the rest as the
// catalog has it now: NOT NULL, defaults, the key. A column that the catalog no longer has is nullable
// without a default, and so is every column of a table that was dropped since. Generated columns, which the
// log has from PostgreSQL 18 on when asked to, are in no layout (P11).
func (c *catalog) layout(ctx context.Context, rel *relation) (*envelope.Layout, error) {
	c.types.Forget()
	now, err := c.table(ctx, rel.OID)
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = &table{}
	}
	if rel.behind, err = c.behind(ctx, rel, now); err != nil {
		return nil, err
	}
	l := &envelope.Layout{
		Table:        &schema.Table{Database: c.cfg.Database, Schema: rel.Schema, Name: rel.Name, OID: uint64(rel.OID)},
		Source:       c.cfg.sourceEncoder(rel.Schema, rel.Name),
		SourceSchema: sourceSchema,
	}
	carried := carriedColumns(rel, now)
	names, err := c.typeNames(ctx, carried)
	if err != nil {
		return nil, err
	}
	for i, rc := range carried {
		if err := c.addColumn(ctx, l, rc, now.column(rc), names[i]); err != nil {
			return nil, err
		}
	}
	l.Table.Key = keyOf(rel, now, l.Table.Columns)
	l.Table.Before = oldRow(rel, now)
	return l, nil
}

// carriedColumns is the relation's columns without the generated ones.
func carriedColumns(rel *relation, now *table) []relationColumn {
	return slices.DeleteFunc(slices.Clone(rel.Columns), func(rc relationColumn) bool {
		return slices.Contains(now.Generated, rc.Name)
	})
}

// column is the catalog's column of the same name, nil where there is none.
func (t *table) column(rc relationColumn) *column {
	for i := range t.Columns {
		if t.Columns[i].Name == rc.Name {
			return &t.Columns[i]
		}
	}
	return nil
}

func (c *catalog) addColumn(ctx context.Context, l *envelope.Layout, rc relationColumn, now *column, typeName string) error {
	dimensions, expression := 0, ""
	if now != nil {
		dimensions, expression = now.Dimensions, now.Default
	}
	f, err := c.types.Form(ctx, rc.Type, rc.Mod, dimensions)
	if err != nil {
		return err
	}
	absent, err := c.types.Absent(ctx, rc.Type, &f)
	if err != nil {
		return err
	}
	notNull := now != nil && now.NotNull
	col := schema.Column{
		Name: rc.Name, SourceType: typeName, Type: f.Type,
		Nullable: !notNull || f.Optional, NotNull: notNull,
		Omitted: omission(&f, c.cfg.Debezium) != "",
		Zero:    f.Zero(), Absent: absent,
	}
	if err := c.types.Describe(ctx, &col, rc.Type, rc.Mod, expression); err != nil {
		return err
	}
	if now != nil && now.Type == rc.Type && now.Mod == rc.Mod {
		clause := types.Default{Column: now.Name, Expression: expression, TypeName: now.TypeName}
		if col.DefaultValue, col.Default, err = c.types.Default(ctx, clause, &f); err != nil {
			return err
		}
	}
	l.Table.Columns = append(l.Table.Columns, col)
	l.Columns = append(l.Columns, f.Encode)
	return nil
}

// keyOf is the columns of the catalog's key. Where the catalog has no answer that fits the log's columns, or
// the key was changed since (P8), it is the columns flagged in the log, unless all are because the identity is
// FULL (P9): the old rows of that time have no other columns. A key with a generated column is none, and not
// what is left of it: other rows may have the same (P11).
func keyOf(rel *relation, now *table, columns []schema.Column) []int {
	identified := *now
	identified.Identity = rel.Identity
	key, ok := indexesOf(identified.Key(), columns)
	if rel.Identity == 'f' || len(identified.identityGenerated()) > 0 {
		return key
	}
	if flagged := rel.flagged(); !ok || len(flagged) > 0 && !sameNames(flagged, identified.Key()) {
		key, _ = indexesOf(flagged, columns)
	}
	return key
}

// flagged is the columns of the replica identity as the log has it; none where a catalog's table was made a
// relation.
func (r *relation) flagged() []string {
	var names []string
	for _, rc := range r.Columns {
		if rc.Key {
			names = append(names, rc.Name)
		}
	}
	return names
}

func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// indexesOf finds columns by name; ok says that the catalog named a key and that all of it is there.
func indexesOf(names []string, columns []schema.Column) (key []int, ok bool) {
	for _, name := range names {
		i := slices.IndexFunc(columns, func(col schema.Column) bool { return col.Name == name })
		if i < 0 {
			return nil, false
		}
		key = append(key, i)
	}
	return key, len(key) > 0
}

// oldRow is what the log carries of old rows under the identity that the relation was logged with.
func oldRow(rel *relation, now *table) schema.Before {
	identified := *now
	identified.Identity = rel.Identity
	before := identified.OldRow()
	flagged := slices.ContainsFunc(rel.Columns, func(rc relationColumn) bool { return rc.Key })
	if before == schema.BeforeNothing && flagged {
		return schema.BeforeKey // the catalog has dropped the key since
	}
	return before
}

// typeNames is format_type of each column.
func (c *catalog) typeNames(ctx context.Context, columns []relationColumn) ([]string, error) {
	oids, mods := make([]uint32, len(columns)), make([]int32, len(columns))
	for i, rc := range columns {
		oids[i], mods[i] = rc.Type, rc.Mod
	}
	return gather(ctx, c.q, "name types", pgx.RowTo[string], formatTypeSQL, oids, mods)
}
