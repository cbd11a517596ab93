package postgres

import (
	"context"
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
	// absent replaces what the placeholder makes of the type.
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

// typeModes is the configured modes, as forms are made by them.
type typeModes struct {
	Types
	debezium bool // compatibility: debezium
	marker   placeholder
}

func newTypeModes(cfg *Config) *typeModes {
	return &typeModes{Types: cfg.Types, debezium: cfg.Debezium, marker: placeholderOf(cfg.Types.Placeholder)}
}

// resolve is the form of a type with a modifier, and of an array with so many dimensions as the column is
// declared with (0 where that is unknown). Domains are their base, with the base's modifier (P21); what is not
// known is text.
func (c *catalog) resolve(ctx context.Context, oid uint32, mod int32, dimensions int) (form, error) {
	t, err := c.typeOf(ctx, oid)
	if err != nil {
		return form{}, err
	}
	if t == nil {
		return c.modes.otherForm(), nil // the type was dropped since; its values are still text
	}
	switch {
	case t.Kind == 'd':
		f, err := c.resolve(ctx, t.Base, t.BaseMod, t.Dimensions)
		f.defaults = false // Debezium looks defaults up by the domain's own name, and finds none
		return f, err
	case t.Kind == 'e':
		return enumForm(t), nil
	case t.Elem != 0:
		return c.resolveArray(ctx, t, mod, dimensions)
	case t.Extension != "":
		return c.modes.extensionForm(t), nil
	default:
		return c.modes.builtinForm(oid, mod), nil
	}
}

// resolveArray is an array of nullable items, inside as many arrays as it has more dimensions. A domain's own
// modifier wins over the column's. Debezium's arrays have one dimension and no bounds.
func (c *catalog) resolveArray(ctx context.Context, t *pgType, mod int32, dimensions int) (form, error) {
	item, err := c.resolve(ctx, t.Elem, mod, 0)
	if err != nil {
		return item, err
	}
	foreign := item.foreign || foreignArrays[t.OID]
	if c.modes.Array == ArrayText {
		return form{typ: schema.Plain(schema.String), encode: encodeText, zero: "{}", foreign: foreign}, nil
	}
	if dimensions < 1 || c.modes.debezium {
		dimensions = 1
	}
	f := form{
		typ:     arrayType(&item.typ, dimensions),
		encode:  arrayEncoder(item.encode, t.Delimiter, dimensions, c.modes.debezium),
		zero:    "{}",
		foreign: foreign,
	}
	return f, nil
}

// arrayType nests arrays, of which only the innermost may have nulls.
func arrayType(item *schema.Type, dimensions int) schema.Type {
	t := schema.Type{Kind: schema.Array, Items: item}
	for range dimensions - 1 {
		inner := t
		t = schema.Type{Kind: schema.Array, Items: &inner, ItemsRequired: true}
	}
	return t
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

func enumForm(t *pgType) form {
	return form{
		typ:      schema.Named(schema.String, schema.EnumName, schema.Param{Key: "allowed", Value: strings.Join(t.Labels, ",")}),
		encode:   encodeText,
		defaults: true,
	}
}

// builtinForm is by the catalog's fixed OIDs.
func (m *typeModes) builtinForm(oid uint32, mod int32) form {
	if f, ok := m.numberForm(oid, mod); ok {
		return f
	}
	if f, ok := m.timeForm(oid, mod); ok {
		return f
	}
	if f, ok := m.binaryForm(oid, mod); ok {
		return f
	}
	return m.characterForm(oid)
}
