package harness

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/linkedin/goavro/v2"

	"rdip/integration/judge"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
)

// gathered is what the judges need of one table: its topic, read with sarama and goavro, and what the
// source's own tables say.
func gathered(t *testing.T, pg *pgserver.Server, database string, kafka *kafkaserver.Cluster, r *TopicReader, prefix string, table judge.Table) *judge.Evidence {
	t.Helper()
	conn, err := pg.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	e := &judge.Evidence{Table: table, History: historyOf(t, conn, table), Final: map[string]judge.Columns{},
		Partitions: r.Partitions(t, kafka, prefix+".public."+table.Name, table)}
	for _, row := range jsonRows(t, conn, "SELECT to_jsonb(t) FROM "+pgx.Identifier{table.Name}.Sanitize()+" t") {
		e.Final[table.Key(row[0])] = row[0]
	}
	return e
}

// historyOf reads what the triggers wrote; a changed key becomes a delete and a create.
func historyOf(t *testing.T, conn *pgx.Conn, table judge.Table) map[string][]judge.Committed {
	t.Helper()
	out := map[string][]judge.Committed{}
	add := func(op byte, tx int64, row judge.Columns) {
		key := table.Key(row)
		out[key] = append(out[key], judge.Committed{Op: op, Tx: tx, Row: row})
	}
	for _, r := range jsonRows(t, conn, "SELECT jsonb_build_object('op', op, 'tx', tx), before, after FROM history WHERE tbl = $1 ORDER BY seq", table.Name) {
		head, before, after := r[0], r[1], r[2]
		tx, err := strconv.ParseInt(head["tx"], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case head["op"] == "d":
			add('d', tx, before)
		case head["op"] == "c":
			add('c', tx, after)
		case table.Name != "keyless" && table.Key(before) != table.Key(after):
			add('d', tx, before)
			add('c', tx, after)
		default:
			add('u', tx, after)
		}
	}
	return out
}

// jsonRows reads rows of JSON objects, each as text columns.
func jsonRows(t *testing.T, conn *pgx.Conn, query string, args ...any) [][3]judge.Columns {
	t.Helper()
	rows, err := conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out [][3]judge.Columns
	for rows.Next() {
		var r [3]judge.Columns
		for i, raw := range rows.RawValues() {
			r[i] = jsonColumns(t, raw)
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// jsonColumns reads jsonb, whose binary form is a version byte before the text.
func jsonColumns(t *testing.T, raw []byte) judge.Columns {
	t.Helper()
	if raw == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte{1})))
	d.UseNumber()
	var row map[string]any
	if err := d.Decode(&row); err != nil {
		t.Fatal(err)
	}
	return asText(row)
}

// TopicReader decodes records with goavro, by the schemas that the registry has for them.
type TopicReader struct {
	Schemas *RegistrySchemas
	Codecs  map[string]*goavro.Codec
}

// NewTopicReader reads with the schemas of that registry.
func NewTopicReader(registry string) *TopicReader {
	return &TopicReader{Schemas: &RegistrySchemas{URL: registry, ByID: map[int32]string{}}, Codecs: map[string]*goavro.Codec{}}
}

// Partitions reads a topic from its beginning.
func (r *TopicReader) Partitions(t *testing.T, kafka *kafkaserver.Cluster, topic string, table judge.Table) [][]judge.Record {
	t.Helper()
	raw, err := kafka.Read(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]judge.Record
	for _, k := range raw {
		for int(k.Partition) >= len(out) {
			out = append(out, nil)
		}
		out[k.Partition] = append(out[k.Partition], r.record(t, k, table, out[k.Partition]))
	}
	return out
}

// record reads one; a tombstone of a table without a key belongs to the record before it.
func (r *TopicReader) record(t *testing.T, k kafkaserver.Record, table judge.Table, before []judge.Record) judge.Record {
	t.Helper()
	key := r.decode(t, k.Key)
	if k.Value == nil {
		if key == nil && len(before) > 0 {
			return judge.Record{Op: 'T', Key: before[len(before)-1].Key}
		}
		return judge.Record{Op: 'T', Key: table.Key(asText(key))}
	}
	envelope := r.decode(t, k.Value)
	source := asText(envelope["source"].(map[string]any))
	out := judge.Record{Op: envelope["op"].(string)[0], Before: rowOf(envelope["before"]), After: rowOf(envelope["after"])}
	out.Tx, _ = strconv.ParseInt(source["txId"], 10, 64)
	out.LSN, _ = strconv.ParseInt(source["lsn"], 10, 64)
	out.Key = table.Key(out.Row())
	if key != nil && table.Key(asText(key)) != out.Key {
		t.Errorf("the key of %v is %v", out, key)
	}
	return out
}

func (r *TopicReader) decode(t *testing.T, framed []byte) map[string]any {
	t.Helper()
	schema := r.Schemas.Of(t, framed)
	if schema == "" {
		return nil
	}
	if r.Codecs[schema] == nil {
		c, err := Codec(schema)
		if err != nil {
			t.Fatal(err)
		}
		r.Codecs[schema] = c
	}
	native, rest, err := r.Codecs[schema].NativeFromBinary(framed[5:])
	if err != nil || len(rest) > 0 {
		t.Fatalf("%v, %d bytes behind a record", err, len(rest))
	}
	return native.(map[string]any)
}

func rowOf(native any) judge.Columns {
	union, ok := native.(map[string]any)
	if !ok {
		return nil
	}
	for _, row := range union {
		return asText(row.(map[string]any))
	}
	return nil
}

// asText writes values as text, Avro's (unions unwrapped) and JSON's alike.
func asText(row map[string]any) judge.Columns {
	out := judge.Columns{}
	for name, v := range row {
		if union, ok := v.(map[string]any); ok {
			for _, branch := range union {
				v = branch
			}
		}
		if v != nil {
			out[name] = fmt.Sprint(v)
		}
	}
	return out
}

// RegistrySchemas asks a registry for the schema that a record names.
type RegistrySchemas struct {
	URL  string
	ByID map[int32]string
}

// Of is the schema of a framed record, "" where it has no frame.
func (s *RegistrySchemas) Of(t *testing.T, framed []byte) string {
	t.Helper()
	if len(framed) < 5 {
		return ""
	}
	id := int32(binary.BigEndian.Uint32(framed[1:5]))
	if text, ok := s.ByID[id]; ok {
		return text
	}
	resp, err := http.Get(fmt.Sprintf("%s/schemas/ids/%d", s.URL, id))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	var answer struct {
		Schema string `json:"schema"`
	}
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	if err != nil || answer.Schema == "" {
		t.Fatalf("schema %d: %v: %s", id, err, body)
	}
	s.ByID[id] = answer.Schema
	return answer.Schema
}

// Codec reads a schema with goavro, which refuses decimals with defaults: they are read as plain bytes.
// logicalDecimal is what goavro reads as a rational number, and we as bytes.
var logicalDecimal = regexp.MustCompile(`,"logicalType":"decimal"`)

// Codec is goavro's of a schema.
func Codec(schema string) (*goavro.Codec, error) {
	return goavro.NewCodec(logicalDecimal.ReplaceAllString(schema, ""))
}
