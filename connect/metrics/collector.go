package metrics

import (
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Build says what runs.
type Build struct {
	Version string
	Commit  string
}

// NewRegistry makes a registry with rdip's metrics, Go's runtime and the process's.
func NewRegistry(b Build, s Source) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newBuildInfo(b), newCollector(s))
	return r
}

// Handler serves the registry's metrics. What cannot be collected is missing; the rest is served.
func Handler(r *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Registry: r})
}

func newBuildInfo(b Build) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: buildInfoName, Help: buildInfoHelp,
		ConstLabels: prometheus.Labels{"version": b.Version, "commit": b.Commit, "go_version": runtime.Version()},
	})
	g.Set(1)
	return g
}

// collector asks its source at each scrape.
type collector struct {
	source Source
	descs  []*prometheus.Desc // of definitions, in their order
}

func newCollector(s Source) *collector {
	c := &collector{source: s, descs: make([]*prometheus.Desc, len(definitions))}
	for i := range definitions {
		c.descs[i] = definitions[i].desc()
	}
	return c
}

func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

func (c *collector) Collect(to chan<- prometheus.Metric) {
	connectors, now := c.source.Snapshot(), time.Now()
	for i := range definitions {
		for j := range connectors {
			definitions[i].collect(c.descs[i], &connectors[j], now, to)
		}
	}
}

func (d *definition) collect(desc *prometheus.Desc, c *ConnectorStats, now time.Time, to chan<- prometheus.Metric) {
	if d.kind == histogram {
		counts := d.counts(c)
		count, below := counts.cumulative()
		send(to, desc)(prometheus.NewConstHistogram(desc, count, counts.Sum.Seconds(), below, valid(c.Name)))
		return
	}
	valueType := prometheus.GaugeValue
	if d.kind == counter {
		valueType = prometheus.CounterValue
	}
	d.values(c, now, func(value float64, labels ...string) {
		all := make([]string, 1, 1+len(labels))
		all[0] = valid(c.Name)
		for _, label := range labels {
			all = append(all, valid(label))
		}
		send(to, desc)(prometheus.NewConstMetric(desc, valueType, value, all...))
	})
}

func send(to chan<- prometheus.Metric, desc *prometheus.Desc) func(prometheus.Metric, error) {
	return func(m prometheus.Metric, err error) {
		if err != nil {
			m = prometheus.NewInvalidMetric(desc, err)
		}
		to <- m
	}
}

// valid is a label's value; Prometheus wants UTF-8, and a table may be called anything.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
