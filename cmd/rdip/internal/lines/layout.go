package lines

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	operationWidth = 9 // "tombstone"
	// A longer name or key pushes its line.
	widestTable = 40
	widestKey   = 24
)

// width is that of a column of the text, which grows with what is in it.
type width int

// fit pads s, and remembers how much room it took, up to most.
func (w *width) fit(s string, most int) string {
	*w = max(*w, width(min(utf8.RuneCountInString(s), most)))
	return padded(s, int(*w))
}

// Reserve gives the columns of tables and keys their width before the first line, so that the lines stand one
// below the other from the beginning.
func (p *Printer) Reserve(table, key string) {
	p.table.fit(table, widestTable)
	p.key.fit(key, widestKey)
}

// colours are the terminal's, by operation (ECMA-48, Select Graphic Rendition).
var colours = map[string]string{
	"create": "32", "update": "33", "delete": "31", "truncate": "1;31", "read": "36", "schema": "35", "tombstone": "2", "message": "34",
}

const faint = "2"

// printLine writes time, table, operation, key, what happened, and how long ago.
func (p *Printer) printLine(at time.Time, table, operation, key, what, since string) error {
	table, key = printable(table), printable(key)
	line := p.paint(faint, clock(at)) + "  " + p.table.fit(table, widestTable) + "  " +
		p.paint(colours[operation], padded(operation, operationWidth)) + "  " + p.key.fit(key, widestKey)
	if what != "" {
		line += "  " + what
	}
	if since != "" {
		line += "  " + p.paint(faint, "("+since+")")
	}
	return p.write([]byte(strings.TrimRight(line, " ")))
}

func (p *Printer) paint(colour, text string) string {
	if !p.Colour || colour == "" || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func padded(s string, width int) string {
	if n := width - utf8.RuneCountInString(s); n > 0 {
		return s + strings.Repeat(" ", n)
	}
	return s
}

// clock is the time of day, with the date where it is not today.
func clock(t time.Time) string {
	t = t.Local()
	if t.Format(time.DateOnly) != time.Now().Format(time.DateOnly) {
		return t.Format("2006-01-02 15:04:05.000")
	}
	return t.Format("15:04:05.000")
}

// Title writes a line of the program's own, which is of no record.
func (p *Printer) Title(text string) {
	fmt.Fprintln(p.Out, p.paint(faint, text))
}
