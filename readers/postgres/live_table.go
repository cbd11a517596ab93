package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"rdip/envelope"
	"rdip/internal/fault"
)

// liveTable is a captured table as the catalog had it when it was looked up. It is immutable.
type liveTable struct {
	unit     *unit
	layout   *envelope.Layout
	shape    string // what the catalog said of its columns and keys, as shapeSQL gives it
	rowBytes int64  // of a row on average, an estimate; 0 where it is not known
	key      []keyColumn
}

// keyColumn is how a column of the key is compared, in the order of the key. Types of extensions have their
// operators in schemas that are not in search_path, so that operators are named with their schemas.
type keyColumn struct {
	name         string // quoted
	cast         string // type without a modifier, under which text would be cut or rounded
	equal, above string
}

// shapeSQL is a number that changes whenever what a layout is made from does: columns, identity and keys of the
// relation c in namespace n.
const shapeSQL = `hashtextextended(concat_ws('/', n.nspname, c.relname, c.relreplident,
	(SELECT string_agg(concat_ws(':', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attgenerated, a.atthasdef), ',' ORDER BY a.attnum)
		FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
	(SELECT string_agg(concat_ws(':', i.indexrelid, i.indisprimary, i.indisreplident), ',' ORDER BY i.indexrelid)
		FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND (i.indisprimary OR i.indisreplident))), 0)::text`

const liveShapeSQL = `
SELECT ` + shapeSQL + `, (SELECT coalesce(sum(pg_table_size(l)), 0)::int8 FROM unnest($2::oid[]) l)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1`

// keyColumnsSQL lists the operators = and > (strategies 3 and 5 of a B-tree) of the columns of the primary key
// and the identity's index.
const keyColumnsSQL = `
SELECT a.attname::text, format_type(a.atttypid, -1), op.amopstrategy::int4, s.nspname::text, o.oprname::text
FROM pg_index i
CROSS JOIN unnest(i.indkey::int2[], i.indclass::oid[]) AS k(attnum, class)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
JOIN pg_opclass c ON c.oid = k.class
JOIN pg_amop op ON op.amopfamily = c.opcfamily AND op.amoplefttype = c.opcintype AND op.amoprighttype = c.opcintype AND op.amopstrategy IN (3, 5)
JOIN pg_operator o ON o.oid = op.amopopr
JOIN pg_namespace s ON s.oid = o.oprnamespace
WHERE i.indrelid = $1 AND i.indisvalid AND (i.indisprimary OR i.indisreplident)`

// remember looks a unit up and keeps what it finds. The caller holds mu. The shape is read before the layout: a
// change in between shows at the next look, as another shape.
func (l *live) remember(ctx context.Context, u *unit) (*liveTable, error) {
	t := &liveTable{unit: u}
	oids := make([]uint32, len(u.leaves))
	tuples := 0.0
	for i, leaf := range u.leaves {
		oids[i], tuples = leaf.OID, tuples+max(leaf.Tuples, 0)
	}
	var bytes int64
	if err := l.catalog.QueryRow(ctx, liveShapeSQL, u.OID, oids).Scan(&t.shape, &bytes); err != nil {
		return nil, serverFault("look up", "table "+u.ID(), err)
	}
	if tuples > 0 {
		t.rowBytes = int64(float64(bytes) / tuples)
	}
	var err error
	if t.layout, err = newCatalog(l.cfg, l.catalog).layout(ctx, u.relation()); err != nil {
		return nil, err
	}
	if t.key, err = l.keyColumns(ctx, t.layout, u.OID); err != nil {
		return nil, err
	}
	l.known[u.OID] = t
	return t, nil
}

// keyColumns finds how the columns of the key are compared; nil for a table without one.
func (l *live) keyColumns(ctx context.Context, layout *envelope.Layout, oid uint32) ([]keyColumn, error) {
	if len(layout.Table.Key) == 0 {
		return nil, nil
	}
	byName := map[string]keyColumn{}
	_, err := gather(ctx, l.catalog, "read operators", func(row pgx.CollectableRow) (struct{}, error) {
		var name, cast, in, operator string
		var strategy int32
		err := row.Scan(&name, &cast, &strategy, &in, &operator)
		k := byName[name]
		k.name, k.cast = quoteIdentifier(name), cast
		qualified := "OPERATOR(" + quoteIdentifier(in) + "." + operator + ")"
		if strategy == 3 {
			k.equal = qualified
		} else {
			k.above = qualified
		}
		byName[name] = k
		return struct{}{}, err
	}, keyColumnsSQL, oid)
	if err != nil {
		return nil, err
	}
	columns := make([]keyColumn, len(layout.Table.Key))
	for i, at := range layout.Table.Key {
		k, ok := byName[layout.Table.Columns[at].Name]
		if !ok {
			return nil, &fault.Error{Op: "look up", Object: "table " + layout.Table.ID(), Cause: errors.New("its key was changed meanwhile")}
		}
		columns[i] = k
	}
	return columns, nil
}

// table is a captured table, looked up where it is not known with that shape; any shape will do where it is "".
func (l *live) table(ctx context.Context, oid uint32, shape string) (*liveTable, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.known[oid]; t != nil && (shape == "" || t.shape == shape) {
		return t, nil
	}
	want, err := newCatalog(l.cfg, l.catalog).capture(ctx, l.cfg.PublicationViaRoot)
	if err != nil {
		return nil, err
	}
	for _, u := range want.units {
		if u.OID == oid {
			return l.remember(ctx, u)
		}
	}
	return nil, nil
}

// comparison is the condition that the key equals the columns of that name in another relation.
func (t *liveTable) comparison(other string) string {
	equal := make([]string, len(t.key))
	for i, k := range t.key {
		equal[i] = fmt.Sprintf("%s.%s %s %s.%s", quoteTable(t.unit.Schema, t.unit.Name), k.name, k.equal, other, quoteIdentifier(fmt.Sprintf("rdip key %d", i)))
	}
	return strings.Join(equal, " AND ")
}

// behind is the condition that the key comes behind another.
func (t *liveTable) behind(key []string) string {
	var either []string
	var same []string
	for i, k := range t.key {
		value := quoteLiteral(key[i]) + "::" + k.cast
		either = append(either, strings.Join(append(same[:len(same):len(same)], k.name+" "+k.above+" "+value), " AND "))
		same = append(same, k.name+" "+k.equal+" "+value)
	}
	return "((" + strings.Join(either, ") OR (") + "))"
}

// order names the columns of the key, for ORDER BY.
func (t *liveTable) order() string {
	names := make([]string, len(t.key))
	for i, k := range t.key {
		names[i] = k.name
	}
	return strings.Join(names, ", ")
}
