package postgres

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"rdip/envelope"
	"rdip/schema"
)

// form is what a PostgreSQL type becomes: its Avro type, the encoder from its text, and the values that stand
// in where there is none.
type form struct {
	typ    schema.Type
	encode envelope.ColumnEncoder
	// zero is the text of Debezium's fallback for a NOT NULL column, in the server's own form.
	zero string
	// generated is the text that Debezium registers as the default where the real one is not a constant; for
	// an enum it registers none.
	generated string
	// defaults: Debezium registers constant defaults of this type (PostgresDefaultValueConverter).
	defaults bool
	// optional: Debezium's schema is nullable even where the column is NOT NULL.
	optional bool
	// foreign: Debezium leaves columns of this type out.
	foreign bool
	// absent replaces what absentOf makes of the type.
	absent []byte
}

// Names of Debezium's semantic types.
const (
	bitsName            = "io.debezium.data.Bits"
	jsonName            = "io.debezium.data.Json"
	uuidName            = "io.debezium.data.Uuid"
	zonedTimestampName  = "io.debezium.time.ZonedTimestamp"
	zonedTimeName       = "io.debezium.time.ZonedTime"
	geometryPackageName = "io.debezium.data.geometry."
)

// resolve is the form of a type with a modifier. Domains are their base, with the base's modifier (P21);
// what is not known is text.
func (c *catalog) resolve(ctx context.Context, oid uint32, mod int32) (form, error) {
	t, err := c.typeOf(ctx, oid)
	if err != nil {
		return form{}, err
	}
	if t == nil {
		return textForm(), nil // the type was dropped since; its values are still text
	}
	switch {
	case t.Kind == 'd':
		f, err := c.resolve(ctx, t.Base, t.BaseMod)
		f.defaults = false // Debezium looks defaults up by the domain's own name, and finds none
		return f, err
	case t.Kind == 'e':
		return enumForm(t), nil
	case t.Elem != 0:
		return c.resolveArray(ctx, t, mod)
	case t.Extension != "":
		return extensionForm(t), nil
	default:
		return builtinForm(oid, mod, c.cfg.Debezium), nil
	}
}

// resolveArray is an array of nullable items. A domain's own modifier wins over the column's.
func (c *catalog) resolveArray(ctx context.Context, t *pgType, mod int32) (form, error) {
	item, err := c.resolve(ctx, t.Elem, mod)
	if err != nil {
		return item, err
	}
	f := form{
		typ:     schema.Type{Kind: schema.Array, Items: &item.typ},
		encode:  arrayEncoder(item.encode, t.Delimiter),
		zero:    "{}",
		foreign: item.foreign || foreignArrays[t.OID],
	}
	return f, nil
}

// foreignArrays are arrays for which Debezium has no converter, though it has one for their items.
var foreignArrays = map[uint32]bool{
	pgtype.BitArrayOID: true, pgtype.VarbitArrayOID: true, pgtype.IntervalArrayOID: true,
	pgtype.PointArrayOID: true, pgtype.NameArrayOID: true, moneyArrayOID: true, xmlArrayOID: true,
}

// OIDs of pg_type.dat that pgtype has no name for; the catalog's own never change.
const (
	moneyOID      = 790
	moneyArrayOID = 791
	xmlOID        = 142
	xmlArrayOID   = 143
	macaddr8OID   = 774
	tsvectorOID   = 3614
)

func textForm() form {
	return form{typ: schema.Plain(schema.String), encode: encodeText, foreign: true}
}

func enumForm(t *pgType) form {
	return form{
		typ:      schema.Named(schema.String, schema.EnumName, schema.Param{Key: "allowed", Value: strings.Join(t.Labels, ",")}),
		encode:   encodeText,
		defaults: true,
	}
}

// extensionForm is by name and extension, since an extension's OIDs differ from database to database.
func extensionForm(t *pgType) form {
	switch t.Extension + "." + t.Name {
	case "citext.citext", "isn.isbn":
		return stringForm("")
	case "ltree.ltree":
		return stringForm("io.debezium.data.Ltree")
	case "hstore.hstore":
		marker := `{"` + unavailable + `":"` + unavailable + `"}`
		return form{typ: schema.Named(schema.String, jsonName), encode: encodeHstore, absent: envelope.AppendString(nil, marker)}
	case "postgis.geometry":
		return geometryForm("Geometry")
	case "postgis.geography":
		return geometryForm("Geography")
	case "vector.vector":
		return vectorForm("io.debezium.data.DoubleVector", schema.Double, encodeFloat8)
	case "vector.halfvec":
		return vectorForm("io.debezium.data.FloatVector", schema.Float, encodeFloat4)
	case "vector.sparsevec":
		return sparseVectorForm()
	default:
		return textForm()
	}
}

func stringForm(name string) form {
	f := form{typ: schema.Plain(schema.String), encode: encodeText}
	if name != "" {
		f.typ = schema.Named(schema.String, name)
	}
	return f
}

func geometryForm(name string) form {
	return form{
		typ: schema.Type{Kind: schema.Record, Name: geometryPackageName + name, Version: 1, Doc: name, Fields: []schema.Field{
			{Name: "wkb", Type: schema.Plain(schema.Bytes)},
			{Name: "srid", Type: schema.Plain(schema.Int), Nullable: true},
		}},
		encode:   encodeGeometry,
		zero:     "010700000000000000", // an empty collection
		optional: true,
	}
}

func vectorForm(name string, item schema.Kind, encode envelope.ColumnEncoder) form {
	items := schema.Plain(item)
	t := schema.Named(schema.Array, name)
	t.Items, t.ItemsRequired = &items, true
	return form{typ: t, encode: vectorEncoder(encode), zero: "[]"}
}

// builtinForm is by the catalog's fixed OIDs.
func builtinForm(oid uint32, mod int32, debezium bool) form {
	if f, ok := numberForm(oid, mod); ok {
		return f
	}
	if f, ok := timeForm(oid, mod, debezium); ok {
		return f
	}
	if f, ok := binaryForm(oid, mod); ok {
		return f
	}
	return characterForm(oid)
}

func numberForm(oid uint32, mod int32) (form, bool) {
	f := form{zero: "0", generated: "0", defaults: true}
	switch oid {
	case pgtype.BoolOID:
		f.typ, f.encode, f.zero, f.generated = schema.Plain(schema.Boolean), encodeBool, "f", "f"
	case pgtype.Int2OID:
		f.typ, f.encode = schema.Type{Kind: schema.Int, ConnectType: "int16"}, integerEncoder(16)
	case pgtype.Int4OID:
		f.typ, f.encode = schema.Plain(schema.Int), integerEncoder(32)
	case pgtype.Int8OID:
		f.typ, f.encode = schema.Plain(schema.Long), integerEncoder(64)
	case pgtype.OIDOID:
		f.typ, f.encode, f.defaults = schema.Plain(schema.Long), integerEncoder(64), false
	case pgtype.Float4OID:
		f.typ, f.encode = schema.Plain(schema.Float), encodeFloat4
	case pgtype.Float8OID:
		f.typ, f.encode = schema.Plain(schema.Double), encodeFloat8
	case moneyOID:
		f.typ, f.encode, f.defaults = decimalType(moneyUnknownPrecision, moneyScale, false), encodeMoney, false
	case pgtype.NumericOID:
		numericForm(&f, mod)
	default:
		return form{}, false
	}
	return f, true
}

// moneyUnknownPrecision is what Confluent's AvroData writes where Connect's schema has no precision.
const moneyUnknownPrecision = 64

// numericForm follows the modifier: precision and scale, of which the scale is of 11 bits and may be negative
// since PostgreSQL 15 (numeric_typmod_scale in numeric.c).
func numericForm(f *form, mod int32) {
	if mod < 4 {
		f.typ = schema.Type{Kind: schema.Record, Name: schema.VariableScaleDecimalName, Version: 1, Doc: "Variable scaled decimal",
			Fields: []schema.Field{{Name: "scale", Type: schema.Plain(schema.Int)}, {Name: "value", Type: schema.Plain(schema.Bytes)}}}
		f.encode, f.defaults = encodeVariableDecimal, false // Connect has no defaults of records (KAFKA-12694)
		return
	}
	precision, scale := int(mod-4)>>16&0xffff, int((mod-4)&0x7ff^1024)-1024
	if scale < 0 {
		// Avro has no negative scale: numeric(5,-2) holds whole numbers of up to 7 digits.
		precision, scale = precision-scale, 0
	}
	// Avro wants a precision of at least the scale, which numeric(2,5) does not have.
	f.typ = decimalType(max(precision, scale), scale, true)
	f.encode = decimalEncoder(scale)
}

// decimalType is Connect's Decimal; known says that the precision is the source's.
func decimalType(precision, scale int, known bool) schema.Type {
	t := schema.Type{Kind: schema.Bytes, Name: schema.DecimalName, Version: 1, Scale: scale, Precision: precision,
		Params: []schema.Param{{Key: "scale", Value: strconv.Itoa(scale)}}}
	if known {
		t.Params = append(t.Params, schema.Param{Key: "connect.decimal.precision", Value: strconv.Itoa(precision)})
	}
	return t
}

func timeForm(oid uint32, mod int32, debezium bool) (form, bool) {
	precision := int(mod)
	if mod < 0 || mod > 6 {
		precision = 6
	}
	f := form{defaults: true}
	switch oid {
	case pgtype.DateOID:
		f.typ, f.encode = schema.Named(schema.Int, "io.debezium.time.Date"), encodeDate
		f.zero, f.generated = "1970-01-01", "1970-01-01"
	case pgtype.TimeOID:
		f.typ, f.encode = schema.Named(schema.Long, "io.debezium.time.MicroTime"), timeEncoder(1)
		if precision <= 3 {
			f.typ, f.encode = schema.Named(schema.Int, "io.debezium.time.Time"), timeEncoder(1000)
		}
		f.zero, f.generated = "00:00:00", "00:00:00"
	case pgtype.TimestampOID:
		f.typ, f.encode = schema.Named(schema.Long, "io.debezium.time.MicroTimestamp"), timestampEncoder(1)
		if precision <= 3 {
			f.typ, f.encode = schema.Named(schema.Long, "io.debezium.time.Timestamp"), timestampEncoder(1000)
		}
		f.zero, f.generated = "1970-01-01 00:00:00", "1970-01-01 00:00:00"
	case pgtype.TimestamptzOID:
		f.typ, f.encode = schema.Named(schema.String, zonedTimestampName), zonedTimestampEncoder(precision)
		f.generated = "1970-01-01 00:00:00+00"
	case pgtype.TimetzOID:
		f.typ, f.encode, f.defaults = schema.Named(schema.String, zonedTimeName), encodeZonedTime, false
		f.zero = "00:00:00+00"
	case pgtype.IntervalOID:
		f.typ, f.encode = schema.Named(schema.Long, "io.debezium.time.MicroDuration"), intervalEncoder(debezium)
		f.zero, f.generated = "00:00:00", "00:00:00"
	default:
		return form{}, false
	}
	return f, true
}

// anyLength is the length that Debezium gives a varbit without one: pgjdbc's "unknown".
const anyLength = 1<<31 - 1

func binaryForm(oid uint32, mod int32) (form, bool) {
	switch oid {
	case pgtype.ByteaOID:
		return form{typ: schema.Plain(schema.Bytes), encode: encodeBytea, zero: `\x`}, true
	case pgtype.BitOID, pgtype.VarbitOID:
		if mod == 1 || oid == pgtype.BitOID && mod < 0 {
			return form{typ: schema.Plain(schema.Boolean), encode: encodeBit, zero: "0", generated: "0", defaults: true}, true
		}
		if mod < 0 {
			mod = anyLength
		}
		typ := schema.Named(schema.Bytes, bitsName, schema.Param{Key: "length", Value: strconv.Itoa(int(mod))})
		return form{typ: typ, encode: encodeBits, generated: "0", defaults: true}, true
	case pgtype.PointOID:
		return form{typ: pointType(), encode: encodePoint, zero: "(0,0)"}, true
	}
	return form{}, false
}

func pointType() schema.Type {
	return schema.Type{Kind: schema.Record, Name: geometryPackageName + "Point", Version: 1, Doc: "Geometry (POINT)", Fields: []schema.Field{
		{Name: "x", Type: schema.Plain(schema.Double)},
		{Name: "y", Type: schema.Plain(schema.Double)},
		{Name: "wkb", Type: schema.Plain(schema.Bytes), Nullable: true},
		{Name: "srid", Type: schema.Plain(schema.Int), Nullable: true},
	}}
}

// characterForm is what is text on the wire and in the record. A type without a case is text too, and
// Debezium leaves it out.
func characterForm(oid uint32) form {
	f := stringForm("")
	switch oid {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID:
		f.defaults = true
	case pgtype.QCharOID, pgtype.NameOID, pgtype.InetOID, pgtype.CIDROID, pgtype.MacaddrOID, macaddr8OID,
		pgtype.Int4rangeOID, pgtype.Int8rangeOID, pgtype.NumrangeOID, pgtype.TsrangeOID, pgtype.TstzrangeOID, pgtype.DaterangeOID:
	case pgtype.JSONOID, pgtype.JSONBOID:
		f = stringForm(jsonName)
		f.defaults, f.generated = true, "{}"
	case xmlOID:
		f = stringForm("io.debezium.data.Xml")
		f.defaults = true
	case pgtype.UUIDOID:
		f = stringForm(uuidName)
		f.defaults, f.generated = true, "00000000-0000-0000-0000-000000000000"
	case tsvectorOID:
		f = stringForm("io.debezium.data.Tsvector")
	default:
		return textForm()
	}
	return f
}
