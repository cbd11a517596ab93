package harness

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"

	"github.com/linkedin/goavro/v2"

	"rdip/integration/judge"
	"rdip/integration/testenv/kafkaserver"
)

// TopicReader decodes records with goavro, by the schemas that the registry has for them, and JSON as Kafka Connect's
// JsonConverter writes it, with or without its schema.
type TopicReader struct {
	Schemas *RegistrySchemas
	Codecs  map[string]*goavro.Codec
	names   map[string]string // one text for each list of columns
}

// NewTopicReader reads with the schemas of that registry.
func NewTopicReader(registry string) *TopicReader {
	return &TopicReader{Schemas: &RegistrySchemas{URL: registry, ByID: map[int32]string{}}, Codecs: map[string]*goavro.Codec{}, names: map[string]string{}}
}

// Partitions reads a topic from its beginning. A record that does not fit the schema that it names fails the test.
func (r *TopicReader) Partitions(t *testing.T, kafka *kafkaserver.Cluster, topic string, table judge.Table) [][]judge.Record {
	t.Helper()
	out, misfits := r.read(t, kafka, topic, table)
	for _, misfit := range misfits {
		t.Error(misfit)
	}
	return out
}

// read is Partitions, with what does not fit its schema apart.
func (r *TopicReader) read(t *testing.T, kafka *kafkaserver.Cluster, topic string, table judge.Table) (out [][]judge.Record, misfits []string) {
	t.Helper()
	err := kafka.Each(t.Context(), topic, func(k kafkaserver.Record) error {
		for int(k.Partition) >= len(out) {
			out = append(out, nil)
		}
		record, err := r.record(k, table, out[k.Partition])
		if err != nil {
			misfits = append(misfits, fmt.Sprintf("%s-%d at %d: %v", topic, k.Partition, k.Offset, err))
			return nil
		}
		out[k.Partition] = append(out[k.Partition], record)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, misfits
}

// record reads one; a tombstone of a table without a key belongs to the record before it.
func (r *TopicReader) record(k kafkaserver.Record, table judge.Table, before []judge.Record) (judge.Record, error) {
	key, err := r.decode(k.Key)
	if err != nil {
		return judge.Record{}, fmt.Errorf("its key: %w", err)
	}
	if k.Value == nil {
		if key == nil && len(before) > 0 {
			return judge.Record{Op: 'T', Key: before[len(before)-1].Key}, nil
		}
		return judge.Record{Op: 'T', Key: table.Key(asText(key))}, nil
	}
	envelope, err := r.decode(k.Value)
	if err != nil {
		return judge.Record{}, err
	}
	op, _ := envelope["op"].(string)
	block, isRecord := envelope["source"].(map[string]any)
	if op == "" || !isRecord {
		return judge.Record{}, errors.New("it is no envelope of a change")
	}
	source := asText(block)
	out := judge.Record{Op: op[0]}
	out.Before, out.Fields = r.row(envelope["before"], "")
	out.After, out.Fields = r.row(envelope["after"], out.Fields)
	out.Tx, _ = strconv.ParseInt(source["txId"], 10, 64)
	out.LSN, _ = strconv.ParseInt(source["lsn"], 10, 64)
	if numbered, ok := held(envelope["transaction"]).(map[string]any); ok {
		out.Number = integer(numbered["total_order"])
	}
	out.Key = table.Key(out.Row())
	if key != nil && table.Key(asText(key)) != out.Key {
		return out, fmt.Errorf("the key of %v is %v", out, key)
	}
	return out, nil
}

// row is a union's row, and the names of its columns; those given where it is null.
func (r *TopicReader) row(native any, otherwise string) (judge.Columns, string) {
	row, ok := held(native).(map[string]any)
	if !ok {
		return nil, otherwise
	}
	return asText(row), fieldNames(r.names, row)
}

// decode reads framed Avro, or JSON; nil for null.
func (r *TopicReader) decode(framed []byte) (map[string]any, error) {
	if framed == nil {
		return nil, nil
	}
	if framed[0] == '{' {
		return fromJSON(framed)
	}
	schema, err := r.Schemas.find(framed)
	if err != nil {
		return nil, err
	}
	if r.Codecs[schema] == nil {
		c, err := Codec(schema)
		if err != nil {
			return nil, err
		}
		r.Codecs[schema] = c
	}
	native, rest, err := r.Codecs[schema].NativeFromBinary(framed[5:])
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes are behind its last field", len(rest))
	}
	object, ok := native.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it is %T, and no record", native)
	}
	return object, nil
}

// fromJSON reads what JsonConverter wrote.
func fromJSON(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	if _, ok := object["schema"]; ok && len(object) == 2 {
		payload, ok := object["payload"].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("its payload is %T", object["payload"])
		}
		return payload, nil
	}
	return object, nil
}

// mostText is how long a value's text may be to be kept whole: of what is longer the judges compare a digest.
const mostText = 96

// asText writes values as text, Avro's (unions unwrapped) and JSON's alike, under the names that columns began with.
func asText(row map[string]any) judge.Columns {
	out := make(judge.Columns, len(row))
	for name, v := range row {
		v = held(v)
		if v == nil {
			continue
		}
		text, ok := v.(string)
		if !ok {
			text = fmt.Sprint(v)
		}
		if len(text) > mostText {
			digest := fnv.New128a()
			_, _ = io.WriteString(digest, text)
			text = fmt.Sprintf("%s... %d bytes, digest %x", text[:16], len(text), digest.Sum(nil))
		}
		out[judge.Lineage(name)] = text
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
	text, err := s.find(framed)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// find is the schema of a framed record: a zero byte, the schema's id, the Avro bytes (Confluent's wire format).
func (s *RegistrySchemas) find(framed []byte) (string, error) {
	if len(framed) < 5 || framed[0] != 0 {
		return "", fmt.Errorf("%d bytes without a frame", len(framed))
	}
	id := int32(binary.BigEndian.Uint32(framed[1:5]))
	if text, ok := s.ByID[id]; ok {
		return text, nil
	}
	resp, err := http.Get(fmt.Sprintf("%s/schemas/ids/%d", s.URL, id))
	if err != nil {
		return "", err
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
		return "", fmt.Errorf("schema %d: the registry answered %s (%v)", id, body, err) //nolint:errorlint // it may be nil
	}
	s.ByID[id] = answer.Schema
	return answer.Schema, nil
}

// logicalDecimal is what goavro reads as a rational number, and we as bytes: it refuses decimals with defaults.
var logicalDecimal = regexp.MustCompile(`,"logicalType":"decimal"`)

// Codec is goavro's of a schema.
func Codec(schema string) (*goavro.Codec, error) {
	return goavro.NewCodec(logicalDecimal.ReplaceAllString(schema, ""))
}
