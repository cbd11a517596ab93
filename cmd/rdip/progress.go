package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"rdip/connect/rest"
	"rdip/connect/source"
	"rdip/snapshot"
)

// progress is how far a snapshot is, for people.
type progress struct {
	rows  int64
	of    int64 // an estimate, 0 where unknown
	done  float64
	rate  float64 // rows a second
	left  time.Duration
	known bool // left is
}

// progressOf is the progress that the daemon's status tells.
func progressOf(s *rest.SnapshotDetails) progress {
	p := progress{rows: s.Rows, done: s.Done, rate: s.RowsPerSecond}
	if s.RowsExpected != nil {
		p.of = *s.RowsExpected
	}
	if s.SecondsLeft != nil {
		p.left, p.known = time.Duration(*s.SecondsLeft)*time.Second, true
	}
	return p
}

func reported(r snapshot.Report) progress {
	p := progress{rows: r.Rows, done: r.Done, rate: r.RowsPerSecond, left: r.Left, known: r.Left >= 0}
	for _, t := range r.Tables {
		if t.Estimate < 0 || t.Filtered || t.Keys > 0 {
			p.of = 0 // nobody knows
			break
		}
		p.of += t.Estimate
	}
	return p
}

// line is one line: rows, rate and time left.
func (p progress) line() string {
	s := fmt.Sprintf("%3.0f%%  %d rows", 100*p.done, p.rows)
	if p.of > 0 {
		s += fmt.Sprintf(" of about %d", p.of)
	}
	s += fmt.Sprintf("  %.0f rows/s", p.rate)
	if p.known {
		s += fmt.Sprintf("  %s left", p.left.Round(time.Second))
	}
	return s
}

// bar draws the share that is done.
func (p progress) bar(width int) string {
	full := int(p.done * float64(width))
	return "[" + strings.Repeat("=", full) + strings.Repeat(" ", width-full) + "]"
}

// eraseLine takes a bar off a terminal's last line.
const eraseLine = "\r\x1b[K"

// overBar writes lines of the log to a terminal, each over the bar that may be on its last line.
type overBar struct{ terminal io.Writer }

func (w overBar) Write(line []byte) (int, error) {
	_, err := w.terminal.Write(append([]byte(eraseLine), line...))
	return len(line), err
}

// showProgress draws a bar on a terminal while one of the tasks reads tables, before its stream or beside it, until ctx
// ends. Elsewhere it logs how far they are, every so often.
func showProgress(ctx context.Context, tasks func() []*source.Task, log *slog.Logger) {
	if !isTerminal(os.Stderr) {
		logProgress(ctx, tasks, log)
		return
	}
	drawn := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
		line := ""
		for _, t := range tasks() {
			if s := t.Status(); s.Copies() {
				p := reported(s.Snapshot)
				line += fmt.Sprintf("%s %s %s  ", t.Name, p.bar(30), p.line())
			}
		}
		if line != "" || drawn {
			fmt.Fprintf(os.Stderr, eraseLine+"%s", line)
			drawn = line != ""
		}
	}
}

// logEvery is the time between two lines of the log on how far the reading of tables is.
const logEvery = 30 * time.Second

// logProgress logs how far each task is that reads tables, until ctx ends.
func logProgress(ctx context.Context, tasks func() []*source.Task, log *slog.Logger) {
	tick := time.NewTicker(logEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, t := range tasks() {
			if s := t.Status(); s.Copies() {
				log.Info("tables are being read", append([]any{"connector", t.Name}, reported(s.Snapshot).attributes()...)...)
			}
		}
	}
}

// attributes are the same as line, for the log.
func (p progress) attributes() []any {
	all := []any{"done", fmt.Sprintf("%.0f%%", 100*p.done), "rows", p.rows}
	if p.of > 0 {
		all = append(all, "of_about", p.of)
	}
	all = append(all, "rows_per_second", int64(p.rate))
	if p.known {
		all = append(all, "left", p.left.Round(time.Second))
	}
	return all
}
