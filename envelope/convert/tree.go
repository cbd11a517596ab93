package convert

import (
	"encoding/json"
	"fmt"
	"strings"
)

// tree is a JSON text with the order of its names kept, which Connect's schemas show again.
type tree struct {
	delim byte     // '{', '[', or 0 for a scalar
	names []string // of an object, one an item
	items []*tree
	value any // of a scalar: string, json.Number, bool, or nil
}

func parseTree(text string) (*tree, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	t, err := readTree(d)
	if err != nil {
		return nil, fmt.Errorf("the schema is not JSON: %w", err)
	}
	return t, nil
}

func readTree(d *json.Decoder) (*tree, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return &tree{value: token}, nil
	}
	t := &tree{delim: byte(delim)}
	for d.More() {
		if delim == '{' {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			t.names = append(t.names, name.(string))
		}
		item, err := readTree(d)
		if err != nil {
			return nil, err
		}
		t.items = append(t.items, item)
	}
	_, err = d.Token()
	return t, err
}

// get is an object's member, nil where there is none.
func (t *tree) get(name string) *tree {
	for i, n := range t.names {
		if n == name {
			return t.items[i]
		}
	}
	return nil
}

// text is an object's member that is a string, "" where there is none.
func (t *tree) text(name string) string {
	m := t.get(name)
	if m == nil {
		return ""
	}
	s, _ := m.value.(string)
	return s
}

// without is a copy of an object that lacks a member.
func (t *tree) without(name string) *tree {
	out := &tree{delim: t.delim, value: t.value}
	if t.delim != '{' {
		out.items = t.items
		return out
	}
	for i, n := range t.names {
		if n != name {
			out.names, out.items = append(out.names, n), append(out.items, t.items[i])
		}
	}
	return out
}

// append writes the JSON again, without white space.
func (t *tree) append(dst []byte) []byte {
	if t.delim == 0 {
		return appendScalar(dst, t.value)
	}
	dst = append(dst, t.delim)
	for i, item := range t.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		if t.delim == '{' {
			dst = append(appendText(dst, t.names[i]), ':')
		}
		dst = item.append(dst)
	}
	return append(dst, t.delim+2) // '}' and ']' stand two behind '{' and '['
}

func appendScalar(dst []byte, value any) []byte {
	if s, ok := value.(string); ok {
		return appendText(dst, s)
	}
	text, _ := json.Marshal(value) // numbers, booleans and null always marshal
	return append(dst, text...)
}
