package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/linkedin/goavro/v2"

	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
)

// gathered is what the judges need of one table: its topic, read with sarama and goavro, and what the
// source's own tables say.
func gathered(t *testing.T, pg *pgserver.Server, database string, kafka *kafkaserver.Cluster, r *topicReader, prefix string, table judgedTable) *evidence {
	t.Helper()
	conn, err := pg.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	e := &evidence{Table: table, History: historyOf(t, conn, table), Final: map[string]columns{},
		Partitions: r.partitions(t, kafka, prefix+".public."+table.Name, table)}
	for _, row := range jsonRows(t, conn, "SELECT to_jsonb(t) FROM "+pgx.Identifier{table.Name}.Sanitize()+" t") {
		e.Final[table.key(row[0])] = row[0]
	}
	return e
}

// historyOf reads what the triggers wrote; a changed key becomes a delete and a create.
func historyOf(t *testing.T, conn *pgx.Conn, table judgedTable) map[string][]committed {
	t.Helper()
	out := map[string][]committed{}
	add := func(op byte, tx int64, row columns) {
		key := table.key(row)
		out[key] = append(out[key], committed{Op: op, Tx: tx, Row: row})
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
		case table.Name != "keyless" && table.key(before) != table.key(after):
			add('d', tx, before)
			add('c', tx, after)
		default:
			add('u', tx, after)
		}
	}
	return out
}

// jsonRows reads rows of JSON objects, each as text columns.
func jsonRows(t *testing.T, conn *pgx.Conn, query string, args ...any) [][3]columns {
	t.Helper()
	rows, err := conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out [][3]columns
	for rows.Next() {
		var r [3]columns
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
func jsonColumns(t *testing.T, raw []byte) columns {
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

// topicReader decodes records with goavro, by the schemas that the registry has for them.
type topicReader struct {
	schemas *registrySchemas
	codecs  map[string]*goavro.Codec
}

func newTopicReader(registry string) *topicReader {
	return &topicReader{schemas: &registrySchemas{url: registry, byID: map[int32]string{}}, codecs: map[string]*goavro.Codec{}}
}

// partitions reads a topic from its beginning.
func (r *topicReader) partitions(t *testing.T, kafka *kafkaserver.Cluster, topic string, table judgedTable) [][]record {
	t.Helper()
	raw, err := kafka.Read(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]record
	for _, k := range raw {
		for int(k.Partition) >= len(out) {
			out = append(out, nil)
		}
		out[k.Partition] = append(out[k.Partition], r.record(t, k, table, out[k.Partition]))
	}
	return out
}

// record reads one; a tombstone of a table without a key belongs to the record before it.
func (r *topicReader) record(t *testing.T, k kafkaserver.Record, table judgedTable, before []record) record {
	t.Helper()
	key := r.decode(t, k.Key)
	if k.Value == nil {
		if key == nil && len(before) > 0 {
			return record{Op: 'T', Key: before[len(before)-1].Key}
		}
		return record{Op: 'T', Key: table.key(asText(key))}
	}
	envelope := r.decode(t, k.Value)
	source := asText(envelope["source"].(map[string]any))
	out := record{Op: envelope["op"].(string)[0], Before: rowOf(envelope["before"]), After: rowOf(envelope["after"])}
	out.Tx, _ = strconv.ParseInt(source["txId"], 10, 64)
	out.LSN, _ = strconv.ParseInt(source["lsn"], 10, 64)
	out.Key = table.key(out.row())
	if key != nil && table.key(asText(key)) != out.Key {
		t.Errorf("the key of %v is %v", out, key)
	}
	return out
}

func (r *topicReader) decode(t *testing.T, framed []byte) map[string]any {
	t.Helper()
	schema := r.schemas.of(t, framed)
	if schema == "" {
		return nil
	}
	if r.codecs[schema] == nil {
		c, err := codec(schema)
		if err != nil {
			t.Fatal(err)
		}
		r.codecs[schema] = c
	}
	native, rest, err := r.codecs[schema].NativeFromBinary(framed[5:])
	if err != nil || len(rest) > 0 {
		t.Fatalf("%v, %d bytes behind a record", err, len(rest))
	}
	return native.(map[string]any)
}

func rowOf(native any) columns {
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
func asText(row map[string]any) columns {
	out := columns{}
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
