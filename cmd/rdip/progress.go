package main

import (
	"context"
	"fmt"
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
	p := progress{rows: s.Rows}
	elapsed := time.Since(s.Started).Seconds()
	if elapsed > 0 {
		p.rate = float64(s.Rows) / elapsed
	}
	if s.RowsExpected != nil && *s.RowsExpected > 0 {
		p.of = *s.RowsExpected
		p.done = min(1, float64(p.rows)/float64(p.of))
		if p.rate > 0 {
			p.left, p.known = time.Duration(float64(max(0, p.of-p.rows))/p.rate*float64(time.Second)), true
		}
	}
	return p
}

func reported(r snapshot.Report) progress {
	p := progress{rows: r.Rows, done: r.Done, rate: r.RowsPerSecond, left: r.Left, known: r.Left >= 0}
	for _, t := range r.Tables {
		p.of += max(0, t.Estimate)
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

// showProgress draws a bar on a terminal while one of the tasks copies its snapshot, until ctx ends. Elsewhere it
// does nothing: the log and the status say the same.
func showProgress(ctx context.Context, tasks func() []*source.Task) {
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
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
			if s := t.Status(); s.State == source.StateSnapshot {
				p := reported(s.Snapshot)
				line += fmt.Sprintf("%s %s %s  ", t.Name, p.bar(30), p.line())
			}
		}
		if line != "" || drawn {
			fmt.Fprintf(os.Stderr, "\r\x1b[K%s", line)
			drawn = line != ""
		}
	}
}
