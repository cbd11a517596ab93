package types

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"rdip/schema"
)

func (m *modes) numberForm(oid uint32, mod int32) (Form, bool) {
	f := Form{zero: "0", generated: "0", defaults: true}
	switch oid {
	case pgtype.BoolOID:
		f.Type, f.Encode, f.zero, f.generated = schema.Plain(schema.Boolean), encodeBool, "f", "f"
	case pgtype.Int2OID:
		f.Type, f.Encode = schema.Type{Kind: schema.Int, ConnectType: "int16"}, integerEncoder(16)
	case pgtype.Int4OID:
		f.Type, f.Encode = schema.Plain(schema.Int), integerEncoder(32)
	case pgtype.Int8OID:
		f.Type, f.Encode = schema.Plain(schema.Long), integerEncoder(64)
	case pgtype.OIDOID:
		f.Type, f.Encode, f.defaults = schema.Plain(schema.Long), integerEncoder(64), false
	case pgtype.Float4OID:
		f.Type, f.Encode = schema.Plain(schema.Float), encodeFloat4
	case pgtype.Float8OID:
		f.Type, f.Encode = schema.Plain(schema.Double), encodeFloat8
	case pgtype.NumericOID:
		m.numericForm(&f, mod)
	default:
		return Form{}, false
	}
	return f, true
}

// numericForm follows the modifier: precision and scale, of which the scale is of 11 bits and may be negative
// since PostgreSQL 15 (numeric_typmod_scale in numeric.c). Avro has no negative scale: numeric(5,-2) holds
// whole numbers of up to 7 digits. It wants a precision of at least the scale, which numeric(2,5) does not have.
func (m *modes) numericForm(f *Form, mod int32) {
	precision, scale := 0, 0
	if mod >= 4 {
		precision, scale = int(mod-4)>>16&0xffff, int((mod-4)&0x7ff^1024)-1024
		precision, scale = max(precision, precision-scale, scale), max(scale, 0)
	}
	switch {
	case m.Decimal == DecimalString:
		f.Type, f.Encode = schema.Plain(schema.String), encodeText
		f.zero, f.generated = zeroDigits(scale), zeroDigits(scale)
	case m.Decimal == DecimalDouble:
		f.Type, f.Encode = schema.Plain(schema.Double), encodeNumericDouble
	case precision == 0:
		f.Type = schema.Type{Kind: schema.Record, Name: schema.VariableScaleDecimalName, Version: 1, Doc: "Variable scaled decimal",
			Fields: []schema.Field{{Name: "scale", Type: schema.Plain(schema.Int)}, {Name: "value", Type: schema.Plain(schema.Bytes)}}}
		f.Encode, f.defaults = encodeVariableDecimal, false // Connect has no defaults of records (KAFKA-12694)
	default:
		f.Type, f.Encode = decimalType(precision, scale, true), decimalEncoder(scale)
	}
}

// zeroDigits is zero with a scale.
func zeroDigits(scale int) string {
	if scale == 0 {
		return "0"
	}
	return "0." + strings.Repeat("0", scale)
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
