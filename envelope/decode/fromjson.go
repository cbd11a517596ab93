package decode

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"rdip/schema"
)

// IsJSON says whether a payload is JSON, as Connect's JsonConverter writes it, and not framed Avro.
func IsJSON(payload []byte) bool {
	return len(payload) > 0 && payload[0] != 0 && json.Valid(payload)
}

// DecodeJSON reads a payload that Connect's JsonConverter wrote. With its schema in it, values have the schema's
// types; without, whole numbers are longs, others doubles, and all text is text. Bytes are copied.
func DecodeJSON(payload []byte) (Value, error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	v, err := jsonValue(d, 0)
	if err != nil {
		return Value{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	inner, described := v.Field("schema"), v.Type.Kind == Record && len(v.Items) == 2 && v.Type.Field("schema") == 0 && v.Type.Field("payload") == 1
	if !described || inner.IsNull() || inner.Type.Kind != Record {
		return v, nil
	}
	body := v.Field("payload")
	return typed(&inner, body), nil
}

// jsonValue reads one value with its fields in order.
func jsonValue(d *json.Decoder, depth int) (Value, error) {
	if depth > maxDepth {
		return Value{}, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return Value{}, err
	}
	switch t := token.(type) {
	case json.Delim:
		return jsonItems(d, t == '{', depth)
	case string:
		return Value{Type: &Type{Kind: String, Avro: "string"}, Raw: []byte(t)}, nil
	case bool:
		v := Value{Type: &Type{Kind: Boolean, Avro: "boolean"}}
		if t {
			v.Int = 1
		}
		return v, nil
	case json.Number:
		return jsonNumber(t), nil
	default:
		return Value{Type: nullType}, nil
	}
}

func jsonNumber(n json.Number) Value {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return Value{Type: &Type{Kind: Long, Avro: "long"}, Int: i}
	}
	f, _ := n.Float64() // beyond the largest it is infinite
	return Value{Type: &Type{Kind: Double, Avro: "double"}, Float: f}
}

func jsonItems(d *json.Decoder, isObject bool, depth int) (Value, error) {
	v := Value{Type: &Type{Kind: Array, Avro: "array"}}
	if isObject {
		v.Type = &Type{Kind: Record, Avro: "record"}
	}
	for d.More() {
		name := ""
		if isObject {
			token, err := d.Token()
			if err != nil {
				return v, err
			}
			name, _ = token.(string)
		}
		item, err := jsonValue(d, depth+1)
		if err != nil {
			return v, err
		}
		v.Items = append(v.Items, item)
		if isObject {
			v.Type.Fields = append(v.Type.Fields, Field{schema.AvroName(name), item.Type})
		}
	}
	_, err := d.Token()
	return v, err
}

// connectKinds are the kinds of Connect's types.
var connectKinds = map[string]Kind{"int8": Int, "int16": Int, "int32": Int, "int64": Long, "float": Float, "double": Double,
	"boolean": Boolean, "string": String, "bytes": Bytes, "array": Array, "map": Map, "struct": Record}

// typed is a value with the type that its Connect schema gives it. What does not fit stays as it is.
func typed(s *Value, v Value) Value {
	kind, ok := connectKinds[text(s, "type")]
	if !ok || v.IsNull() {
		return v
	}
	t := &Type{Kind: kind, Avro: v.Type.Avro, Name: text(s, "name")}
	params := s.Field("parameters")
	t.Scale, _ = strconv.Atoi(text(&params, "scale"))
	t.Length, _ = strconv.Atoi(text(&params, "length"))
	switch kind {
	case Record:
		return typedRecord(s, v, t)
	case Array:
		items := s.Field("items")
		for i := range v.Items {
			v.Items[i] = typed(&items, v.Items[i])
		}
		return v
	case Map:
		return v
	case Bytes:
		raw, err := base64.StdEncoding.DecodeString(string(v.Raw))
		if err != nil || v.Type.Kind != String {
			return v // decimal.format: NUMERIC
		}
		return Value{Type: t, Raw: raw}
	case Float, Double:
		if v.Type.Kind == Long {
			return Value{Type: t, Float: float64(v.Int)}
		}
		if v.Type.Kind != Double {
			return v
		}
	}
	v.Type = t
	return v
}

func typedRecord(s *Value, v Value, t *Type) Value {
	fields := s.Field("fields")
	if v.Type.Kind != Record || len(fields.Items) != len(v.Items) {
		return v
	}
	for i := range v.Items {
		v.Items[i] = typed(&fields.Items[i], v.Items[i])
		t.Fields = append(t.Fields, Field{v.Type.Fields[i].Name, v.Items[i].Type})
	}
	return Value{Type: t, Items: v.Items}
}
