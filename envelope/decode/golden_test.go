package decode

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The golden files are what Debezium 3.6.3 with Confluent's AvroConverter wrote, with the decoding of Avro's
// reference library in Java beside each payload; json/ is the same data through Kafka's JsonConverter.

type goldenRecord struct {
	Offset    int
	Headers   []struct{ Key, Text string }
	Key       *goldenPayload
	Value     *goldenPayload
	Tombstone bool
}

type goldenPayload struct {
	SchemaID int32           `json:"schema_id"`
	AvroJSON json.RawMessage `json:"avro_json"`
	JSON     json.RawMessage `json:"json"`
	Hex      string
}

func (p *goldenPayload) bytes(t testing.TB) []byte {
	if p == nil {
		return nil
	}
	b, err := hex.DecodeString(p.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (r *goldenRecord) headers() []Header {
	var out []Header
	for _, h := range r.Headers {
		out = append(out, Header{h.Key, []byte(h.Text)})
	}
	return out
}

func goldenRecords(t testing.TB, folder, topic string) []goldenRecord {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "golden", folder, topic+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []goldenRecord
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r goldenRecord
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		t.Fatalf("%s has no records", f.Name())
	}
	return out
}

func goldenTopics(t testing.TB) []string {
	files, err := filepath.Glob("testdata/golden/records/*.jsonl")
	if err != nil || len(files) < 11 {
		t.Fatalf("golden records: %d files, %v", len(files), err)
	}
	for i := range files {
		files[i] = strings.TrimSuffix(filepath.Base(files[i]), ".jsonl")
	}
	return files
}

// goldenSchemas gives each schema by the id that it had in the registry: a subject's versions have
// ascending ids.
func goldenSchemas(t testing.TB) Fetch {
	schemas := map[int32]string{}
	for _, topic := range goldenTopics(t) {
		ids := map[string][]int32{}
		for _, r := range goldenRecords(t, "records", topic) {
			for side, p := range map[string]*goldenPayload{"key": r.Key, "value": r.Value} {
				if p != nil && !slices.Contains(ids[side], p.SchemaID) {
					ids[side] = append(ids[side], p.SchemaID)
				}
			}
		}
		for side, of := range ids {
			files, _ := filepath.Glob(filepath.Join("testdata", "golden", "schemas", topic+"-"+side+"*.avsc"))
			sort.Strings(files)
			slices.Sort(of)
			if len(files) != len(of) {
				t.Fatalf("%s-%s: %d schemas for the ids %v", topic, side, len(files), of)
			}
			for i, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				schemas[of[i]] = string(text)
			}
		}
	}
	return func(_ context.Context, id int32) (string, error) {
		if text, ok := schemas[id]; ok {
			return text, nil
		}
		return "", fmt.Errorf("no schema %d", id)
	}
}

func TestEveryGoldenRecordDecodesAsAvrosOwnLibraryDecodesIt(t *testing.T) {
	d := New(goldenSchemas(t))
	for _, topic := range goldenTopics(t) {
		t.Run(topic, func(t *testing.T) {
			for _, r := range goldenRecords(t, "records", topic) {
				for side, p := range map[string]*goldenPayload{"key": r.Key, "value": r.Value} {
					v, err := d.Decode(t.Context(), p.bytes(t))
					if err != nil {
						t.Fatalf("offset %d %s: %v", r.Offset, side, err)
					}
					if p == nil {
						if !v.IsNull() {
							t.Errorf("offset %d %s: %v, needed is null", r.Offset, side, v.Text())
						}
						continue
					}
					root, err := d.Schema(t.Context(), p.SchemaID)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(parsed(t, p.AvroJSON), parsed(t, tagged(nil, root, &v)), denormals); diff != "" {
						t.Errorf("offset %d %s differs (-reference +ours):\n%s", r.Offset, side, diff)
					}
				}
			}
		})
	}
}

func TestTheJSONFormIsKafkasJsonConverters(t *testing.T) {
	d := New(goldenSchemas(t))
	for _, topic := range goldenTopics(t) {
		t.Run(topic, func(t *testing.T) {
			theirs := goldenRecords(t, "json", topic)
			ours := goldenRecords(t, "records", topic)
			if len(theirs) != len(ours) {
				t.Fatalf("%d records in JSON, %d in Avro", len(theirs), len(ours))
			}
			for i := range ours {
				for side, p := range map[string][2]*goldenPayload{"key": {theirs[i].Key, ours[i].Key}, "value": {theirs[i].Value, ours[i].Value}} {
					v, err := d.Decode(t.Context(), p[1].bytes(t))
					if err != nil {
						t.Fatal(err)
					}
					want := any(nil)
					if p[0] != nil {
						want = masked(parsed(t, p[0].JSON))
					}
					if diff := cmp.Diff(want, masked(parsed(t, AppendJSON(nil, &v))), denormals); diff != "" {
						t.Errorf("offset %d %s differs (-JsonConverter +ours):\n%s", i, side, diff)
					}
				}
			}
		})
	}
}

// denormals lets Java 17 write the smallest float32 as 1.4E-45 where Go writes 1e-45: both read back as it.
var denormals = cmp.Comparer(func(a, b float64) bool {
	return a == b || math.Abs(a) < 1.2e-38 && float32(a) == float32(b)
})

// masked removes what differs from run to run.
func masked(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for name := range m {
		switch name {
		case "ts_ms", "ts_us", "ts_ns", "lsn", "sequence", "txId", "name", "c_now", "c_uuid_def":
			delete(m, name)
		default:
			masked(m[name])
		}
	}
	return m
}

// parsed reads JSON with numbers as float64, or as text where a float64 could not hold them.
func parsed(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return numbers(v)
}

func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") && len(v) > 15 {
			return v.String()
		}
		f, _ := v.Float64()
		return f
	}
	return v
}

// tagged is Avro's JSON encoding of v, as the reference library writes it: a union's value under the name of
// its branch, bytes as ISO-8859-1.
func tagged(dst []byte, t *Type, v *Value) []byte {
	if t.Kind == Union {
		if v.IsNull() {
			return append(dst, "null"...)
		}
		dst = append(AppendString(append(dst, '{'), v.Type.Avro), ':')
		return append(tagged(dst, v.Type, v), '}')
	}
	switch t.Kind {
	case Bytes, Fixed:
		latin := make([]rune, len(v.Raw))
		for i, b := range v.Raw {
			latin[i] = rune(b)
		}
		return AppendString(dst, string(latin))
	case Array:
		dst = append(dst, '[')
		for i := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = tagged(dst, t.Items, &v.Items[i])
		}
		return append(dst, ']')
	case Record:
		dst = append(dst, '{')
		for i := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(AppendString(dst, t.Fields[i].Name), ':')
			dst = tagged(dst, t.Fields[i].Type, &v.Items[i])
		}
		return append(dst, '}')
	}
	return AppendJSON(dst, v)
}
