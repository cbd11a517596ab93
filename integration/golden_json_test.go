package integration

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
)

// What Debezium 3.6.3 with Kafka's JsonConverter wrote for the SQL of testdata/golden, without schemas and with
// them, is what rdip writes, byte for byte; no registry is there to be asked.
func TestJSONIsByteForByteWhatDebeziumWrote(t *testing.T) {
	pg := testenv.SharedPostgres(t, 15)
	kafka := testenv.SharedKafka(t)
	for _, c := range []struct{ folder, prefix, schemas, tables string }{
		{"json", "zooj", "false", ""},
		{"json-with-schema", "zoojs", "true", "public.t_change,public.t_num,public.t_time,public.t_defaults"},
	} {
		t.Run(c.folder, func(t *testing.T) {
			database := testenv.Database(t, pg)
			harness.SQL(t, pg, database, "testdata/golden/setup.sql")
			s := harness.NewSetup(t, pg, database, kafka.Bootstrap(), "", c.prefix).With(
				"key.converter", "org.apache.kafka.connect.json.JsonConverter",
				"value.converter", "json",
				"key.converter.schemas.enable", c.schemas,
				"connectors.shop.compatibility", "debezium",
				"connectors.shop.skipped.operations", "none",
				"connectors.shop.snapshot.max.threads", "1",
				"connectors.shop.publication.autocreate.mode", "all_tables",
				"connectors.shop.value.converter.schemas.enable", c.schemas)
			delete(s.Keys, "schema.registry.url")
			if c.tables != "" {
				s.Keys["connectors.shop.table.include.list"] = c.tables
				s.Keys["connectors.shop.snapshot.include.collection.list"] = c.tables // Debezium copies in the order of the list
			}
			d := s.Start(t)
			d.WaitFor(t, "state=streaming")
			harness.SQL(t, pg, database, "testdata/golden/changes.sql")
			golden := readGoldenJSON(t, c.folder)
			for _, topic := range sortedKeys(golden) {
				awaitRecords(t, kafka, topic, len(golden[topic]))
			}
			if code := d.Stop(t); code != 0 {
				t.Fatalf("rdip ended with exit code %d", code)
			}
			lines, complaints, code := tail(t, c.prefix+".public.t_num", "--from-beginning", "--no-follow", "--bootstrap-server", kafka.Bootstrap())
			if code != 0 || len(lines) == 0 || !strings.Contains(lines[0], "public.t_num") || !strings.Contains(lines[0], "id=1") || !strings.Contains(lines[0], "c_double: 2.25") {
				t.Errorf("rdip tail: exit code %d\n%s\n%s", code, strings.Join(lines, "\n"), complaints)
			}
			for _, topic := range sortedKeys(golden) {
				t.Run(topic, func(t *testing.T) {
					for _, difference := range textDifferences(golden[topic], readTexts(t, kafka, topic)) {
						t.Error(difference)
					}
				})
			}
		})
	}
}

// text is one record whose key and value are text; "null" for null.
type text struct {
	Headers    []string
	Key, Value string
}

var (
	varyingNumber = regexp.MustCompile(`"(ts_ms|ts_us|ts_ns|lsn|txId)":-?\d+`)
	varyingText   = regexp.MustCompile(`"(version|db)":"[^"]*"`)
	varyingPlace  = regexp.MustCompile(`"sequence":"\[[^\]]*\]"`)
)

// maskText gives the fields that differ from run to run one value (testdata/golden/README.md), and the database too.
func maskText(payload []byte) string {
	if payload == nil {
		return "null"
	}
	s := varyingNumber.ReplaceAllString(string(payload), `"$1":1`)
	s = varyingText.ReplaceAllString(s, `"$1":""`)
	return varyingPlace.ReplaceAllString(s, `"sequence":""`)
}

// textDifferences lists every difference between two topics.
func textDifferences(want, got []text) []string {
	var out []string
	if len(got) != len(want) {
		out = append(out, fmt.Sprintf("%d records, Debezium wrote %d", len(got), len(want)))
	}
	for i := range min(len(want), len(got)) {
		if !reflect.DeepEqual(want[i].Headers, got[i].Headers) {
			out = append(out, fmt.Sprintf("record %d: headers %v, want %v", i, got[i].Headers, want[i].Headers))
		}
		if want[i].Key != got[i].Key {
			out = append(out, fmt.Sprintf("record %d: key\n%s\nwant\n%s", i, got[i].Key, want[i].Key))
		}
		if want[i].Value != got[i].Value {
			out = append(out, fmt.Sprintf("record %d: value\n%s\nwant\n%s", i, got[i].Value, want[i].Value))
		}
	}
	return out
}

// readGoldenJSON reads a folder of testdata/golden: topic to records.
func readGoldenJSON(t *testing.T, folder string) map[string][]text {
	t.Helper()
	out := map[string][]text{}
	eachGolden(t, "testdata/golden/"+folder, func(topic string, r goldenRecord) { out[topic] = append(out[topic], r.text(t)) })
	return out
}

func (r goldenRecord) text(t *testing.T) text {
	t.Helper()
	var out text
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, header(h.Key, unhex(t, h.Hex)))
	}
	out.Key, out.Value = "null", "null"
	if r.Key != nil {
		out.Key = maskText(unhex(t, r.Key.Hex))
	}
	if r.Value != nil && r.Value.Hex != "" {
		out.Value = maskText(unhex(t, r.Value.Hex))
	}
	return out
}

// readTexts reads a topic of ours, masked as Debezium's records are.
func readTexts(t *testing.T, kafka *kafkaserver.Cluster, topic string) []text {
	t.Helper()
	records, err := kafka.Read(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var out []text
	for _, r := range records {
		x := text{Key: maskText(r.Key), Value: maskText(r.Value)}
		for _, h := range r.Headers {
			x.Headers = append(x.Headers, header(string(h.Key), h.Value))
		}
		out = append(out, x)
	}
	return out
}

// awaitRecords waits until a topic has so many records.
func awaitRecords(t *testing.T, kafka *kafkaserver.Cluster, topic string, n int) {
	t.Helper()
	harness.Eventually(t, fmt.Sprintf("%s to have %d records", topic, n), func() bool {
		end, err := kafka.EndOffset(topic)
		return err == nil && end >= int64(n)
	})
}

// The comparison itself must be able to fail: one wrong byte anywhere is found.
func TestAPlantedDifferenceInJSONIsFound(t *testing.T) {
	golden := readGoldenJSON(t, "json")["zooj.public.t_change"]
	for _, c := range []struct {
		name  string
		plant func(*text)
	}{
		{"a wrong byte in a key", func(r *text) { r.Key = strings.Replace(r.Key, "1", "2", 1) }},
		{"a space in a value", func(r *text) { r.Value = strings.Replace(r.Value, ",", ", ", 1) }},
		{"another header", func(r *text) { r.Headers = append([]string{"x=y"}, r.Headers...) }},
		{"a missing value", func(r *text) { r.Value = "null" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			planted := append([]text(nil), golden...)
			c.plant(&planted[0])
			if len(textDifferences(golden, planted)) == 0 {
				t.Error("the comparison did not see it")
			}
		})
	}
	if d := textDifferences(golden, golden); len(d) > 0 {
		t.Errorf("the golden records differ from themselves: %v", d)
	}
}
