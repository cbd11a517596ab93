package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// result is what one run of a target did.
type result struct {
	target     target
	elapsed    time.Duration
	executions string
	added      string // entries of the corpus that reach code which no earlier one did
	ranOut     bool   // the time ended, of which go sometimes makes a failure without an input
	failed     bool
	output     string
}

// progress is a line of go's fuzzing (internal/fuzz): fuzz: elapsed: 3s, execs: 78 (26/sec), new interesting: 1 (total: 9)
var progress = regexp.MustCompile(`fuzz: elapsed: (\S+), execs: (\d+) \(\d+/sec\), new interesting: (\d+)`)

// resultOf reads what `go test -fuzz` printed; the last line of progress counts.
func resultOf(output string) result {
	r := result{executions: "0", added: "0", output: output}
	r.ranOut = strings.Contains(output, "context deadline exceeded") && !strings.Contains(output, "Failing input")
	if lines := progress.FindAllStringSubmatch(output, -1); len(lines) > 0 {
		last := lines[len(lines)-1]
		r.elapsed, _ = time.ParseDuration(last[1])
		r.executions, r.added = last[2], last[3]
	}
	return r
}

// row is the result as a line of the table.
func (r result) row() string {
	failures := "0"
	if r.failed {
		failures = "1, see below"
	}
	return fmt.Sprintf("| %s | %.0f | %s | %s | %s |", r.target, r.elapsed.Seconds(), r.executions, r.added, failures)
}
