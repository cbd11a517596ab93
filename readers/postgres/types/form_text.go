package types

import (
	"strconv"

	"github.com/jackc/pgx/v5/pgtype"

	"rdip/envelope"
	"rdip/schema"
)

// anyLength is the length that Debezium gives a varbit without one: pgjdbc's "unknown".
const anyLength = 1<<31 - 1

func (m *modes) binaryForm(oid uint32, mod int32) (Form, bool) {
	switch oid {
	case pgtype.ByteaOID:
		f := Form{zero: `\x`}
		f.Type, f.Encode = m.byteaType()
		return f, true
	case pgtype.BitOID, pgtype.VarbitOID:
		if mod == 1 || oid == pgtype.BitOID && mod < 0 {
			return Form{Type: schema.Plain(schema.Boolean), Encode: encodeBit, zero: "0", generated: "0", defaults: true}, true
		}
		if mod < 0 {
			mod = anyLength
		}
		typ := schema.Named(schema.Bytes, bitsName, schema.Param{Key: "length", Value: strconv.Itoa(int(mod))})
		return Form{Type: typ, Encode: encodeBits, generated: "0", defaults: true}, true
	case pgtype.PointOID:
		return Form{Type: pointType(), Encode: encodePoint, zero: "(0,0)"}, true
	}
	return Form{}, false
}

func (m *modes) byteaType() (schema.Type, envelope.ColumnEncoder) {
	switch m.Binary {
	case BinaryBase64:
		return schema.Plain(schema.String), byteaBase64Encoder(base64Standard)
	case BinaryBase64URL:
		return schema.Plain(schema.String), byteaBase64Encoder(base64URL)
	case BinaryHex:
		return schema.Plain(schema.String), encodeByteaHex
	default:
		return schema.Plain(schema.Bytes), encodeBytea
	}
}

// otherForm is what is text on the wire and has no form of Debezium's. Where Debezium is told to include it,
// it takes the text's bytes for a bytea.
func (m *modes) otherForm() Form {
	f := textForm()
	if !m.debezium || !m.IncludeUnknown {
		return f
	}
	f.Foreign = false
	switch m.Binary {
	case BinaryBase64:
		f.Encode = textBase64Encoder(base64Standard)
	case BinaryBase64URL:
		f.Encode = textBase64Encoder(base64URL)
	case BinaryHex:
		f.Encode = encodeTextHex
	default:
		f.Type = schema.Plain(schema.Bytes)
	}
	return f
}

func pointType() schema.Type {
	return schema.Type{Kind: schema.Record, Name: geometryPackageName + "Point", Version: 1, Doc: "Geometry (POINT)", Fields: []schema.Field{
		{Name: "x", Type: schema.Plain(schema.Double)},
		{Name: "y", Type: schema.Plain(schema.Double)},
		{Name: "wkb", Type: schema.Plain(schema.Bytes), Nullable: true},
		{Name: "srid", Type: schema.Plain(schema.Int), Nullable: true},
	}}
}

func textForm() Form {
	return Form{Type: schema.Plain(schema.String), Encode: encodeText, Foreign: true}
}

func stringForm(name string) Form {
	f := Form{Type: schema.Plain(schema.String), Encode: encodeText}
	if name != "" {
		f.Type = schema.Named(schema.String, name)
	}
	return f
}

// characterForm is what is text on the wire and in the record. A type without a case is text too, and
// Debezium leaves it out.
func (m *modes) characterForm(oid uint32) Form {
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
		return m.otherForm()
	}
	return f
}
