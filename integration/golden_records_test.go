package integration

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv/kafkaserver"
)

// goldenRecord is one line of records/*.jsonl.
type goldenRecord struct {
	Timestamp int64 `json:"timestamp"` // ms since 1970, where a row said it
	Headers   []struct {
		Key string  `json:"key"`
		Hex *string `json:"hex"` // nil for null
	} `json:"headers"`
	Key   *goldenPart `json:"key"`
	Value *goldenPart `json:"value"`
}

type goldenPart struct {
	SchemaID int32  `json:"schema_id"`
	Hex      string `json:"hex"`
}

// readGolden reads testdata/golden, as readGoldenOf does.
func readGolden(t *testing.T) map[string][]wire {
	t.Helper()
	return readGoldenOf(t, "testdata/golden")
}

// readGoldenOf reads a folder: topic to records, each with the schema that it was written with.
func readGoldenOf(t *testing.T, dir string) map[string][]wire {
	t.Helper()
	out := map[string][]wire{}
	versions := map[string]map[int32]int{} // topic to schema id to the subject's version
	eachGolden(t, dir, func(topic string, r goldenRecord) {
		if versions[topic] == nil {
			versions[topic] = map[int32]int{}
		}
		out[topic] = append(out[topic], r.wire(t, dir, topic, versions[topic]))
	})
	return out
}

// eachGolden reads every record of a folder, a topic's in the order of its offsets.
func eachGolden(t *testing.T, dir string, do func(topic string, r goldenRecord)) {
	t.Helper()
	files, err := filepath.Glob(dir + "/records/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden records: %v", err)
	}
	for _, file := range files {
		topic := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<24)
		for lines.Scan() {
			var r goldenRecord
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			do(topic, r)
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
}

func (r goldenRecord) wire(t *testing.T, dir, topic string, versions map[int32]int) wire {
	t.Helper()
	w := wire{Time: r.Timestamp}
	for _, h := range r.Headers {
		var value []byte
		if h.Hex != nil {
			value = unhex(t, *h.Hex)
		}
		w.Headers = append(w.Headers, header(h.Key, value))
	}
	if r.Key != nil {
		w.Key = unhex(t, r.Key.Hex)
		if r.Key.SchemaID != 0 {
			w.KeySchema = schemaFile(t, dir, topic+"-key", 1)
		}
	}
	if r.Value != nil {
		w.Value, w.ValueSchema = unhex(t, r.Value.Hex), r.valueSchema(t, dir, topic, versions)
	}
	return w
}

// valueSchema is the schema of an Avro value, "" of text. A subject's versions are in the order of their first records.
func (r goldenRecord) valueSchema(t *testing.T, dir, topic string, versions map[int32]int) string {
	t.Helper()
	if r.Value.SchemaID == 0 {
		return ""
	}
	if versions[r.Value.SchemaID] == 0 {
		versions[r.Value.SchemaID] = len(versions) + 1
	}
	return schemaFile(t, dir, topic+"-value", versions[r.Value.SchemaID])
}

// header is a header as text, its key alone where the value is null; the run's id is masked.
func header(key string, value []byte) string {
	if key == "__debezium.context.runId" || value == nil {
		return key
	}
	return key + "=" + string(value)
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func schemaFile(t *testing.T, dir, subject string, version int) string {
	t.Helper()
	for _, name := range []string{fmt.Sprintf("%s.v%d.avsc", subject, version), subject + ".avsc"} {
		if b, err := os.ReadFile(dir + "/schemas/" + name); err == nil {
			return string(b)
		}
	}
	t.Fatalf("no schema of %s", subject)
	return ""
}

// readWire reads a topic of ours, with the schemas that its records name.
func readWire(t *testing.T, kafka *kafkaserver.Cluster, schemas *harness.RegistrySchemas, topic string) []wire {
	t.Helper()
	records, err := kafka.Read(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var out []wire
	for _, r := range records {
		w := wire{Key: r.Key, Value: r.Value, KeySchema: schemaOf(t, schemas, r.Key), ValueSchema: schemaOf(t, schemas, r.Value), Time: r.Time.UnixMilli()}
		for _, h := range r.Headers {
			w.Headers = append(w.Headers, header(string(h.Key), h.Value))
		}
		out = append(out, w)
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// schemaOf is the schema of an Avro payload, "" of text.
func schemaOf(t *testing.T, schemas *harness.RegistrySchemas, payload []byte) string {
	t.Helper()
	if len(payload) > 0 && payload[0] != 0 {
		return ""
	}
	return schemas.Of(t, payload)
}

// text is one record whose key and value are text; "null" for null.
type text struct {
	Headers    []string
	Key, Value string
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
