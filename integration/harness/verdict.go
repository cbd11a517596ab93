package harness

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rdip/integration/judge"
	"rdip/integration/workload"
)

// Verdict lets every judge look at every table and at every transaction, and adds up what they saw. Each fault fails
// the test, naming its judge; the table of the suite gets a row.
func (r *Run) Verdict(t *testing.T) judge.Verdict {
	t.Helper()
	var all judge.Verdict
	defer func() { r.addRow(t, all) }()
	reader := NewTopicReader(r.Registry)
	transactions := &judge.Transactions{}
	for _, table := range workload.Tables {
		e := r.evidence(t, reader, table)
		for _, partition := range e.Partitions {
			for _, record := range partition {
				transactions.Event("public."+table.Name, record)
			}
		}
		for _, letter := range e.Letters {
			transactions.Letter("public."+table.Name, letter)
		}
		v := judge.Judge(e)
		t.Logf("%s: %d records, %d of them repeated in %d repetitions", table.Name, v.Records, v.Repeated, v.Restarts)
		if len(v.Faults) > 0 {
			t.Errorf("%s:\n%s", table.Name, strings.Join(v.Faults, "\n"))
			r.keepTopic(t, e)
		}
		if v.Records == 0 {
			t.Errorf("%s: there is nothing to judge", table.Name)
		}
		all.Add(v)
	}
	if r.Keys["connectors.shop.provide.transaction.metadata"] == "true" {
		r.told(t, reader, transactions)
		v := judge.JudgeTransactions(transactions, r.Mode.Exactly)
		if len(v.Faults) > 0 {
			t.Errorf("transactions:\n%s", strings.Join(v.Faults, "\n"))
		}
		all.Add(v)
	}
	return all
}

// told reads the transaction topic.
func (r *Run) told(t *testing.T, reader *TopicReader, all *judge.Transactions) {
	t.Helper()
	topic := r.Prefix + ".transaction"
	if _, _, ok, err := r.Kafka.Topic(topic); err != nil || !ok {
		t.Logf("there is no topic %s (%v)", topic, err)
		return
	}
	records, err := r.Kafka.Read(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range after(r, topic, 0, records) {
		value, err := reader.decode(record.Value)
		if err != nil {
			t.Fatal(err)
		}
		xid, _, _ := strings.Cut(value["id"].(string), ":")
		tx, err := strconv.ParseInt(xid, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if value["status"] == "BEGIN" {
			all.Begin(tx)
			continue
		}
		end := judge.End{Total: integer(value["event_count"]), Counts: map[string]int64{}}
		for _, item := range held(value["data_collections"]).([]any) {
			c := held(item).(map[string]any)
			end.Counts[c["data_collection"].(string)] = integer(c["event_count"])
		}
		all.End(tx, end)
	}
}

// held is what a union holds, or the value itself.
func held(v any) any {
	if union, ok := v.(map[string]any); ok && len(union) == 1 {
		for _, one := range slices.Collect(maps.Values(union)) {
			return one
		}
	}
	return v
}

// integer is what a union or a field holds, in Avro or in JSON; 0 where it is no integer.
func integer(v any) int64 {
	n, err := strconv.ParseInt(fmt.Sprint(held(v)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// committed is how many transactions the source has, by its own history.
func (r *Run) committed(t *testing.T) int64 {
	t.Helper()
	n, err := strconv.ParseInt(r.Query(t, "SELECT count(DISTINCT tx)::text FROM history"), 10, 64)
	if err != nil {
		t.Error(err)
	}
	return n
}
