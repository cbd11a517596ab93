package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"rdip/envelope"
	"rdip/internal/fault"
)

const definitionSQL = `
SELECT pg_catalog.obj_description(c.oid, 'pg_class'), ARRAY(
	SELECT a.attname::text FROM pg_catalog.pg_index i
	CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
	JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
	WHERE i.indrelid = c.oid AND i.indisprimary AND k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_catalog.pg_class c WHERE c.oid = $1::oid`

const definitionColumnsSQL = `
SELECT a.attname, t.oid, t.typname, t.typtype::text, t.typcategory::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.atttypmod,
	NOT (a.attnotnull OR t.typtype = 'd' AND t.typnotnull), a.attidentity <> '' OR coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false),
	a.attgenerated <> '', pg_catalog.col_description(a.attrelid, a.attnum), pg_catalog.pg_get_expr(d.adbin, d.adrelid),
	ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`

// shape is a table as the catalog has it now, in Debezium's form; nil where it was dropped since.
func (c *catalog) shape(ctx context.Context, oid uint32) (*envelope.TableShape, error) {
	s := &envelope.TableShape{}
	err := c.q.QueryRow(ctx, definitionSQL, oid).Scan(&s.Comment, &s.Key)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, &fault.Error{Op: "describe a table", Object: "system catalog", Cause: err}
	}
	s.Columns, err = gather(ctx, c.q, "describe columns", scanShape, definitionColumnsSQL, oid)
	for i := range s.Columns {
		s.Columns[i].Position = int32(i + 1)
	}
	return s, err
}

func scanShape(row pgx.CollectableRow) (envelope.ColumnShape, error) {
	var c envelope.ColumnShape
	var oid uint32
	var kind, category string
	var mod int32
	err := row.Scan(&c.Name, &oid, &c.Type, &kind, &category, &c.Expression, &mod, &c.Nullable, &c.Identity, &c.Generated, &c.Comment, &c.Default, &c.Labels)
	c.Native, c.JDBC = int32(oid), jdbcType(c.Type, kind, category)
	c.Length, c.Scale = dimensions(c.Type, mod)
	return c, err
}

// jdbcTypes are java.sql.Types of PostgreSQL's types (pgjdbc's TypeInfoCache).
var jdbcTypes = map[string]int32{
	"bool": -7, "bit": -7, "int2": 5, "int4": 4, "int8": -5, "oid": -5, "float4": 7, "float8": 8, "money": 8, "numeric": 2,
	"char": 1, "bpchar": 1, "varchar": 12, "text": 12, "name": 12, "bytea": -2, "date": 91, "time": 92, "timetz": 92,
	"timestamp": 93, "timestamptz": 93, "xml": 2009, "refcursor": 2012,
}

// jdbcType is a type's number in java.sql.Types: ARRAY, STRUCT, DISTINCT and, as pgjdbc has it, VARCHAR for
// enums; OTHER for what has none.
func jdbcType(name, kind, category string) int32 {
	if n, ok := jdbcTypes[name]; ok {
		return n
	}
	switch {
	case category == "A":
		return 2003
	case kind == "c":
		return 2002
	case kind == "d":
		return 2001
	case kind == "e":
		return 12
	default:
		return 1111
	}
}

// dimensions are a type's length and scale where its modifier says so (numerictypmodin in numeric.c: precision
// in the upper 16 bits, scale in 11 signed ones; anychar_typmodin: the length plus 4).
func dimensions(name string, mod int32) (length, scale *int32) {
	if mod < 0 {
		return nil, nil
	}
	switch name {
	case "numeric":
		precision, digits := (mod-4)>>16&0xffff, ((mod-4)&0x7ff^1024)-1024
		return &precision, &digits
	case "varchar", "bpchar":
		n := mod - 4
		return &n, nil
	case "bit", "varbit":
		return &mod, nil
	case "time", "timetz", "timestamp", "timestamptz":
		return nil, &mod
	default:
		return nil, nil
	}
}
