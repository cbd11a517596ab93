package types

import (
	"context"
	"math"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"rdip/schema"
)

// unbounded is the length that pgjdbc gives a type without one.
const unbounded = math.MaxInt32

// Describe fills in a column's type, of which it knows its OID, its modifier and the expression of its default, as Debezium's column metadata has it: what pgjdbc's getColumns answers
// (PgDatabaseMetaData, TypeInfoCache.getPrecision and getScale), a serial by that name.
func (c *Catalog) Describe(ctx context.Context, col *schema.Column, oid uint32, mod int32, defaultExpression string) error {
	col.Length, col.Scale = unbounded, 0
	t, err := c.Lookup(ctx, oid)
	if err != nil || t == nil {
		return err
	}
	col.TypeName = t.Name
	if strings.Contains(defaultExpression, "nextval(") {
		col.TypeName = serialName(t.Name)
	}
	for t != nil && (t.Kind == 'd' || t.Elem != 0) {
		if t.Kind == 'd' {
			oid, mod = t.Base, t.BaseMod
		} else {
			oid = t.Elem
		}
		if t, err = c.Lookup(ctx, oid); err != nil {
			return err
		}
	}
	col.Length, col.Scale = columnSize(oid, int(mod))
	if t != nil && isVector(t) {
		col.Length = int(mod) // dimensions; -1 is none
	}
	return nil
}

func isVector(t *Type) bool { return t.Extension == "vector" }

func serialName(name string) string {
	switch name {
	case "int2":
		return "smallserial"
	case "int4":
		return "serial"
	case "int8":
		return "bigserial"
	default:
		return name
	}
}

// columnSize is pgjdbc's precision and scale of a type with a modifier; -1 is none.
func columnSize(oid uint32, mod int) (length, scale int) {
	switch oid {
	case pgtype.Int2OID:
		return 5, 0
	case pgtype.Int4OID, pgtype.OIDOID:
		return 10, 0
	case pgtype.Int8OID:
		return 19, 0
	case pgtype.Float4OID:
		return 8, 8
	case pgtype.Float8OID:
		return 17, 17
	case pgtype.BoolOID, pgtype.QCharOID:
		return 1, 0
	case pgtype.NumericOID:
		if mod < 0 {
			return 0, -1
		}
		return (mod - 4) >> 16 & 0xffff, (mod - 4) & 0xffff
	case pgtype.BPCharOID, pgtype.VarcharOID:
		if mod < 0 {
			return unbounded, 0
		}
		return mod - 4, 0
	case pgtype.BitOID, pgtype.VarbitOID:
		if mod < 0 {
			return unbounded, 0
		}
		return mod, 0
	default:
		return timeSize(oid, mod)
	}
}

// timeSize is how many characters pgjdbc shows a date or time with, and how many digits of its seconds.
func timeSize(oid uint32, mod int) (length, scale int) {
	digits := mod
	if mod < 0 {
		digits = 6
	}
	fraction := digits + 1
	switch digits {
	case 0:
		fraction = 0
	case 1:
		fraction = 3 // pgjdbc shows a single digit as .1 or .10
	}
	switch oid {
	case pgtype.DateOID:
		return 13, 0
	case pgtype.TimeOID:
		return 8 + fraction, digits
	case pgtype.TimetzOID:
		return 14 + fraction, digits
	case pgtype.TimestampOID:
		return 22 + fraction, digits
	case pgtype.TimestamptzOID:
		return 28 + fraction, digits
	case pgtype.IntervalOID:
		return 49, digits & 0xffff
	default:
		return unbounded, 0
	}
}
