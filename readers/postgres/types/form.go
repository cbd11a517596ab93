package types

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"rdip/envelope"
	"rdip/schema"
)

// Form is what a PostgreSQL type becomes: its Avro type, the encoder from its text, and the values that stand
// in where there is none.
type Form struct {
	Type   schema.Type
	Encode envelope.ColumnEncoder
	// Optional: Debezium's schema is nullable even where the column is NOT NULL.
	Optional bool
	// Foreign: Debezium leaves columns of this type out.
	Foreign bool
	// Loss is what is lost of values that the type is common for; the zero value where nothing is.
	Loss Loss
	// zero is the text of Debezium's fallback for a NOT NULL column, in the server's own form.
	zero string
	// generated is the text that Debezium registers as the default where the real one is not a constant; for
	// an enum it registers none.
	generated string
	// defaults: Debezium registers constant defaults of this type (PostgresDefaultValueConverter).
	defaults bool
	// absent replaces what the placeholder makes of the type.
	absent []byte
}

// Loss is said before anything is lost.
type Loss struct {
	Seen string // what is lost
	Fix  string // the setting with which it is not, as typed
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

// modes is the configured modes, as forms are made by them.
type modes struct {
	Config
	debezium bool // compatibility: debezium
	marker   placeholder
}

func newModes(cfg *Config, debezium bool) *modes {
	return &modes{Config: *cfg, debezium: debezium, marker: placeholderOf(cfg.Placeholder)}
}

// Form is what a type with a modifier becomes, and of an array with so many dimensions as the column is
// declared with (0 where that is unknown). Domains are their base, with the base's modifier (P21); what is not
// known is text.
func (c *Catalog) Form(ctx context.Context, oid uint32, mod int32, dimensions int) (Form, error) {
	t, err := c.Lookup(ctx, oid)
	if err != nil {
		return Form{}, err
	}
	if t == nil {
		return c.modes.otherForm(), nil // the type was dropped since; its values are still text
	}
	switch {
	case t.Kind == 'd':
		f, err := c.Form(ctx, t.Base, t.BaseMod, t.Dimensions)
		f.defaults = false // Debezium looks defaults up by the domain's own name, and finds none
		return f, err
	case t.Kind == 'e':
		return enumForm(t), nil
	case t.Elem != 0:
		return c.arrayForm(ctx, t, mod, dimensions)
	case t.Extension != "":
		return c.modes.extensionForm(t), nil
	case oid == moneyOID:
		return c.moneyForm(ctx)
	default:
		return c.modes.builtinForm(oid, mod), nil
	}
}

// arrayForm is an array of nullable items, inside as many arrays as it has more dimensions. A domain's own
// modifier wins over the column's. Debezium's arrays have one dimension and no bounds.
func (c *Catalog) arrayForm(ctx context.Context, t *Type, mod int32, dimensions int) (Form, error) {
	item, err := c.itemForm(ctx, t.Elem, mod)
	if err != nil {
		return item, err
	}
	foreign := item.Foreign || foreignArrays[t.OID]
	if c.modes.Array == ArrayText {
		return Form{Type: schema.Plain(schema.String), Encode: encodeText, zero: "{}", Foreign: foreign, Loss: c.moneyInText(t.Elem)}, nil
	}
	if dimensions < 1 || c.modes.debezium {
		dimensions = 1
	}
	f := Form{
		Type:    arrayType(&item.Type, dimensions),
		Encode:  arrayEncoder(item.Encode, t.Delimiter, dimensions, c.modes.debezium),
		zero:    "{}",
		Foreign: foreign,
		Loss:    item.Loss,
	}
	return f, nil
}

// itemForm is the form of an array's items. Items of a domain are of no type that Debezium knows, though it knows the
// domain itself.
func (c *Catalog) itemForm(ctx context.Context, oid uint32, mod int32) (Form, error) {
	t, err := c.Lookup(ctx, oid)
	switch {
	case err != nil:
		return Form{}, err
	case t != nil && t.Kind == 'd' && c.modes.debezium:
		return c.modes.otherForm(), nil
	default:
		return c.Form(ctx, oid, mod, 0)
	}
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

func enumForm(t *Type) Form {
	return Form{
		Type:     schema.Named(schema.String, schema.EnumName, schema.Param{Key: "allowed", Value: strings.Join(t.Labels, ",")}),
		Encode:   encodeText,
		defaults: true,
	}
}

// builtinForm is by the catalog's fixed OIDs.
func (m *modes) builtinForm(oid uint32, mod int32) Form {
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
