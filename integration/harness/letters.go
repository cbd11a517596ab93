package harness

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rdip/integration/judge"
	"rdip/integration/testenv/kafkaserver"
)

// lettersTopic is the key that names the topic of dead letters, which has to be the run's own.
const lettersTopic = "connectors.shop.errors.deadletterqueue.topic.name"

// letters reads the dead letters, by table. One that does not name its row's key, its operation and its transaction fails
// the test: no scenario of the judges has rows that the reader could not read.
func (r *Run) letters(t *testing.T, table judge.Table) (out []judge.Record) {
	t.Helper()
	topic := r.Keys[lettersTopic]
	if topic == "" {
		return nil
	}
	if _, _, ok, err := r.Kafka.Topic(topic); err != nil || !ok {
		t.Logf("there is no topic %s (%v)", topic, err)
		return nil
	}
	records, err := r.Kafka.Read(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range records {
		of, letter, err := letterOf(k, table)
		if err != nil {
			t.Errorf("dead letter %d: %v", k.Offset, err)
		} else if of == "public."+table.Name {
			out = append(out, letter)
		}
	}
	return out
}

// letterOf reads a dead letter: its headers, and a row in the source's text forms, as docs/DELIVERY.md has it.
func letterOf(k kafkaserver.Record, table judge.Table) (of string, out judge.Record, err error) {
	headers := map[string]string{}
	for _, h := range k.Headers {
		headers[string(h.Key)] = string(h.Value)
	}
	of = headers["__rdip.table"]
	var body struct {
		Op            string
		Before, After map[string]any
		Unavailable   []string
	}
	if err := json.Unmarshal(k.Value, &body); err != nil {
		return of, out, fmt.Errorf("its value: %w", err)
	}
	if len(body.Op) != 1 || body.Op != headers["__rdip.op"] {
		return of, out, fmt.Errorf("its op is %q, and %q in its headers", body.Op, headers["__rdip.op"])
	}
	tx, err := strconv.ParseInt(headers["__rdip.transaction"], 10, 64)
	if err != nil {
		return of, out, err
	}
	for _, name := range body.Unavailable {
		body.After[name] = judge.Unavailable
	}
	out = judge.Record{Op: body.Op[0], Tx: tx}
	for _, row := range []struct {
		from map[string]any
		to   *judge.Columns
	}{{body.Before, &out.Before}, {body.After, &out.After}} {
		if row.from != nil {
			*row.to, out.Fields = asText(row.from), strings.Join(slices.Sorted(maps.Keys(row.from)), ",")
		}
	}
	out.Key = table.Key(out.Row())
	return of, out, nil
}
