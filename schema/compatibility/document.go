package compatibility

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// decode reads one JSON value, numbers as they are written, and nothing after it.
func decode(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, invalid("it is empty")
		}
		return nil, invalid("it is not JSON: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, invalid("there is more after the end of the JSON value")
	}
	return doc, nil
}

// encode writes doc with sorted keys and without white space.
func encode(doc any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(doc); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// mapTypes is doc, a schema's JSON, with change applied to every JSON object that describes a type or a
// field, innermost first. Defaults and properties of other names are data and are left alone.
func mapTypes(doc any, change func(map[string]any) any) any {
	switch v := doc.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = mapTypes(e, change)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			switch k {
			case "type", "items", "values", "fields":
				e = mapTypes(e, change)
			}
			out[k] = e
		}
		return change(out)
	default:
		return doc
	}
}

// checkable is doc without what makes twmb/avro refuse a schema that Java takes: a logicalType that does
// not fit its type, which Java ignores, and aliases that two fields share. Neither changes what a
// default or a structure may be.
func checkable(doc any) any {
	return mapTypes(doc, func(t map[string]any) any {
		delete(t, "logicalType")
		delete(t, "aliases")
		return t
	})
}

// collapsed is doc with {"type":"int"} written as "int".
func collapsed(doc any) any {
	return mapTypes(doc, func(t map[string]any) any {
		if name, ok := t["type"].(string); ok && len(t) == 1 && primitives[name] {
			return name
		}
		return t
	})
}
