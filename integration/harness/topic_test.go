package harness

import (
	"encoding/binary"
	"strings"
	"testing"

	"rdip/integration/judge"
	"rdip/integration/testenv/kafkaserver"
)

const (
	rowSchema = `{"type":"record","name":"Value","fields":[{"name":"id","type":"long"},{"name":"x1__2","type":["null","string"],"default":null}]}`
	envelope  = `{"type":"record","name":"Envelope","fields":[{"name":"before","type":["null",` + rowSchema + `]},{"name":"after","type":["null","Value"]},` +
		`{"name":"source","type":{"type":"record","name":"Source","fields":[{"name":"txId","type":["null","long"]},{"name":"lsn","type":["null","long"]}]}},{"name":"op","type":"string"}]}`
	keySchema   = `{"type":"record","name":"Key","fields":[{"name":"id","type":"long"}]}`
	otherSchema = `{"type":"record","name":"Other","fields":[{"name":"text","type":"string"}]}`
)

// framed is a value in Confluent's wire format.
func framed(t *testing.T, id int, schema string, native any) []byte {
	t.Helper()
	c, err := Codec(schema)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.BinaryFromNative(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), native)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Every record decodes by the schema its id names, or is a fault; a renamed column is under its first name.
func TestARecordIsReadByTheSchemaThatItNamesAlone(t *testing.T) {
	reader := NewTopicReader("")
	reader.Schemas.ByID = map[int32]string{1: keySchema, 2: envelope, 3: otherSchema}
	long := func(n int64) any { return map[string]any{"long": n} }
	value := map[string]any{"op": "c", "before": nil, "source": map[string]any{"txId": long(7), "lsn": long(9)},
		"after": map[string]any{"Value": map[string]any{"id": int64(5), "x1__2": map[string]any{"string": "text"}}}}
	key, good := framed(t, 1, keySchema, map[string]any{"id": int64(5)}), framed(t, 2, envelope, value)
	table := judge.Table{Name: "t", Keys: []string{"id"}}
	r, err := reader.record(kafkaserver.Record{Key: key, Value: good}, table, nil)
	if err != nil || r.Op != 'c' || r.Key != "5" || r.Tx != 7 || r.LSN != 9 || r.After["x1"] != "text" || r.Fields != "id,x1__2" {
		t.Fatalf("%v, columns %s: %v", r, r.Fields, err)
	}
	for name, c := range map[string]struct {
		key, value []byte
		says       string
	}{
		"under another record's schema": {key, append([]byte{0, 0, 0, 0, 3}, good[5:]...), "behind its last field"},
		"cut off":                       {key, good[:len(good)-3], ""},
		"with something behind it":      {key, append(good[:len(good):len(good)], 1), "behind its last field"},
		"without a frame":               {key, append([]byte{1}, good[1:]...), "without a frame"},
		"of another key":                {framed(t, 1, keySchema, map[string]any{"id": int64(6)}), good, "the key of"},
		"no envelope":                   {key, framed(t, 3, otherSchema, map[string]any{"text": "x"}), "no envelope"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := reader.record(kafkaserver.Record{Key: c.key, Value: c.value}, table, nil)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it was read as %v (%v)", r, err)
			}
		})
	}
}

func TestTheTableAddsUpItsRuns(t *testing.T) {
	text := table([]Row{{Test: "A", Mode: AtLeastOnce.Name, Seed: 1, Kills: 2, Events: 10, Duplicates: 3}, {Test: "B", Mode: ExactlyOnce.Name, Seed: 2, Faults: 1, Events: 5, Lost: 1}})
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if got := strings.Join(strings.Fields(lines[len(lines)-1]), " "); got != "| 2 runs | | | 2 | 1 | 0 | 15 | 3 | 1 | 0 | 0 |" {
		t.Errorf("the last line is %q of\n%s", got, text)
	}
}
