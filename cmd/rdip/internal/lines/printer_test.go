package lines

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro"

	"rdip/envelope/decode"
	"rdip/internal/fault"
	"rdip/sinks/kafka/consume"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

// The schemas that the records of these tests were written with, by their ids: a key, an envelope as Debezium
// has it, and the same after a column was added.
var schemas = map[int32]string{
	1: `{"type":"record","name":"Key","namespace":"shop.public.orders","fields":[{"name":"id","type":"long"}]}`,
	2: envelopeWith(`{"name":"id","type":"long"},{"name":"status","type":["null","string"],"default":null}`),
	3: envelopeWith(`{"name":"id","type":"long"},{"name":"status","type":["null","string"],"default":null},
		{"name":"day","type":["null",{"type":"int","connect.name":"io.debezium.time.Date"}],"default":null}`),
	4: `"string"`,
}

func envelopeWith(columns string) string {
	return `{"type":"record","name":"Envelope","namespace":"shop.public.orders","fields":[
		{"name":"before","type":["null",{"type":"record","name":"Value","fields":[` + columns + `]}],"default":null},
		{"name":"after","type":["null","Value"],"default":null},
		{"name":"source","type":{"type":"record","name":"Source","fields":[{"name":"db","type":"string"},{"name":"schema","type":"string"},
			{"name":"table","type":"string"},{"name":"ts_us","type":"long"}]}},
		{"name":"op","type":"string"}]}`
}

var committed = time.Date(2024, 2, 29, 12, 34, 56, 789e6, time.UTC)

func payload(id int32, v any) []byte {
	out := binary.BigEndian.AppendUint32([]byte{0}, uint32(id))
	out, err := avro.MustParse(schemas[id]).AppendEncode(out, v)
	if err != nil {
		panic(err)
	}
	return out
}

func row(id int64, status any) map[string]any { return map[string]any{"id": id, "status": status} }

// event is a record of an envelope; before and after may be nil.
func event(schema int32, op string, key int64, before, after any, headers ...decode.Header) consume.Record {
	value := map[string]any{"before": before, "after": after, "op": op,
		"source": map[string]any{"db": "shop", "schema": "public", "table": "orders", "ts_us": committed.UnixMicro()}}
	return consume.Record{Topic: "shop.public.orders", Partition: 1, Offset: 42, Time: committed, Headers: headers,
		Key: payload(1, map[string]any{"id": key}), Value: payload(schema, value)}
}

func header(key, value string) decode.Header { return decode.Header{Key: key, Value: []byte(value)} }

func newPrinter(out *bytes.Buffer) *Printer {
	return &Printer{Out: out, Format: Text, Tombstones: true, Decoder: decode.New(func(_ context.Context, id int32) (string, error) {
		if text, ok := schemas[id]; ok {
			return text, nil
		}
		return "", errors.New("no such schema")
	})}
}

func TestALineSaysWhatHappenedToTheRow(t *testing.T) {
	tombstone := event(2, "d", 7, nil, nil)
	tombstone.Value = nil
	noKey := event(2, "c", 7, nil, row(7, "new"))
	noKey.Key = nil
	text := consume.Record{Topic: "notes", Time: committed, Value: payload(4, "a\x1b[2Jb")}
	for name, c := range map[string]struct {
		record consume.Record
		want   string
	}{
		"a row of the snapshot":              {event(2, "r", 7, nil, row(7, "new")), "read       id=7  status: new  (3 ms)"},
		"a create":                           {event(2, "c", 7, nil, row(7, nil)), "create     id=7  status: null  (3 ms)"},
		"an update, only what changed":       {event(2, "u", 7, row(7, "new"), row(7, "paid")), "update     id=7  status: new → paid  (3 ms)"},
		"an update of an old row not known":  {event(2, "u", 7, nil, row(7, "paid")), "update     id=7  now status: paid  (3 ms)"},
		"an update of the key's facts alone": {event(2, "u", 7, row(7, nil), row(7, "paid"), header("__rdip.before", "key")), "update     id=7  now status: paid  (3 ms)"},
		"an update that changed nothing":     {event(2, "u", 7, row(7, "new"), row(7, "new")), "update     id=7  (nothing that is captured)  (3 ms)"},
		"P1: unchanged TOAST":                {event(2, "u", 7, nil, row(7, "__debezium_unavailable_value")), "update     id=7  (nothing that is captured)  (3 ms)"},
		"a delete":                           {event(2, "d", 7, row(7, "new"), nil), "delete     id=7  was status: new  (3 ms)"},
		"a delete that knows the key alone":  {event(2, "d", 7, row(7, nil), nil, header("__rdip.before", "key")), "delete     id=7  (3 ms)"},
		"P7: the old key of a changed key":   {event(2, "d", 7, row(7, "new"), nil, header("__debezium.newkey", `{"id":8}`)), "delete     id=7  key becomes id=8  (3 ms)"},
		"P7: the new key of a changed key":   {event(2, "c", 8, nil, row(8, "new"), header("__debezium.oldkey", `{"id":7}`)), "create     id=8  key was id=7; status: new  (3 ms)"},
		"P14: a truncate":                    {event(2, "t", 7, nil, nil), "truncate   id=7  (3 ms)"},
		"a table without a key":              {noKey, "create     (no key)  id: 7, status: new  (3 ms)"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := newPrinter(&out).Print(t.Context(), c.record, committed.Add(3*time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("2024-02-29 12:34:56.789  public.orders  "+c.want+"\n", out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, c := range map[string]struct {
		record consume.Record
		want   string
	}{
		"a tombstone":               {tombstone, "shop.public.orders  tombstone  id=7\n"},
		"a record that is no event": {text, `notes  record     (no key)  "a\u001b[2Jb"` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := newPrinter(&out).Print(t.Context(), c.record, committed); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("2024-02-29 12:34:56.789  "+c.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestASchemaChangeHasALineOfItsOwnOnce(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	after := map[string]any{"id": int64(7), "status": "new", "day": int32(19782)}
	for _, r := range []consume.Record{event(2, "c", 1, nil, row(1, "a")), event(3, "c", 7, nil, after), event(2, "c", 2, nil, row(2, "b")), event(3, "c", 8, nil, after)} {
		if err := p.Print(t.Context(), r, committed); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 5 || !strings.HasSuffix(lines[1], "schema           added day (Date)  (schema id 3)") || !strings.Contains(lines[2], "day: 2024-02-29") {
		t.Errorf("%q", lines)
	}
	if p.Records() != 4 {
		t.Errorf("%d records, needed are 4: a schema is none", p.Records())
	}
}

func TestJSONIsOneObjectALineWithNothingLeftOut(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	p.Format = JSON
	r := event(2, "c", 7, nil, row(7, "a\nb"), header("h", "text"), decode.Header{Key: "h", Value: []byte{0xff}}, decode.Header{Key: "n"})
	tombstone := r
	tombstone.Value = nil
	for _, r := range []consume.Record{r, tombstone} {
		if err := p.Print(t.Context(), r, committed); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	head := fmt.Sprintf(`{"topic":"shop.public.orders","partition":1,"offset":42,"timestamp":%d,"headers":[{"key":"h","value":"text"},{"key":"h","base64":"/w=="},{"key":"n","value":null}],"key_schema_id":1,"key":{"id":7}`, committed.UnixMilli())
	want := []string{head + fmt.Sprintf(`,"value_schema_id":2,"value":{"before":null,"after":{"id":7,"status":"a\nb"},"source":{"db":"shop","schema":"public","table":"orders","ts_us":%d},"op":"c"}}`, committed.UnixMicro()),
		head + `,"value":null}`}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestRawIsTheBytesThemselves(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	p.Format = Raw
	if err := p.Print(t.Context(), consume.Record{Topic: "t", Offset: 3, Value: []byte{0, 255}}, committed); err != nil {
		t.Fatal(err)
	}
	if want := "t/0@3\t-\t00ff\n"; out.String() != want {
		t.Errorf("%q, needed is %q", out.String(), want)
	}
}

func TestOnlyRecordsWithTheKeyAreShown(t *testing.T) {
	for key, want := range map[string]int{"id=7": 2, "7": 2, "=70": 1, "id=8": 0} {
		var out bytes.Buffer
		p := newPrinter(&out)
		p.Key = key
		for _, id := range []int64{7, 70, 1} {
			if err := p.Print(t.Context(), event(2, "c", id, nil, row(id, "x")), committed); err != nil {
				t.Fatal(err)
			}
		}
		if p.Records() != want {
			t.Errorf("%s: %d records, needed are %d", key, p.Records(), want)
		}
	}
}

func TestColoursAreOnlyWhereTheyWereAskedFor(t *testing.T) {
	for _, colour := range []bool{false, true} {
		var out bytes.Buffer
		p := newPrinter(&out)
		p.Colour = colour
		if err := p.Print(t.Context(), event(2, "d", 7, row(7, "\x1b[31mred"), nil), committed); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "\x1b["); got != colour {
			t.Errorf("colours %v: %q", colour, out.String())
		}
	}
}

func TestARecordThatDoesNotDecodeNamesItsPlaceAndTheNextIsShown(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	bad := event(2, "c", 7, nil, row(7, "new"))
	bad.Value = bad.Value[:len(bad.Value)-3]
	err := p.Print(t.Context(), bad, committed)
	if !errors.Is(err, decode.ErrShort) || !fault.IsPermanent(err) || !strings.Contains(err.Error(), "shop.public.orders/1@42") {
		t.Errorf("%v", err)
	}
	if err := p.Print(t.Context(), event(2, "c", 8, nil, row(8, "new")), committed); err != nil || p.Records() != 1 {
		t.Errorf("%v, %d records", err, p.Records())
	}
}

func TestTheSummaryCountsEventsAndTheLatencyOfTheLogsOwn(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	p.Tally = &Tally{}
	if got := p.Tally.Summary(); got != "0 events, 0/s, p50 0 ms, p99 0 ms" {
		t.Errorf("of nothing: %q", got)
	}
	print := func(op string, after time.Duration) {
		if err := p.Print(t.Context(), event(2, op, 1, row(1, "a"), row(1, "b")), committed.Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	print("r", 5*time.Second) // a snapshot's row is an event, and no latency
	for ms := 1; ms <= 100; ms++ {
		print("u", time.Duration(ms)*time.Millisecond)
	}
	print("u", 15*time.Second)
	tombstone := event(2, "d", 1, nil, nil)
	tombstone.Value = nil
	if err := p.Print(t.Context(), tombstone, committed); err != nil {
		t.Fatal(err)
	}
	if got, want := p.Tally.Summary(), "102 events, 10/s, p50 51 ms, p99 100 ms"; got != want {
		t.Errorf("%q, needed is %q", got, want)
	}
}
