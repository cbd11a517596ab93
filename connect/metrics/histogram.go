package metrics

import (
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	// firstBound is the upper bound of the first bucket; each further one is twice the one before it.
	firstBound = 250 * time.Microsecond
	bounds     = 20 // up to 131 s; what is longer is counted in the last bucket
)

// A Histogram counts durations, a batch at a time. The zero value is ready; Observe may be called by any
// goroutine, takes no lock and allocates nothing.
type Histogram struct {
	buckets [bounds + 1]atomic.Uint64
	nanos   atomic.Int64
}

// HistogramCounts is a Histogram at one moment.
type HistogramCounts struct {
	Buckets [bounds + 1]uint64 // not cumulative
	Sum     time.Duration
}

// Observe counts n things that took d each. A negative d, of clocks that disagree, counts as 0.
func (h *Histogram) Observe(d time.Duration, n uint64) {
	d = max(d, 0)
	h.buckets[bucket(d)].Add(n)
	h.nanos.Add(int64(d) * int64(n))
}

// bucket is the first whose bound is not below d.
func bucket(d time.Duration) int {
	if d <= firstBound {
		return 0
	}
	return min(bits.Len64(uint64((d-1)/firstBound)), bounds)
}

// Counts reads the histogram. What is observed meanwhile is in it or in the next one.
func (h *Histogram) Counts() HistogramCounts {
	var c HistogramCounts
	for i := range h.buckets {
		c.Buckets[i] = h.buckets[i].Load()
	}
	c.Sum = time.Duration(h.nanos.Load())
	return c
}

// cumulative gives the counts as Prometheus wants them: those at or below each bound, in seconds.
func (c HistogramCounts) cumulative() (count uint64, below map[float64]uint64) {
	below = make(map[float64]uint64, bounds)
	for i := range bounds {
		count += c.Buckets[i]
		below[(firstBound << i).Seconds()] = count
	}
	return count + c.Buckets[bounds], below
}

// Total is how many were counted.
func (c HistogramCounts) Total() uint64 {
	var total uint64
	for _, n := range c.Buckets {
		total += n
	}
	return total
}

// Quantile estimates the duration that a share q (0 to 1) of all is not above: the bound of its bucket. It
// is 0 when nothing was counted.
func (c HistogramCounts) Quantile(q float64) time.Duration {
	total := c.Total()
	var seen uint64
	for i, n := range c.Buckets {
		seen += n
		if seen > 0 && float64(seen) >= q*float64(total) {
			return firstBound << i
		}
	}
	return 0
}
