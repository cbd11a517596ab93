package envelope

import (
	"bytes"

	"rdip/schema"
)

// keyField is one field of the key: a column, written as the key has it.
type keyField struct {
	column
	at int // of the column in its table
}

// compileKey chooses how the key is written: as the columns are, or as KeyColumns says.
func (x *Encoder) compileKey(o Options) {
	l := x.Layout
	x.key = make([]keyField, len(l.Table.Key))
	for i, k := range l.Table.Key {
		encode := l.Columns[k]
		if l.KeyColumns != nil {
			encode = l.KeyColumns[i]
		}
		x.key[i] = keyField{column: compile(l.Table.KeyField(i), encode, o), at: k}
	}
	if l.Table.KeySuffix != "" {
		x.suffix = AppendString(nil, l.KeySuffix)
	}
}

// compileMask writes the same for every value, known or not: a mask says nothing of what it hides.
func compileMask(c *schema.Column, value byte) column {
	mask := c.Mask
	out := column{encode: func(dst, _ []byte) ([]byte, error) { return append(dst, mask...), nil }, masked: true}
	whole := mask
	if c.Nullable {
		out.present = []byte{value}
		whole = append([]byte{value}, mask...)
	}
	out.null, out.unknown, out.absent = whole, whole, whole
	return out
}

// carried says whether a record shows that the log did not carry the column's value.
func (c *column) carried() bool { return c.encode != nil && !c.masked }

// Unchanged says whether an update is known to leave every column as it was that records show: the whole old
// row is known, and wire forms are the source's canonical ones.
func (x *Encoder) Unchanged(e *Event) bool {
	if e.Op != Update || e.Before == nil || e.KeyOnly {
		return false
	}
	for i := range x.columns {
		b, a := e.Before[i], e.After[i]
		if !x.columns[i].carried() || a.State == Absent {
			continue
		}
		if b.State != a.State || !bytes.Equal(b.Wire, a.Wire) {
			return false
		}
	}
	return true
}
