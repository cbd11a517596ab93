package deadletter

import (
	"slices"

	"rdip/connect/source/records"
	"rdip/envelope"
	"rdip/schema"
)

// Whole is a row as a dead letter has it: its columns in the source's text forms, as JSON that a person can repair it
// from. What is left out or disguised in records is not in it.
type Whole struct {
	Table  *schema.Table
	Event  *envelope.Event
	Hidden []bool // a column each
}

// appendKey appends an object of the key's columns; nothing where none is shown or known.
func (b Whole) appendKey(dst []byte) []byte {
	row := b.Event.After
	if row == nil {
		row = b.Event.Before
	}
	at := len(dst)
	if row == nil {
		return dst
	}
	dst = b.appendColumns(dst, row, b.Table.Key)
	if string(dst[at:]) == "{}" {
		return dst[:at]
	}
	return dst
}

// appendValue appends {"table","op","before","after","unavailable","left_out"}, without what there is nothing of.
func (b Whole) appendValue(dst []byte) []byte {
	dst = records.AppendText(append(dst, `{"table":`...), []byte(b.Table.ID()))
	dst = append(dst, `,"op":"`...)
	dst = append(dst, byte(b.Event.Op), '"')
	if b.Event.Before != nil {
		columns := b.columns()
		if b.Event.KeyOnly {
			columns = b.Table.OldColumns()
		}
		dst = b.appendColumns(append(dst, `,"before":`...), b.Event.Before, columns)
	}
	if b.Event.After != nil {
		dst = b.appendColumns(append(dst, `,"after":`...), b.Event.After, b.columns())
		dst = b.appendNames(dst, `,"unavailable":`, func(i int) bool { return !b.Hidden[i] && b.Event.After[i].State == envelope.Absent })
	}
	return append(b.appendNames(dst, `,"left_out":`, func(i int) bool { return b.Hidden[i] }), '}')
}

func (b Whole) columns() []int {
	all := make([]int, len(b.Table.Columns))
	for i := range all {
		all[i] = i
	}
	return all
}

// appendColumns appends an object of the columns that are shown and known.
func (b Whole) appendColumns(dst []byte, row envelope.Row, columns []int) []byte {
	dst = append(dst, '{')
	first := true
	for _, i := range columns {
		if b.Hidden[i] || row[i].State == envelope.Absent {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(records.AppendText(dst, []byte(b.Table.Columns[i].Name)), ':')
		if row[i].State == envelope.Null {
			dst = append(dst, "null"...)
		} else {
			dst = records.AppendText(dst, row[i].Wire)
		}
	}
	return append(dst, '}')
}

// appendNames appends a list of the columns that are wanted; nothing where none is.
func (b Whole) appendNames(dst []byte, field string, wanted func(i int) bool) []byte {
	open := byte('[')
	for i := range b.Table.Columns {
		if !wanted(i) {
			continue
		}
		if open == '[' {
			dst = append(dst, field...)
		}
		dst = records.AppendText(append(dst, open), []byte(b.Table.Columns[i].Name))
		open = ','
	}
	if open == '[' {
		return dst
	}
	return append(dst, ']')
}

// Message is a logical message as a dead letter has it. Its content is nil where it is too large to be read.
type Message struct{ Prefix, Content []byte }

func (b Message) appendKey(dst []byte) []byte {
	return append(records.AppendText(append(dst, `{"prefix":`...), b.Prefix), '}')
}

func (b Message) appendValue(dst []byte) []byte {
	if b.Content == nil {
		return dst
	}
	dst = records.AppendText(append(dst, `{"prefix":`...), b.Prefix)
	return append(records.AppendText(append(dst, `,"content":`...), b.Content), '}')
}

// Head is of a row of which only the beginning was read, so that its key may not be known, or no column at all.
type Head struct{ Whole }

func (b Head) appendKey(dst []byte) []byte {
	if slices.ContainsFunc(b.Table.Key, b.unread) {
		return dst
	}
	return b.Whole.appendKey(dst)
}

func (b Head) appendValue(dst []byte) []byte {
	if !slices.ContainsFunc(b.columns(), func(i int) bool { return !b.Hidden[i] && !b.unread(i) }) {
		return dst
	}
	return b.Whole.appendValue(dst)
}

func (b Head) unread(i int) bool { return b.Event.After[i].State == envelope.Absent }

// Unknown is of a row that the reader could not hand over.
type Unknown struct{}

func (Unknown) appendKey(dst []byte) []byte   { return dst }
func (Unknown) appendValue(dst []byte) []byte { return dst }
