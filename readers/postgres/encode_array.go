package postgres

import (
	"encoding/binary"

	"rdip/envelope"
)

// arrayEncoder is an Avro array of one block with nullable items, each through the encoder of the element's
// type. The lower bounds of array_out ([0:2]={...}) are not part of the value, as in Debezium. An array of
// several dimensions is refused: an Avro array of items has no place for its shape.
func arrayEncoder(item envelope.ColumnEncoder, delimiter byte) envelope.ColumnEncoder {
	return func(dst, wire []byte) ([]byte, error) {
		body, ok := arrayBody(wire)
		if !ok {
			return dst, malformed("an array")
		}
		items := arrayScanner{rest: body, delimiter: delimiter}
		count := items.count()
		if items.nested {
			return dst, errDimensions
		}
		if items.bad {
			return dst, malformed("an array")
		}
		if count > 0 {
			dst = binary.AppendVarint(dst, int64(count))
		}
		var err error
		for items.rest = body; count > 0 && items.next(); count-- {
			if dst, err = items.appendItem(dst, item); err != nil {
				return dst, err
			}
		}
		return append(dst, 0), nil
	}
}

var errDimensions = unholdable("an array of more than one dimension, whose shape an Avro array cannot hold",
	"change the row, or take the table out of table.include.list")

// arrayBody is what stands between the outer braces, behind the bounds.
func arrayBody(wire []byte) ([]byte, bool) {
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
			return nil, false
		}
		wire = s.b
	}
	if len(wire) < 2 || wire[0] != '{' || wire[len(wire)-1] != '}' {
		return nil, false
	}
	return wire[1 : len(wire)-1], true
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
		return append(dst, unionNull), nil
	}
	if !a.escaped {
		return item(append(dst, unionValue), a.item)
	}
	mark := len(dst)
	dst = appendUnescaped(dst, a.item)
	end := len(dst)
	dst, err := item(append(dst, unionValue), dst[mark:end:end])
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
