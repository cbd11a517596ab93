package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/foreign"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
)

// Golden records are what Debezium 3.6.3 with Confluent's AvroConverter wrote (testdata/golden/README.md).
// rdip, told to be compatible, must write the same bytes for the same SQL.

// wire is one record to compare: its headers and bytes, and the schemas that they were written with.
type wire struct {
	Headers     []string // key=value
	Key, Value  []byte   // nil for null
	KeySchema   string   // "" where Key is nil
	ValueSchema string
}

func TestRecordsAreByteForByteWhatDebeziumWrote(t *testing.T) {
	writeGolden(t, "testdata/golden", "zoo", "golden_open")
}

// The same tables in other forms: decimals, times, bytea, intervals and hstore as modes-a/connector.properties has
// them, with a transaction block in each event and the transaction topic, and without tombstones.
func TestRecordsInOtherModesAreByteForByteWhatDebeziumWrote(t *testing.T) {
	writeGolden(t, "testdata/golden/modes-a", "zooa", "golden_modes",
		"decimal.handling.mode", "string", "time.precision.mode", "connect", "binary.handling.mode", "base64",
		"interval.handling.mode", "string", "hstore.handling.mode", "map", "include.unknown.datatypes", "true",
		"provide.transaction.metadata", "true", "tombstones.on.delete", "false", "extended.headers.enabled", "false")
}

// writeGolden has rdip write what Debezium wrote, and compares topic by topic. The database's name is Debezium's
// own in the source block, so that records are compared with it; options are keys of the connector and their values.
func writeGolden(t *testing.T, dir, prefix, slot string, options ...string) {
	t.Helper()
	pg := testenv.SharedPostgres(t, 15)
	kafka := testenv.SharedKafka(t)
	registry := testenv.SharedRegistry(t)
	database := goldenDatabase(t, pg)
	harness.SQL(t, pg, database, "testdata/golden/setup.sql")

	s := harness.NewSetup(t, pg, database, kafka.Bootstrap(), registry.URL(), prefix).With(
		"connectors.shop.compatibility", "debezium",
		"connectors.shop.skipped.operations", "none",
		"connectors.shop.snapshot.max.threads", "1",
		"connectors.shop.slot.name", slot,
		"connectors.shop.publication.name", slot,
		"connectors.shop.publication.autocreate.mode", "all_tables")
	for i := 0; i < len(options); i += 2 {
		s = s.With("connectors.shop."+options[i], options[i+1])
	}
	d := s.Start(t)
	d.WaitFor(t, "state=streaming")
	harness.SQL(t, pg, database, "testdata/golden/changes.sql")

	golden := readGoldenOf(t, dir)
	for _, topic := range sortedKeys(golden) {
		want := golden[topic]
		harness.Eventually(t, topic+" to have every record", func() bool {
			end, err := kafka.EndOffset(topic)
			return err == nil && end >= int64(len(want))
		})
	}
	if code := d.Stop(t); code != 0 {
		t.Fatalf("rdip ended with exit code %d", code)
	}
	schemas := &harness.RegistrySchemas{URL: registry.URL(), ByID: map[int32]string{}}
	for _, topic := range sortedKeys(golden) {
		t.Run(topic, func(t *testing.T) {
			got := readWire(t, kafka, schemas, topic)
			for _, difference := range compareWire(golden[topic], got) {
				t.Error(difference)
			}
		})
	}
	t.Run("consumers that are not ours read them", func(t *testing.T) {
		foreignersRead(t, kafka, registry.URL(), golden)
	})
	topics, err := kafka.Topics()
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		if _, ok := golden[topic]; strings.HasPrefix(topic, prefix+".") && !ok {
			t.Errorf("rdip wrote a topic that Debezium did not: %s", topic)
		}
	}
}

// goldenDatabase is a database of the name that Debezium's had, which is in every source block. It is dropped with
// the test, since the next one wants the name too.
func goldenDatabase(t *testing.T, pg *pgserver.Server) string {
	t.Helper()
	const database = "golden_open"
	if err := pg.CreateDatabase(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := testenv.DropDatabase(pg, database); err != nil {
			t.Error(err)
		}
	})
	return database
}

// foreignersRead reads every topic with Confluent's Avro consumer, and with kcat, and compares the operations
// and sizes with Debezium's records.
func foreignersRead(t *testing.T, kafka *kafkaserver.Cluster, registry string, golden map[string][]wire) {
	t.Helper()
	topics := sortedKeys(golden)
	got := map[string][]foreign.Record{}
	for _, r := range testenv.Consume(t, foreign.Request{Bootstrap: kafka.Bootstrap(), Topics: topics, Registry: registry}) {
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

// The comparison itself must be able to fail: one wrong byte anywhere is found.
func TestAPlantedDifferenceIsFound(t *testing.T) {
	golden := readGolden(t)["zoo.public.t_full"]
	for _, c := range []struct {
		name  string
		plant func(r *wire)
	}{
		{"a wrong byte in a key", func(r *wire) { r.Key[len(r.Key)-1] ^= 2 }},
		{"a wrong byte in a value", func(r *wire) { r.Value[8] ^= 2 }},
		{"another type in a schema", func(r *wire) { r.ValueSchema = strings.Replace(r.ValueSchema, `"precision":8`, `"precision":9`, 1) }},
		{"another header", func(r *wire) { r.Headers = append(r.Headers, "x=y") }},
		{"a missing value", func(r *wire) { r.Value = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			planted := make([]wire, len(golden))
			copy(planted, golden)
			r := planted[0]
			r.Key, r.Value, r.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), append([]string(nil), r.Headers...)
			c.plant(&r)
			planted[0] = r
			if len(compareWire(golden, planted)) == 0 {
				t.Error("the comparison did not see it")
			}
		})
	}
	if d := compareWire(golden, golden); len(d) > 0 {
		t.Errorf("the golden records differ from themselves: %v", d)
	}
}

// masked are the fields that differ from run to run (testdata/golden/README.md).
var masked = map[string]any{"ts_ms": int64(1), "ts_us": int64(1), "ts_ns": int64(1), "lsn": int64(1), "txId": int64(1),
	"version": "v", "sequence": "s"}

// compareWire lists every difference between two topics.
func compareWire(want, got []wire) []string {
	var out []string
	if len(want) != len(got) {
		out = append(out, fmt.Sprintf("%d records, Debezium wrote %d", len(got), len(want)))
	}
	for i := range min(len(want), len(got)) {
		w, g := want[i], got[i]
		if !reflect.DeepEqual(w.Headers, g.Headers) {
			out = append(out, fmt.Sprintf("record %d: headers %v, want %v", i, g.Headers, w.Headers))
		}
		out = append(out, comparePart(fmt.Sprintf("record %d: key", i), w.Key, g.Key, w.KeySchema, g.KeySchema, isTransaction(w.KeySchema))...)
		out = append(out, comparePart(fmt.Sprintf("record %d: value", i), w.Value, g.Value, w.ValueSchema, g.ValueSchema, true)...)
	}
	return out
}

// comparePart compares schemas as JSON, and bytes: as they are, or with the fields masked that differ from
// run to run, decoded and encoded again.
func comparePart(what string, want, got []byte, wantSchema, gotSchema string, mask bool) []string {
	if want == nil || got == nil {
		if (want == nil) != (got == nil) {
			return []string{fmt.Sprintf("%s: null is %v, want %v", what, got == nil, want == nil)}
		}
		return nil
	}
	if !reflect.DeepEqual(parsed(wantSchema), parsed(gotSchema)) {
		return []string{fmt.Sprintf("%s: schema\n%s\nwant\n%s", what, gotSchema, wantSchema)}
	}
	w, errW := normal(want, wantSchema, mask)
	g, errG := normal(got, gotSchema, mask)
	switch {
	case errW != nil || errG != nil:
		return []string{fmt.Sprintf("%s: decoding: %v, Debezium's: %v", what, errG, errW)}
	case !bytes.Equal(w, g):
		return []string{fmt.Sprintf("%s: bytes\n%x\nwant\n%x\n%s\nwant\n%s", what, g, w, decoded(got, gotSchema), decoded(want, wantSchema))}
	}
	return nil
}

func parsed(schema string) any {
	var v any
	if err := json.Unmarshal([]byte(schema), &v); err != nil {
		return err.Error()
	}
	return v
}

// normal is the Avro binary behind the frame; with mask, the varying fields have one value.
func normal(framed []byte, schema string, mask bool) ([]byte, error) {
	if len(framed) < 5 || framed[0] != 0 {
		return nil, fmt.Errorf("no frame")
	}
	if !mask {
		return framed[5:], nil
	}
	c, err := harness.Codec(schema)
	if err != nil {
		return nil, err
	}
	native, rest, err := c.NativeFromBinary(framed[5:])
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes behind the record", len(rest))
	}
	envelope := native.(map[string]any)
	maskFields(envelope)
	if source, ok := envelope["source"].(map[string]any); ok {
		maskFields(source)
	}
	if transaction, ok := envelope["transaction"].(map[string]any); ok {
		transaction["event.block"].(map[string]any)["id"] = "t"
	}
	if isTransaction(schema) {
		envelope["id"] = "t"
	}
	return c.BinaryFromNative(nil, envelope)
}

// isTransaction says whether a schema is of the transaction topic, where the id is a transaction's and a place.
func isTransaction(schema string) bool {
	return strings.Contains(schema, "io.debezium.connector.common.TransactionMetadata")
}

func maskFields(record map[string]any) {
	for name, to := range masked {
		switch old := record[name].(type) {
		case nil:
		case map[string]any:
			for branch := range old {
				record[name] = map[string]any{branch: to}
			}
		default:
			record[name] = to
		}
	}
}

func decoded(framed []byte, schema string) string {
	c, err := harness.Codec(schema)
	if err != nil {
		return err.Error()
	}
	native, _, err := c.NativeFromBinary(framed[5:])
	return fmt.Sprint(native, err)
}
