package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// results is all that one run of the program has measured.
type results struct {
	Options    options
	Conditions conditions
	Noise      *compared // the reference tool of the log against itself; nil where no log was measured
	Compared   []compared
	Latency    *latencies // nil where it was not measured
	Memory     []bound
}

// compared is what comparison has measured; the samples of one round have the same index.
type compared struct {
	Name, Title, Reference string
	Floor                  float64 // 0: none
	Tool, Rdip             []sample
}

// ratio is the candidate's rate over the reference's, medians of both.
func (c *compared) ratio() float64 {
	return median(c.Rdip, sample.rate) / median(c.Tool, sample.rate)
}

// span is the least and the greatest ratio of any round.
func (c *compared) span() (least, most float64) {
	ratios := make([]float64, len(c.Rdip))
	for i := range c.Rdip {
		ratios[i] = c.Rdip[i].rate() / c.Tool[i].rate()
	}
	return slices.Min(ratios), slices.Max(ratios)
}

func (c *compared) passed() bool { return c.ratio() >= c.Floor }

// passed says whether every floor and every bound is met.
func (r *results) passed() bool {
	for i := range r.Compared {
		if !r.Compared[i].passed() {
			return false
		}
	}
	for _, b := range r.Memory {
		if !b.passed() {
			return false
		}
	}
	return true
}

// busiest is how busy the machine was, at most, just before a measurement, in percent.
func (r *results) busiest() (most float64, measurements, loud int) {
	all := slices.Clone(r.Compared)
	if r.Noise != nil {
		all = append(all, *r.Noise)
	}
	for _, c := range all {
		for _, s := range slices.Concat(c.Tool, c.Rdip) {
			most = max(most, s.BusyBefore)
			measurements++
			if s.BusyBefore > quietPercent {
				loud++
			}
		}
	}
	return most, measurements, loud
}

// summary is the percentiles of times in milliseconds.
func summary(waits []float64, perSecond float64) percentiles {
	slices.Sort(waits)
	if len(waits) == 0 {
		return percentiles{}
	}
	at := func(p float64) float64 { return waits[int(p*float64(len(waits)-1))] }
	return percentiles{N: len(waits), PerSecond: perSecond, P50: at(0.50), P99: at(0.99)}
}

// write prints the table, and writes the files that were asked for.
func (r *results) write(o options) error {
	table := r.markdown()
	fmt.Print(table)
	if o.Out != "" {
		if err := os.WriteFile(o.Out, []byte(table), 0o644); err != nil {
			return err
		}
	}
	if o.JSON == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(o.JSON, append(text, '\n'), 0o644)
}
