package lines

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	operationWidth = 9  // "tombstone"
	keyWidth       = 10 // most are shorter; a longer one pushes its line
	widestTable    = 40 // a longer name pushes its line
)

// colours are the terminal's, by operation (ECMA-48, Select Graphic Rendition).
var colours = map[string]string{
	"create": "32", "update": "33", "delete": "31", "truncate": "1;31", "read": "36", "schema": "35", "tombstone": "2", "message": "34",
}

const faint = "2"

// printLine writes time, table, operation, key, what happened, and how long ago.
func (p *Printer) printLine(at time.Time, table, operation, key, what, since string) error {
	table, key = printable(table), printable(key)
	if n := utf8.RuneCountInString(table); n > p.widest {
		p.widest = min(n, widestTable)
	}
	line := p.paint(faint, clock(at)) + "  " + padded(table, p.widest) + "  " +
		p.paint(colours[operation], padded(operation, operationWidth)) + "  " + padded(key, keyWidth)
	if what != "" {
		line += "  " + what
	}
	if since != "" {
		line += "  " + p.paint(faint, "("+since+")")
	}
	return p.write([]byte(strings.TrimRight(line, " ")))
}

func (p *Printer) paint(colour, text string) string {
	if !p.Colour || colour == "" {
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
