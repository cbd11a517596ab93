package main

import (
	"fmt"
	"strings"
)

// markdown is the results as docs/BENCHMARKS.md shows them.
func (r *results) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", r.Conditions.String())
	if len(r.Options.Set) > 0 {
		fmt.Fprintf(&b, "**rdip with Kafka did not run with its defaults, but with %s.**\n\n", strings.Join(r.Options.Set, ", "))
	}
	r.quietness(&b)
	r.ratios(&b)
	r.costs(&b)
	r.memory(&b)
	r.latency(&b)
	return b.String()
}

func (r *results) quietness(b *strings.Builder) {
	most, measurements, loud := r.busiest()
	if measurements == 0 {
		return
	}
	fmt.Fprintf(b, "%d rounds. Just before the %d measurements the machine was at most %.0f%% busy, and above %d%% before %d of them.",
		r.Options.Rounds, measurements, most, quietPercent, loud)
	if r.Noise != nil {
		least, greatest := r.Noise.span()
		fmt.Fprintf(b, " %s against itself came to %.2f (%.2f to %.2f in single rounds): a ratio is no better known than that.",
			r.Noise.Reference, r.Noise.ratio(), least, greatest)
	}
	if loud > 0 {
		b.WriteString(" **The machine was not quiet: these are no figures to keep.**")
	}
	b.WriteString("\n\n")
}

// ratios is the table of rates, each beside the reference's of the same rounds.
func (r *results) ratios(b *strings.Builder) {
	if len(r.Compared) == 0 {
		return
	}
	b.WriteString("| what | rdip over reference | single rounds | floor | verdict | rdip | reference |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for i := range r.Compared {
		c := &r.Compared[i]
		least, most := c.span()
		floor, verdict := "", "information"
		if c.Floor > 0 {
			floor, verdict = fmt.Sprintf("%.1f", c.Floor), mark(c.passed())
		}
		fmt.Fprintf(b, "| %s | **%.2f** | %.2f to %.2f | %s | %s | %s | %s: %s |\n", c.Title, c.ratio(), least, most, floor, verdict,
			rate(c.Rdip), c.Reference, rate(c.Tool))
	}
	b.WriteByte('\n')
}

// costs is the table of CPU time, in seconds a million rows.
func (r *results) costs(b *strings.Builder) {
	if len(r.Compared) == 0 {
		return
	}
	b.WriteString("CPU seconds a million rows, and rdip's memory:\n\n")
	b.WriteString("| what | rdip over reference client | rdip | reference client | PostgreSQL for rdip | PostgreSQL for the reference | Kafka | rdip's peak |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	client := perMillion(func(s sample) float64 { return s.ClientCPU })
	source := perMillion(func(s sample) float64 { return s.SourceCPU })
	kafka := perMillion(func(s sample) float64 { return s.KafkaCPU })
	for i := range r.Compared {
		c := &r.Compared[i]
		broker := ""
		if k := median(c.Rdip, kafka); k > 0 {
			broker = fmt.Sprintf("%.2f", k)
		}
		ratio := ""
		if tool := median(c.Tool, client); tool > 0 {
			ratio = fmt.Sprintf("**%.2f**", median(c.Rdip, client)/tool)
		}
		fmt.Fprintf(b, "| %s | %s | %.2f | %.2f | %.2f | %.2f | %s | %.0f MiB |\n", c.Title, ratio,
			median(c.Rdip, client), median(c.Tool, client), median(c.Rdip, source), median(c.Tool, source), broker,
			median(c.Rdip, func(s sample) float64 { return mib(s.Peak) }))
	}
	b.WriteByte('\n')
}

func (r *results) memory(b *strings.Builder) {
	if len(r.Memory) == 0 {
		return
	}
	b.WriteString("| `rdip run` into Apache Kafka, most memory resident (VmHWM) since its start | peak | bound | verdict |\n| --- | --- | --- | --- |\n")
	for _, m := range r.Memory {
		fmt.Fprintf(b, "| %s | %.1f MiB | %.0f MiB | %s |\n", m.Title, mib(m.Peak), mib(m.Limit), mark(m.passed()))
	}
	b.WriteByte('\n')
}

func (r *results) latency(b *strings.Builder) {
	l := r.Latency
	if l == nil {
		return
	}
	fmt.Fprintf(b, "| %d transactions a second, a row each | p50 | p99 | records | a second |\n| --- | --- | --- | --- | --- |\n", l.PerSecond)
	for _, side := range []struct {
		what string
		p    percentiles
	}{{"rdip: from the commit in PostgreSQL to the consumer", l.Rdip}, {"rdip, exactly once: to a consumer of committed records", l.Exactly}, {"Kafka alone: from the producer's call to the consumer", l.Kafka}} {
		fmt.Fprintf(b, "| %s | %.1f ms | %.1f ms | %d | %.0f |\n", side.what, side.p.P50, side.p.P99, side.p.N, side.p.PerSecond)
	}
	if l.Kafka.P50 > 0 && l.Kafka.P99 > 0 {
		fmt.Fprintf(b, "| rdip over Kafka alone | **%.1f** | **%.1f** | | |\n", l.Rdip.P50/l.Kafka.P50, l.Rdip.P99/l.Kafka.P99)
	}
	b.WriteByte('\n')
}

// rate is the median rate of samples, in rows and bytes of the source.
func rate(samples []sample) string {
	bytes := median(samples, func(s sample) float64 { return float64(s.Bytes) / s.Seconds })
	return fmt.Sprintf("%.0f k rows/s, %.0f MB/s", median(samples, sample.rate)/1000, bytes/1e6)
}

func mark(passed bool) string {
	if passed {
		return "PASS"
	}
	return "**FAIL**"
}
