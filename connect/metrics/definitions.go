package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type kind string

const (
	counter   kind = "counter"
	gauge     kind = "gauge"
	histogram kind = "histogram"
)

// emit gives one value of a metric, with the values of its labels behind the connector's.
type emit func(value float64, labels ...string)

// definition is one metric: the one place that says its name, meaning and value. Each has the label
// connector first. values or, for a histogram, counts reads it.
type definition struct {
	name   string
	kind   kind
	help   string
	labels []string
	values func(c *ConnectorStats, now time.Time, emit emit)
	counts func(c *ConnectorStats) HistogramCounts
}

func (d *definition) desc() *prometheus.Desc {
	return prometheus.NewDesc(d.name, d.help, append([]string{"connector"}, d.labels...), nil)
}

// buildInfo is the one metric of the process that is ours; Go's runtime and the process have their usual
// ones.
const (
	buildInfoName = "rdip_build_info"
	buildInfoHelp = "1, with what runs."
)

var states = []string{"RUNNING", "PAUSED", "STOPPED", "FAILED", "UNASSIGNED"}

var definitions = []definition{
	{name: "rdip_connector_state", kind: gauge, labels: []string{"state"},
		help:   "1 for the state that the connector is in, 0 for the others (RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED).",
		values: connectorState},
	{name: "rdip_events_total", kind: counter, labels: []string{"table", "op"},
		help:   "Events by operation: r read by a snapshot, c created, u updated, d deleted, t truncated.",
		values: events},
	{name: "rdip_records_total", kind: counter,
		help:   "Kafka records that all in-sync replicas have acknowledged: events, their tombstones, heartbeats.",
		values: count(func(c *ConnectorStats) uint64 { return c.Records })},
	{name: "rdip_bytes_total", kind: counter,
		help:   "Bytes of acknowledged keys and values, before compression.",
		values: count(func(c *ConnectorStats) uint64 { return c.Bytes })},
	{name: "rdip_batches_total", kind: counter,
		help:   "Batches that were acknowledged as a whole.",
		values: count(func(c *ConnectorStats) uint64 { return c.Batches })},
	{name: "rdip_snapshot_rows", kind: gauge, labels: []string{"table"},
		help:   "Rows of the running or last snapshot that Kafka has acknowledged.",
		values: table(func(t *TableStats) int64 { return t.SnapshotRows })},
	{name: "rdip_snapshot_rows_expected", kind: gauge, labels: []string{"table"},
		help:   "The database's estimate of the rows that the snapshot will have.",
		values: table(func(t *TableStats) int64 { return t.SnapshotTotal })},
	{name: "rdip_snapshot_chunks_left", kind: gauge, labels: []string{"table"},
		help:   "Parts of the table that are still to be read by its running or last snapshot.",
		values: table(func(t *TableStats) int64 { return t.SnapshotChunksLeft })},
	{name: "rdip_snapshot_rows_per_second", kind: gauge, labels: []string{"table"},
		help:   "How fast the table has been read since its reading began or went on in this process.",
		values: table(func(t *TableStats) int64 { return t.SnapshotPace })},
	{name: "rdip_snapshot_seconds_left", kind: gauge, labels: []string{"table"},
		help:   "An estimate of how long the table's reading still takes; absent while nothing says how long, such as one that waits.",
		values: table(func(t *TableStats) int64 { return t.SnapshotSeconds })},
	{name: "rdip_lag_bytes", kind: gauge,
		help:   "Bytes of the source's log between its end and what is durable in Kafka and in the offsets file.",
		values: size(func(c *ConnectorStats) int64 { return c.LagBytes })},
	{name: "rdip_lag_seconds", kind: gauge,
		help:   "Age of the newest commit that is durable; 0 when nothing waits.",
		values: lagSeconds},
	{name: "rdip_retained_bytes", kind: gauge,
		help:   "Bytes of log that the source keeps for this connector, such as WAL for its slot.",
		values: size(func(c *ConnectorStats) int64 { return c.RetainedBytes })},
	{name: "rdip_retained_limit_bytes", kind: gauge,
		help:   "The source's limit of that, such as max_slot_wal_keep_size; absent where there is none. Beyond it the position is lost.",
		values: size(func(c *ConnectorStats) int64 { return c.RetainLimitBytes })},
	{name: "rdip_retained_alarm", kind: gauge,
		help:   "0; 1 from half of that limit on, or where there is none from retained.log.warn.bytes on; 2 from 80% of the limit on. Also of a paused connector.",
		values: func(c *ConnectorStats, _ time.Time, emit emit) { emit(float64(c.RetainedAlarm)) }},
	{name: "rdip_orphans", kind: gauge,
		help:   "Inactive replication slots on the source's server that look like rdip's and that no connector of this process uses; status names them.",
		values: func(c *ConnectorStats, _ time.Time, emit emit) { emit(float64(c.Orphans)) }},
	{name: "rdip_last_event_age_seconds", kind: gauge,
		help:   "Time since the newest event was received; absent before the first.",
		values: age(func(c *ConnectorStats) time.Time { return c.LastEvent })},
	{name: "rdip_last_wire_age_seconds", kind: gauge,
		help:   "Time since the source sent anything at all, keepalives included: a dead connection shows here first.",
		values: age(func(c *ConnectorStats) time.Time { return c.LastWire })},
	{name: "rdip_commit_latency_seconds", kind: histogram,
		help:   "Time from the commit at the source to the acknowledgement by Kafka, an event each. It holds the difference of the two clocks.",
		counts: func(c *ConnectorStats) HistogramCounts { return c.CommitLatency }},
	{name: "rdip_queue_bytes", kind: gauge,
		help:   "Bytes of rows that were received and are not yet acknowledged.",
		values: size(func(c *ConnectorStats) int64 { return c.QueueBytes })},
	{name: "rdip_queue_budget_bytes", kind: gauge,
		help:   "The most that rdip_queue_bytes may be; at it, reading from the source waits for Kafka.",
		values: size(func(c *ConnectorStats) int64 { return c.BudgetBytes })},
	{name: "rdip_offset_commit_seconds", kind: histogram,
		help:   "How long it took to store the offsets, with the sync to the disk.",
		counts: func(c *ConnectorStats) HistogramCounts { return c.OffsetCommits }},
	{name: "rdip_offset_commit_errors_total", kind: counter,
		help:   "Attempts to store the offsets that failed, as on a full disk; nothing is confirmed to the source meanwhile.",
		values: count(func(c *ConnectorStats) uint64 { return c.OffsetErrors })},
	{name: "rdip_transaction_commit_seconds", kind: histogram,
		help:   "How long ending a Kafka transaction took, from holding the rows back to its being durable; its count is the transactions that were committed. Only with exactly.once.support: required.",
		counts: func(c *ConnectorStats) HistogramCounts { return c.Transactions }},
	{name: "rdip_reconnects_total", kind: counter,
		help:   "Connections to the source that were made again after one was lost.",
		values: count(func(c *ConnectorStats) uint64 { return c.Reconnects })},
	{name: "rdip_errors_total", kind: counter, labels: []string{"kind"},
		help:   "Failures by kind, those that a retry mended included.",
		values: counts(func(c *ConnectorStats) []Count { return c.Errors })},
	{name: "rdip_tables_stopped", kind: gauge,
		help:   "Captured tables that have stopped, and wait for rdip resume or a restart, while the others go on; status says why.",
		values: tablesStopped},
	{name: "rdip_table_retained_bytes", kind: gauge, labels: []string{"table"},
		help: "Bytes of log that the source keeps for a table that stopped; absent of all others.",
		values: func(c *ConnectorStats, _ time.Time, emit emit) {
			for i := range c.Tables {
				if n := c.Tables[i].Retained; n > 0 {
					emit(float64(n), c.Tables[i].Table)
				}
			}
		}},
	{name: "rdip_dead_letters_total", kind: counter, labels: []string{"table", "reason"},
		help:   "Rows that became dead letters: value (it cannot be written as its schema says), schema (the registry refuses it), size, row (it could not be read). LOGICAL_DECODING_MESSAGE stands for logical messages.",
		values: undelivered(false)},
	{name: "rdip_rows_skipped_total", kind: counter, labels: []string{"table", "reason"},
		help:   "The same of rows that were skipped, and are lost: errors.tolerance is all, and there is no topic for dead letters.",
		values: undelivered(true)},
	{name: "rdip_registry_requests_total", kind: counter, labels: []string{"outcome"},
		help:   "Requests to the schema registry by outcome.",
		values: counts(func(c *ConnectorStats) []Count { return c.RegistryRequests })},
}

func connectorState(c *ConnectorStats, _ time.Time, emit emit) {
	for _, state := range states {
		value := 0.0
		if state == c.State {
			value = 1
		}
		emit(value, state)
	}
}

func events(c *ConnectorStats, _ time.Time, emit emit) {
	for i := range c.Tables {
		t := &c.Tables[i]
		for _, op := range [...]Count{{"r", t.Reads}, {"c", t.Creates}, {"u", t.Updates}, {"d", t.Deletes}, {"t", t.Truncates}} {
			if op.N > 0 { // a table has few of the five, and there may be thousands of tables
				emit(float64(op.N), t.Table, op.Kind)
			}
		}
	}
}

func lagSeconds(c *ConnectorStats, _ time.Time, emit emit) {
	if c.Lag != Unknown {
		emit(c.Lag.Seconds())
	}
}

func tablesStopped(c *ConnectorStats, _ time.Time, emit emit) {
	n := 0
	for i := range c.Tables {
		if c.Tables[i].Stopped {
			n++
		}
	}
	emit(float64(n))
}

func undelivered(skipped bool) func(*ConnectorStats, time.Time, emit) {
	return func(c *ConnectorStats, _ time.Time, emit emit) {
		for _, u := range c.Undelivered {
			if u.Skipped == skipped {
				emit(float64(u.N), u.Table, u.Reason)
			}
		}
	}
}

func count(get func(*ConnectorStats) uint64) func(*ConnectorStats, time.Time, emit) {
	return func(c *ConnectorStats, _ time.Time, emit emit) { emit(float64(get(c))) }
}

func size(get func(*ConnectorStats) int64) func(*ConnectorStats, time.Time, emit) {
	return func(c *ConnectorStats, _ time.Time, emit emit) {
		if n := get(c); n != Unknown {
			emit(float64(n))
		}
	}
}

func age(get func(*ConnectorStats) time.Time) func(*ConnectorStats, time.Time, emit) {
	return func(c *ConnectorStats, now time.Time, emit emit) {
		if at := get(c); !at.IsZero() {
			emit(max(0, now.Sub(at).Seconds()))
		}
	}
}

func counts(get func(*ConnectorStats) []Count) func(*ConnectorStats, time.Time, emit) {
	return func(c *ConnectorStats, _ time.Time, emit emit) {
		for _, n := range get(c) {
			emit(float64(n.N), n.Kind)
		}
	}
}

func table(get func(*TableStats) int64) func(*ConnectorStats, time.Time, emit) {
	return func(c *ConnectorStats, _ time.Time, emit emit) {
		for i := range c.Tables {
			if n := get(&c.Tables[i]); n != Unknown {
				emit(float64(n), c.Tables[i].Table)
			}
		}
	}
}
