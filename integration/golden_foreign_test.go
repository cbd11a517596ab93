package integration

import (
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/foreign"
)

// foreignersRead reads every topic with Confluent's Avro consumer, and with kcat, and compares the operations
// and sizes with Debezium's records.
func foreignersRead(t *testing.T, r *goldenRun) {
	golden, kafka := r.golden, r.kafka
	topics := sortedKeys(golden)
	got := map[string][]foreign.Record{}
	for _, r := range testenv.Consume(t, foreign.Request{Bootstrap: kafka.Bootstrap(), Topics: topics, Registry: r.registry.URL()}) {
		got[r.Topic] = append(got[r.Topic], r)
	}
	for _, topic := range topics {
		sizes := testenv.KcatSizes(t, kafka.Bootstrap(), topic)
		if len(got[topic]) != len(golden[topic]) || len(sizes) != len(golden[topic]) {
			t.Errorf("%s: Confluent's consumer reads %d records, kcat %d, Debezium wrote %d", topic, len(got[topic]), len(sizes), len(golden[topic]))
			continue
		}
		for i, want := range golden[topic] {
			r := got[topic][i]
			if op := operation(t, want); r.Op != op || r.Tombstone != (want.Value == nil) || (r.KeyBytes == nil) != (want.Key == nil) {
				t.Errorf("%s record %d: Confluent's consumer reads op %q, tombstone %v; Debezium wrote op %q", topic, i, r.Op, r.Tombstone, op)
			}
			if key := max(0, sizes[i].Key); key != len(want.Key) && !isTransaction(want.KeySchema) {
				t.Errorf("%s record %d: kcat reads a key of %d bytes, Debezium's has %d", topic, i, key, len(want.Key))
			}
		}
	}
}

// operation is the op of a record's envelope, "" of a record without one.
func operation(t *testing.T, r wire) string {
	t.Helper()
	if r.Value == nil {
		return ""
	}
	c, err := harness.Codec(r.ValueSchema)
	if err != nil {
		t.Fatal(err)
	}
	native, _, err := c.NativeFromBinary(r.Value[5:])
	if err != nil {
		t.Fatal(err)
	}
	op, _ := native.(map[string]any)["op"].(string)
	return op
}
