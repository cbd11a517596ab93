package metrics

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes docs/METRICS.md.
func WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Metrics

<!-- Written from connect/metrics/definitions.go by: go test ./connect/metrics -update -->

` + "`GET /metrics`" + ` on the REST address (loopback) serves these in Prometheus' text format. Counters count from the
start of the process. A value that cannot be told at the moment is absent, never 0. Durations are seconds,
sizes are bytes. Go's runtime (` + "`go_*`" + `) and the process (` + "`process_*`" + `) have their usual metrics beside them.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
`)
	fmt.Fprintf(&b, "| `%s` | gauge | version, commit, go_version | %s |\n", buildInfoName, buildInfoHelp)
	for i := range definitions {
		d := &definitions[i]
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.name, d.kind, strings.Join(append([]string{"connector"}, d.labels...), ", "), d.help)
	}
	fmt.Fprintf(&b, `
The histograms have %d buckets, from %v, each twice the one before it.

## Worth an alarm

| when | what it means |
| --- | --- |
| `+"`rdip_connector_state{state=\"FAILED\"} == 1`"+` | the connector has stopped; `+"`rdip status`"+` says why and how to mend it |
| `+"`rdip_tables_stopped > 0`"+` | a table's changes are not delivered, and the source keeps its log for it |
| `+"`rdip_retained_bytes / rdip_retained_limit_bytes > 0.5`"+` | at 1 the source drops log that was not delivered, and the position is lost |
| `+"`rdip_last_wire_age_seconds > 60`"+` | the connection to the source is dead, whatever its state says |
| `+"`rdip_queue_bytes / rdip_queue_budget_bytes > 0.95`"+` for minutes | Kafka is slower than the source, or away |
| `+"`increase(rdip_offset_commit_errors_total[5m]) > 0`"+` | the offsets cannot be stored: the disk is full |
`, bounds, firstBound)
	_, err := io.WriteString(w, b.String())
	return err
}
