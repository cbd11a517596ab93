package lines

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"rdip/envelope"
)

// Tally counts events and how long after their commit they arrived. It belongs to one goroutine.
type Tally struct {
	events      int
	first, last time.Time
	// streamed counts the events of the log by their latency in ms. A snapshot's rows are not among them: their
	// time is the snapshot's, not a commit's.
	streamed map[int64]int
}

func (t *Tally) add(op envelope.Op, since time.Duration, received time.Time) {
	if t.events == 0 {
		t.first = received
	}
	t.events++
	t.last = received
	if op == envelope.Read {
		return
	}
	if t.streamed == nil {
		t.streamed = map[int64]int{}
	}
	t.streamed[max(0, since.Milliseconds())]++
}

// Events is how many were counted.
func (t *Tally) Events() int { return t.events }

// Summary is "N events, N/s, p50 N ms, p99 N ms": the rate is over the time from the first event to the last.
func (t *Tally) Summary() string {
	rate := float64(t.events)
	if span := t.last.Sub(t.first).Seconds(); span > 1 {
		rate /= span
	}
	return fmt.Sprintf("%d events, %.0f/s, p50 %d ms, p99 %d ms", t.events, rate, t.percentile(50), t.percentile(99))
}

// percentile is the least latency, in ms, that n in a hundred events of the log did not exceed.
func (t *Tally) percentile(n int) int64 {
	total := 0
	for _, count := range t.streamed {
		total += count
	}
	seen := 0
	for _, ms := range slices.Sorted(maps.Keys(t.streamed)) {
		if seen += t.streamed[ms]; seen*100 >= total*n {
			return ms
		}
	}
	return 0
}
