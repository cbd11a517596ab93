package integration

import (
	"bytes"
	"strings"
	"testing"
)

// Golden records are what Debezium 3.6.3 wrote with Confluent's AvroConverter, and with Kafka's JsonConverter
// (testdata/golden/README.md). rdip, with the configuration that rdip import makes of Debezium's, must write the same
// bytes for the same SQL.

// wire is one record to compare: its headers and bytes, and the schemas that they were written with.
type wire struct {
	Headers     []string // key=value
	Key, Value  []byte   // nil for null
	KeySchema   string   // "" where Key is nil, or text
	ValueSchema string
	Time        int64 // ms since 1970; of Debezium's records 0 for when they were written
}

// goldenRuns are the folders of testdata/golden. Each has the SQL (its own, or that of the folder above), the
// configuration that Debezium ran with, which rdip import turns into the one that rdip runs with, and the records.
var goldenRuns = []goldenRun{
	{folder: ".", also: foreignersRead},
	{folder: "modes-a", also: foreignersRead},
	{folder: "json", also: tailReads},
	{folder: "json-with-schema"},
	{folder: "flat"},
	{folder: "flat/json"},
	{folder: "flat/more"},
	{folder: "outbox"},
	{folder: "outbox/json"},
	{folder: "outbox/text"},
	{folder: "outbox/bytes"},
	{folder: "chosen"},
	{folder: "chosen/more"},
	{folder: "chosen/json"},
	{folder: "types"},
	{folder: "types/double"},
	{folder: "types/string"},
	{folder: "types/micro"},
	{folder: "types/nano"},
	{folder: "routed"},
	{folder: "extensions", extensions: true},
	{folder: "extensions/json", extensions: true},
	{folder: "incremental", unlike: []string{"zinc.public.signals", "zinc.transaction"}}, // Debezium's windows open and close by rows of the signal table
}

func TestRecordsAreByteForByteWhatDebeziumWrote(t *testing.T) {
	for _, run := range goldenRuns {
		t.Run(run.folder, run.test)
	}
}

// The comparison itself must be able to fail: one wrong byte anywhere is found.
func TestAPlantedDifferenceIsFound(t *testing.T) {
	avro, text := readGoldenOf(t, "testdata/golden")["zoo.public.t_full"], readGoldenOf(t, "testdata/golden/json")["zooj.public.t_change"]
	for _, c := range []struct {
		name   string
		golden []wire
		plant  func(r *wire)
	}{
		{"a wrong byte in a key", avro, func(r *wire) { r.Key[len(r.Key)-1] ^= 2 }},
		{"a wrong byte in a value", avro, func(r *wire) { r.Value[8] ^= 2 }},
		{"another type in a schema", avro, func(r *wire) { r.ValueSchema = strings.Replace(r.ValueSchema, `"precision":8`, `"precision":9`, 1) }},
		{"another header", avro, func(r *wire) { r.Headers = append(r.Headers, "x=y") }},
		{"a missing value", avro, func(r *wire) { r.Value = nil }},
		{"another time", avro, func(r *wire) { r.Time = 1 }},
		{"a wrong byte in a key of text", text, func(r *wire) { r.Key = bytes.Replace(r.Key, []byte("1"), []byte("2"), 1) }},
		{"a space in a value of text", text, func(r *wire) { r.Value = bytes.Replace(r.Value, []byte(","), []byte(", "), 1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			planted := append([]wire(nil), c.golden...)
			r := &planted[0]
			r.Key, r.Value, r.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), append([]string(nil), r.Headers...)
			c.plant(r)
			if len(compareWire(planted, c.golden)) == 0 {
				t.Error("the comparison did not see it")
			}
			if d := compareWire(c.golden, c.golden); len(d) > 0 {
				t.Errorf("the golden records differ from themselves: %v", d)
			}
		})
	}
}
