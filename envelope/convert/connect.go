package convert

import (
	"strconv"

	"rdip/schema"
)

// appendConnect writes the schema of a place as JsonConverter does (asJsonSchema): type, what it is made of,
// optional, name, version, doc, parameters, default; and of a struct's field its name.
func appendConnect(dst []byte, s *slot, fieldLabel string, how style) []byte {
	t := s.typ
	dst = append(append(append(dst, `{"type":"`...), t.connect...), '"')
	dst = appendParts(dst, t, how)
	dst = strconv.AppendBool(append(dst, `,"optional":`...), s.optional)
	if t.name != "" {
		dst = appendText(append(dst, `,"name":`...), t.name)
	}
	if t.version != "" {
		dst = append(append(dst, `,"version":`...), t.version...)
	}
	if t.doc != "" {
		dst = appendText(append(dst, `,"doc":`...), t.doc)
	}
	if t.params != nil {
		dst = t.params.append(append(dst, `,"parameters":`...))
	}
	if t.def != nil {
		dst = appendDefault(append(dst, `,"default":`...), t, t.def, how)
	}
	if fieldLabel != "" {
		dst = appendText(append(dst, `,"field":`...), fieldLabel)
	}
	return append(dst, '}')
}

func appendText(dst []byte, s string) []byte { return appendJSONString(dst, []byte(s)) }

func appendParts(dst []byte, t *typ, how style) []byte {
	switch {
	case t.kind == schema.Record:
		dst = append(dst, `,"fields":[`...)
		for i := range t.fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendConnect(dst, &t.fields[i].slot, t.fields[i].name, how)
		}
		return append(dst, ']')
	case t.isPairs:
		entry := t.items.typ.fields
		dst = appendConnect(append(dst, `,"keys":`...), &entry[0].slot, "", how)
		return appendConnect(append(dst, `,"values":`...), &entry[1].slot, "", how)
	case t.kind == schema.Array:
		return appendConnect(append(dst, `,"items":`...), &t.items, "", how)
	case t.kind == schema.Map:
		dst = append(dst, `,"keys":{"type":"string","optional":false},"values":`...)
		return appendConnect(dst, &t.items, "", how)
	default:
		return dst
	}
}

// appendDefault writes a default, which Avro's JSON holds in plain form, as the value that it is.
func appendDefault(dst []byte, t *typ, def *tree, how style) []byte {
	if def.delim == 0 && def.value == nil {
		return append(dst, "null"...)
	}
	switch t.kind {
	case schema.Float, schema.Double:
		return appendDefaultNumber(dst, t, def, how)
	case schema.String:
		s, _ := def.value.(string)
		return appendText(dst, s)
	case schema.Bytes:
		s, _ := def.value.(string)
		return appendBytes(dst, latin1(s), t, how)
	case schema.Record:
		for i := range t.fields {
			f := &t.fields[i]
			dst = append(append(dst, separator(i, '{')), f.label...)
			dst = appendDefault(dst, f.slot.typ, orNull(def.get(schema.AvroName(f.name))), how)
		}
		return append(dst, '}')
	case schema.Array:
		dst = append(dst, '[')
		for i, item := range def.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendDefault(dst, t.items.typ, item, how)
		}
		return append(dst, ']')
	default:
		return def.append(dst)
	}
}

func appendDefaultNumber(dst []byte, t *typ, def *tree, how style) []byte {
	bits := 64
	if t.kind == schema.Float {
		bits = 32
	}
	text := string(def.append(nil))
	if s, ok := def.value.(string); ok {
		text = s // NaN and the infinities
	}
	v, err := strconv.ParseFloat(text, bits)
	if err != nil {
		return def.append(dst)
	}
	return appendNumber(dst, v, bits, how)
}

// latin1 is the bytes that Avro's JSON writes as characters of ISO-8859-1.
func latin1(s string) []byte {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		out = append(out, byte(r))
	}
	return out
}
