package types

import (
	"encoding/binary"
	"fmt"

	"rdip/envelope"
)

// arrayEncoder is Avro arrays of one block, nested as deep as there are dimensions, the innermost with nullable
// items, each through the encoder of the element's type. An empty array fits any number of dimensions. A value of
// another number is refused, since the schema has no place for its shape; so is one with other lower bounds than 1
// ([0:2]={...}), unless boundless says that they are dropped, as Debezium drops them.
func arrayEncoder(item envelope.ColumnEncoder, delimiter byte, dimensions int, boundless bool) envelope.ColumnEncoder {
	a := &nesting{item: item, delimiter: delimiter, wrong: dimensionsError(dimensions)}
	return func(dst, wire []byte) ([]byte, error) {
		body, bounds, ok := arrayBody(wire)
		switch {
		case !ok:
			return dst, errArray
		case bounds && !boundless:
			return dst, errBounds
		case len(body) == 0:
			return append(dst, 0), nil
		}
		return a.encode(dst, body, dimensions)
	}
}

const errArray = malformed("an array")

var errBounds = unholdable("an array whose lower bounds are not 1, which an Avro array has no place for",
	"array.handling.mode: text, or change the row")

func dimensionsError(dimensions int) error {
	return unholdable(fmt.Sprintf("an array of other dimensions than the %d that its column is declared with, so that its schema has no place for its shape", dimensions),
		"array.handling.mode: text, or declare the column with the dimensions that it has, or change the row")
}

// nesting is the arrays of one column. It is read only.
type nesting struct {
	item      envelope.ColumnEncoder
	delimiter byte
	wrong     error // of a value with another number of dimensions
}

// encode appends what stands between the braces of an array that has so many dimensions, and is not empty.
func (a *nesting) encode(dst, body []byte, dimensions int) ([]byte, error) {
	if dimensions == 1 {
		return a.encodeItems(dst, body)
	}
	count := 0
	for rest := body; len(rest) > 0; count++ {
		var err error
		if _, rest, err = a.subarray(rest); err != nil {
			return dst, err
		}
	}
	dst = binary.AppendVarint(dst, int64(count))
	for rest := body; len(rest) > 0; {
		var inner []byte
		var err error
		if inner, rest, err = a.subarray(rest); err != nil {
			return dst, err
		}
		if dst, err = a.encode(dst, inner, dimensions-1); err != nil {
			return dst, err
		}
	}
	return append(dst, 0), nil
}

// subarray cuts the first of several arrays, which are never empty, off and gives what is between its braces.
func (a *nesting) subarray(b []byte) (inner, rest []byte, err error) {
	if b[0] != '{' {
		return nil, nil, a.wrong
	}
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{':
			depth++
		case '}':
			if depth--; depth > 0 {
				continue
			}
			inner, rest = b[1:i], b[i+1:]
			if len(rest) > 1 && rest[0] == a.delimiter {
				return inner, rest[1:], nil
			}
			if len(rest) > 0 || len(inner) == 0 {
				return nil, nil, errArray
			}
			return inner, nil, nil
		}
	}
	return nil, nil, errArray
}

// encodeItems appends the innermost arrays, which have at least one item.
func (a *nesting) encodeItems(dst, body []byte) ([]byte, error) {
	items := arrayScanner{rest: body, delimiter: a.delimiter}
	count := items.count()
	if items.nested {
		return dst, a.wrong
	}
	if items.bad {
		return dst, errArray
	}
	dst = binary.AppendVarint(dst, int64(count))
	var err error
	for items.rest = body; count > 0 && items.next(); count-- {
		if dst, err = items.appendItem(dst, a.item); err != nil {
			return dst, err
		}
	}
	return append(dst, 0), nil
}

// arrayBody is what stands between the outer braces, behind the bounds if there are any.
func arrayBody(wire []byte) (body []byte, bounds, ok bool) {
	if len(wire) > 0 && wire[0] == '[' {
		s := scanner{b: wire}
		for s.take('[') {
			s.take('-')
			s.number(1, 10)
			s.want(':')
			s.take('-')
			s.number(1, 10)
			s.want(']')
		}
		s.want('=')
		if s.bad {
			return nil, true, false
		}
		wire, bounds = s.b, true
	}
	if len(wire) < 2 || wire[0] != '{' || wire[len(wire)-1] != '}' {
		return nil, bounds, false
	}
	return wire[1 : len(wire)-1], bounds, true
}

// arrayScanner walks over the items of one dimension.
type arrayScanner struct {
	rest      []byte
	delimiter byte
	item      []byte // as array_out wrote it, without its quotes
	quoted    bool
	escaped   bool // the item has backslashes to take out
	more      bool // a delimiter was behind the item
	nested    bool // there is another dimension
	bad       bool
}

// count is how many items there are; it leaves the scanner at their end.
func (a *arrayScanner) count() int {
	n := 0
	for a.next() {
		n++
	}
	if a.more {
		a.bad = true
	}
	return n
}

// next finds the next item.
func (a *arrayScanner) next() bool {
	if len(a.rest) == 0 || a.bad {
		return false
	}
	a.quoted, a.escaped, a.more = false, false, false
	if a.rest[0] == '{' {
		a.nested, a.bad = true, true
		return false
	}
	if a.rest[0] == '"' {
		return a.nextQuoted()
	}
	i := 0
	for i < len(a.rest) && a.rest[i] != a.delimiter {
		if c := a.rest[i]; c == '"' || c == '{' || c == '}' || c == '\\' {
			a.bad = true
			return false
		}
		i++
	}
	a.item = a.rest[:i]
	a.bad = i == 0
	return a.behind(i)
}

func (a *arrayScanner) nextQuoted() bool {
	for i := 1; i < len(a.rest); i++ {
		switch a.rest[i] {
		case '\\':
			a.escaped = true
			i++
		case '"':
			a.item, a.quoted = a.rest[1:i], true
			return a.behind(i + 1)
		}
	}
	a.bad = true
	return false
}

// behind steps over the delimiter that must follow an item unless it is the last one.
func (a *arrayScanner) behind(i int) bool {
	a.rest = a.rest[i:]
	if len(a.rest) > 0 {
		if a.rest[0] != a.delimiter {
			a.bad = true
			return false
		}
		a.rest, a.more = a.rest[1:], true
	}
	return !a.bad
}

// appendItem appends the current item with its union's index. An escaped one is cleared of its backslashes
// behind the end of dst first.
func (a *arrayScanner) appendItem(dst []byte, item envelope.ColumnEncoder) ([]byte, error) {
	if !a.quoted && isNullWord(a.item) {
		return append(dst, envelope.UnionNull), nil
	}
	if !a.escaped {
		return item(append(dst, envelope.UnionValue), a.item)
	}
	mark := len(dst)
	dst = appendUnescaped(dst, a.item)
	end := len(dst)
	dst, err := item(append(dst, envelope.UnionValue), dst[mark:end:end])
	return dst[:mark+copy(dst[mark:], dst[end:])], err
}

// isNullWord: array_out writes NULL, and array_in knows it in any case.
func isNullWord(b []byte) bool {
	return len(b) == 4 && b[0]|0x20 == 'n' && b[1]|0x20 == 'u' && b[2]|0x20 == 'l' && b[3]|0x20 == 'l'
}

// appendUnescaped drops the backslash in front of any byte.
func appendUnescaped(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) {
			i++
		}
		dst = append(dst, b[i])
	}
	return dst
}
