package harness

import (
	"regexp"
	"strings"
	"testing"

	"rdip/integration/workload"
)

// Mark forgets what lies in the topics until now: Verdict judges what comes after it. It is for a repair whose gap is
// known to be missing: everything behind it, the new copies included, is held to the same promises as a first start.
func (r *Run) Mark(t *testing.T) {
	t.Helper()
	r.since = map[string][]int{}
	names := []string{r.Prefix + ".transaction"}
	for _, table := range workload.Tables {
		names = append(names, r.Prefix+".public."+table.Name)
	}
	for _, topic := range names {
		if _, _, ok, err := r.Kafka.Topic(topic); err != nil || !ok {
			t.Fatalf("there is no topic %s (%v)", topic, err)
		}
		records, err := r.Kafka.Read(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		counts := make([]int, 100)
		for _, record := range records {
			counts[record.Partition]++
		}
		r.since[topic] = counts
	}
}

// after leaves out of a partition what was there at the mark.
func after[T any](r *Run, topic string, partition int, records []T) []T {
	if counts := r.since[topic]; partition < len(counts) {
		return records[counts[partition]:]
	}
	return records
}

// Printed is the command that rdip told to run, as it stands there: the first that begins so. FILE, by which rdip means
// its configuration, is replaced, as a user would.
func (d *Daemon) Printed(t *testing.T, p *Pipeline, begins string) []string {
	t.Helper()
	command := regexp.MustCompile(`rdip ` + begins + `[^;,"()]*`).FindString(strings.ReplaceAll(d.Out.String(), `\"`, `"`))
	if command == "" {
		t.Fatalf("rdip told of no command rdip %s:\n%s", begins, d.Out.String())
	}
	return strings.Fields(strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(command), "rdip "), "FILE", p.ConfigFile()))
}

// PrintedSQL is the statement that rdip told to run, "" for none.
func (d *Daemon) PrintedSQL(begins string) string {
	return regexp.MustCompile(begins + `\([^)]*\)`).FindString(d.Out.String())
}
