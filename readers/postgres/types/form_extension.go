package types

import (
	"rdip/envelope"
	"rdip/schema"
)

// extensionForm is by name and extension, since an extension's OIDs differ from database to database.
func (m *modes) extensionForm(t *Type) Form {
	switch t.Extension + "." + t.Name {
	case "citext.citext", "isn.isbn":
		return stringForm("")
	case "ltree.ltree":
		return stringForm("io.debezium.data.Ltree")
	case "hstore.hstore":
		return m.hstoreForm()
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
		return m.otherForm()
	}
}

func (m *modes) hstoreForm() Form {
	text := m.marker.text()
	if m.Hstore != HstoreMap {
		marker := append(appendJSONString([]byte{'{'}, text), ':')
		marker = append(appendJSONString(marker, text), '}')
		return Form{Type: schema.Named(schema.String, jsonName), Encode: encodeHstore, absent: envelope.AppendString(nil, marker)}
	}
	values := schema.Plain(schema.String)
	absent := envelope.AppendString([]byte{1 << 1}, text)
	absent = append(envelope.AppendString(append(absent, envelope.UnionValue), text), 0)
	return Form{Type: schema.Type{Kind: schema.Map, Items: &values}, Encode: encodeHstoreMap, absent: absent}
}

func geometryForm(name string) Form {
	return Form{
		Type: schema.Type{Kind: schema.Record, Name: geometryPackageName + name, Version: 1, Doc: name, Fields: []schema.Field{
			{Name: "wkb", Type: schema.Plain(schema.Bytes)},
			{Name: "srid", Type: schema.Plain(schema.Int), Nullable: true},
		}},
		Encode:   encodeGeometry,
		zero:     "010700000000000000", // an empty collection
		Optional: true,
	}
}

func vectorForm(name string, item schema.Kind, encode envelope.ColumnEncoder) Form {
	items := schema.Plain(item)
	t := schema.Named(schema.Array, name)
	t.Items, t.ItemsRequired = &items, true
	return Form{Type: t, Encode: vectorEncoder(encode), zero: "[]"}
}
