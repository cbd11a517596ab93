package source

import (
	"encoding/base64"
	"slices"
	"unicode/utf8"

	"rdip/envelope"
	"rdip/schema"
)

// rowBody is a row as a dead letter has it: its columns in the source's text forms, as JSON that a person can repair it
// from. What is left out or disguised in records is not in it.
type rowBody struct {
	table  *schema.Table
	event  *envelope.Event
	hidden []bool // a column each
}

// appendKey appends an object of the key's columns; nothing where none is shown or known.
func (b rowBody) appendKey(dst []byte) []byte {
	row := b.event.After
	if row == nil {
		row = b.event.Before
	}
	at := len(dst)
	if row == nil {
		return dst
	}
	dst = b.appendColumns(dst, row, b.table.Key)
	if string(dst[at:]) == "{}" {
		return dst[:at]
	}
	return dst
}

// appendValue appends {"table","op","before","after","unavailable","left_out"}, without what there is nothing of.
func (b rowBody) appendValue(dst []byte) []byte {
	dst = appendText(append(dst, `{"table":`...), []byte(b.table.ID()))
	dst = append(dst, `,"op":"`...)
	dst = append(dst, byte(b.event.Op), '"')
	if b.event.Before != nil {
		columns := b.columns()
		if b.event.KeyOnly {
			columns = b.table.OldColumns()
		}
		dst = b.appendColumns(append(dst, `,"before":`...), b.event.Before, columns)
	}
	if b.event.After != nil {
		dst = b.appendColumns(append(dst, `,"after":`...), b.event.After, b.columns())
		dst = b.appendNames(dst, `,"unavailable":`, func(i int) bool { return !b.hidden[i] && b.event.After[i].State == envelope.Absent })
	}
	return append(b.appendNames(dst, `,"left_out":`, func(i int) bool { return b.hidden[i] }), '}')
}

func (b rowBody) columns() []int {
	all := make([]int, len(b.table.Columns))
	for i := range all {
		all[i] = i
	}
	return all
}

// appendColumns appends an object of the columns that are shown and known.
func (b rowBody) appendColumns(dst []byte, row envelope.Row, columns []int) []byte {
	dst = append(dst, '{')
	first := true
	for _, i := range columns {
		if b.hidden[i] || row[i].State == envelope.Absent {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendText(dst, []byte(b.table.Columns[i].Name)), ':')
		if row[i].State == envelope.Null {
			dst = append(dst, "null"...)
		} else {
			dst = appendText(dst, row[i].Wire)
		}
	}
	return append(dst, '}')
}

// appendNames appends a list of the columns that are wanted; nothing where none is.
func (b rowBody) appendNames(dst []byte, field string, wanted func(i int) bool) []byte {
	open := byte('[')
	for i := range b.table.Columns {
		if !wanted(i) {
			continue
		}
		if open == '[' {
			dst = append(dst, field...)
		}
		dst = appendText(append(dst, open), []byte(b.table.Columns[i].Name))
		open = ','
	}
	if open == '[' {
		return dst
	}
	return append(dst, ']')
}

// appendText appends a text as JSON; bytes that are none as {"base64": ...}.
func appendText(dst, text []byte) []byte {
	if !utf8.Valid(text) {
		dst = append(dst, `{"base64":"`...)
		return append(base64.StdEncoding.AppendEncode(dst, text), `"}`...)
	}
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i, c := range text {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, text[from:]...), '"')
}

// messageBody is a logical message as a dead letter has it. Its content is nil where it is too large to be read.
type messageBody struct{ prefix, content []byte }

func (b messageBody) appendKey(dst []byte) []byte {
	return append(appendText(append(dst, `{"prefix":`...), b.prefix), '}')
}

func (b messageBody) appendValue(dst []byte) []byte {
	if b.content == nil {
		return dst
	}
	dst = appendText(append(dst, `{"prefix":`...), b.prefix)
	return append(appendText(append(dst, `,"content":`...), b.content), '}')
}

// headBody is of a row of which only the beginning was read, so that its key may not be known, or no column at all.
type headBody struct{ rowBody }

func (b headBody) appendKey(dst []byte) []byte {
	if slices.ContainsFunc(b.table.Key, b.unread) {
		return dst
	}
	return b.rowBody.appendKey(dst)
}

func (b headBody) appendValue(dst []byte) []byte {
	if !slices.ContainsFunc(b.columns(), func(i int) bool { return !b.hidden[i] && !b.unread(i) }) {
		return dst
	}
	return b.rowBody.appendValue(dst)
}

func (b headBody) unread(i int) bool { return b.event.After[i].State == envelope.Absent }

// noBody is of a row that the reader could not hand over.
type noBody struct{}

func (noBody) appendKey(dst []byte) []byte   { return dst }
func (noBody) appendValue(dst []byte) []byte { return dst }
