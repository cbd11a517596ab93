package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// tree is a JSON text with the order of its names kept, which Connect's schemas show again.
type tree struct {
	delim byte     // '{', '[', or 0 for a scalar
	names []string // of an object, one an item
	items []*tree
	value any // of a scalar: string, json.Number, bool, or nil

	at map[string]int // of an object with many names: their places
}

// mostNested is how deep JSON may be nested, as Jackson's StreamReadConstraints have it: a row may hold any text.
const mostNested = 1000

// mostValues is how many values a text may hold: in memory each takes a hundred bytes and more.
const mostValues = 200_000

// manyNames is from how many names on an object has an index of them.
const manyNames = 16

var (
	errNested = fmt.Errorf("it is nested more than %d deep", mostNested)
	errValues = fmt.Errorf("it holds more than %d values", mostValues)
	errBehind = errors.New("there is more behind the value")
)

// parseTree reads the whole of a text. Of a name that an object has twice, the last value is taken, as Jackson does.
func parseTree(text string) (*tree, error) {
	d := treeReader{Decoder: json.NewDecoder(strings.NewReader(text)), left: mostValues}
	d.UseNumber()
	t, err := d.read(0)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errBehind
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the text is not JSON: %w", err)
	}
	return t, nil
}

type treeReader struct {
	*json.Decoder
	left int // of values
}

func (d *treeReader) read(depth int) (*tree, error) {
	if depth > mostNested {
		return nil, errNested
	}
	if d.left--; d.left < 0 {
		return nil, errValues
	}
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
		var name string
		if delim == '{' {
			token, err := d.Token()
			if err != nil {
				return nil, err
			}
			name = token.(string)
		}
		item, err := d.read(depth + 1)
		if err != nil {
			return nil, err
		}
		t.add(name, item)
	}
	_, err = d.Token()
	return t, err
}

// add puts an item behind the others, or an object's member in the place of its namesake.
func (t *tree) add(name string, item *tree) {
	if t.delim == '{' {
		if i := t.index(name); i >= 0 {
			t.items[i] = item
			return
		}
		t.names = append(t.names, name)
		if t.at != nil {
			t.at[name] = len(t.items)
		}
	}
	t.items = append(t.items, item)
	if t.at == nil && len(t.names) > manyNames {
		t.at = make(map[string]int, 2*len(t.names))
		for i, n := range t.names {
			t.at[n] = i
		}
	}
}

// index is a name's place in an object, -1 where there is none.
func (t *tree) index(name string) int {
	if t.at != nil {
		if i, ok := t.at[name]; ok {
			return i
		}
		return -1
	}
	return slices.Index(t.names, name)
}

// get is an object's member, nil where there is none.
func (t *tree) get(name string) *tree {
	if i := t.index(name); i >= 0 {
		return t.items[i]
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
