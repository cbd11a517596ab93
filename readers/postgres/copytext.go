package postgres

import (
	"bytes"
	"errors"

	"rdip/envelope"
)

// What can be wrong with a row of COPY. They are made once, since a reader must not allocate.
var (
	errCopyEnd     = errors.New("it does not end with a newline")
	errCopyEscape  = errors.New("it has a backslash sequence that COPY TO does not write")
	errCopyTooMany = errors.New("it has more fields than were asked for")
	errCopyTooFew  = errors.New("it has fewer fields than were asked for")
	copyNull       = []byte(`\N`)
	copyEscapes    = [256]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '\\': '\\'}
)

// splitCopyRow cuts one row of COPY's text format into row, which has as many values as were asked for. The
// values are slices of line, which is unescaped in place, with their capacity cut. What is left is the text
// that pgoutput would send (G10): CopyAttributeOutText in copyto.c escapes no other bytes than these, and
// writes NULL as \N, which no escaped text can be.
func splitCopyRow(line []byte, row envelope.Row) error {
	n := len(line) - 1
	if n < 0 || line[n] != '\n' {
		return errCopyEnd
	}
	line = line[:n:n]
	if len(row) == 0 {
		if n != 0 {
			return errCopyTooMany
		}
		return nil
	}
	escape := bytes.IndexByte(line, '\\')
	if escape < 0 {
		escape = n
	}
	from := 0
	for i := range row {
		if from > n {
			return errCopyTooFew
		}
		end := n
		if tab := bytes.IndexByte(line[from:], '\t'); tab >= 0 {
			end = from + tab
		}
		field := line[from:end:end]
		from = end + 1
		if escape >= end {
			row[i] = envelope.Value{State: envelope.Present, Wire: field}
			continue
		}
		if err := unescapeField(field, &row[i]); err != nil {
			return err
		}
		if escape = bytes.IndexByte(line[min(from, n):], '\\'); escape < 0 {
			escape = n
		} else {
			escape += min(from, n)
		}
	}
	if from <= n {
		return errCopyTooMany
	}
	return nil
}

// splitCopyHead reads of the beginning of a row those fields that are whole, as splitCopyRow does, and says how many they
// are; the others are Absent. A field is whole before a tab: inside a field COPY writes \t for one.
func splitCopyHead(head []byte, row envelope.Row) (whole int, err error) {
	for i := range row {
		row[i] = envelope.Value{State: envelope.Absent}
	}
	for whole < len(row) {
		end := bytes.IndexByte(head, '\t')
		if end < 0 {
			return whole, nil
		}
		field := head[:end:end]
		head = head[end+1:]
		row[whole] = envelope.Value{State: envelope.Present, Wire: field}
		if bytes.IndexByte(field, '\\') >= 0 {
			if err := unescapeField(field, &row[whole]); err != nil {
				return whole, err
			}
		}
		whole++
	}
	return whole, nil
}

// unescapeField reads a field that has a backslash.
func unescapeField(field []byte, v *envelope.Value) error {
	if bytes.Equal(field, copyNull) {
		*v = envelope.Value{}
		return nil
	}
	w := bytes.IndexByte(field, '\\')
	for r := w; r < len(field); w++ {
		c := field[r]
		r++
		if c == '\\' {
			if r == len(field) {
				return errCopyEscape
			}
			if c = copyEscapes[field[r]]; c == 0 {
				return errCopyEscape
			}
			r++
		}
		field[w] = c
	}
	*v = envelope.Value{State: envelope.Present, Wire: field[:w:w]}
	return nil
}
