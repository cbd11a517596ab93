package envelope_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/linkedin/goavro/v2"

	"rdip/envelope"
	"rdip/schema"
)

func encodeInt(dst, wire []byte) ([]byte, error) {
	n, err := strconv.ParseInt(string(wire), 10, 32)
	return envelope.AppendLong(dst, n), err
}

func encodeText(dst, wire []byte) ([]byte, error) { return envelope.AppendString(dst, wire), nil }

// layout is a table with one column of each way of writing: a key, NOT NULL, nullable, nullable with a default.
func layout(key ...int) *envelope.Layout {
	text := schema.Plain(schema.String)
	absent := envelope.AppendString(nil, "__debezium_unavailable_value")
	return &envelope.Layout{
		Table: &schema.Table{Database: "shop", Schema: "public", Name: "orders", Key: key, Columns: []schema.Column{
			{Name: "id", Type: schema.Plain(schema.Int), Zero: []byte{0}},
			{Name: "note", Type: text, Zero: []byte{0}, Absent: absent},
			{Name: "memo", Type: text, Nullable: true, Absent: absent},
			{Name: "state", Type: text, Nullable: true, Default: []byte(`"new"`), DefaultValue: envelope.AppendString(nil, "new"), Absent: absent},
			{Name: "gone", Type: text, Omitted: true},
		}},
		Columns:      []envelope.ColumnEncoder{encodeInt, encodeText, encodeText, encodeText, encodeText},
		SourceSchema: &schema.Source{Name: "io.debezium.connector.test.Source"},
		Source: func(dst []byte, tx *envelope.Transaction, e *envelope.Event) []byte {
			dst = envelope.AppendString(envelope.AppendString(envelope.AppendString(dst, "1"), "test"), "shop")
			dst = append(envelope.AppendLong(dst, tx.Micros/1000), 0)
			dst = envelope.AppendString(dst, e.Mark.String())
			return append(envelope.AppendString(dst, "shop"), 0, 0, 0)
		},
	}
}

func text(s string) envelope.Value { return envelope.Value{Wire: []byte(s), State: envelope.Present} }

var (
	null     = envelope.Value{}
	unsent   = envelope.Value{State: envelope.Absent}
	someTx   = &envelope.Transaction{Micros: 1_700_000_000_000_000}
	nanos    = int64(1_700_000_000_123_456_789)
	aRow     = envelope.Row{text("7"), text("n"), text("m"), text("paid"), text("x")}
	debezium = envelope.Options{Debezium: true}
)

// value encodes an event and reads it back with an Avro library that is not ours.
func value(t *testing.T, l *envelope.Layout, o envelope.Options, e envelope.Event) map[string]any {
	t.Helper()
	x := envelope.NewEncoder(l, "shop.public.orders", o)
	x.SetIDs(1, 0x01020304)
	out, err := x.AppendValue(nil, someTx, &e, nanos)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%x", out[:5]); got != "0001020304" {
		t.Errorf("frame %s, want 00 and the schema's id", got)
	}
	codec, err := goavro.NewCodec(x.ValueSchema())
	if err != nil {
		t.Fatal(err)
	}
	native, rest, err := codec.NativeFromBinary(out[5:])
	if err != nil || len(rest) > 0 {
		t.Fatalf("%v, %d bytes over", err, len(rest))
	}
	return native.(map[string]any)
}

func row(v any) any {
	if v == nil {
		return nil
	}
	return v.(map[string]any)["shop.public.orders.Value"]
}

func str(s string) any { return map[string]any{"string": s} }

func TestRowsReadBackAsTheyWere(t *testing.T) {
	type m = map[string]any
	for _, c := range []struct {
		name          string
		options       envelope.Options
		event         envelope.Event
		before, after any
	}{
		{"an insert has after only", envelope.Options{}, envelope.Event{Op: envelope.Create, After: aRow},
			nil, m{"id": int32(7), "note": "n", "memo": str("m"), "state": str("paid")}},
		{"NULL stays NULL where the column has a default", envelope.Options{}, envelope.Event{Op: envelope.Create, After: envelope.Row{text("7"), text("n"), null, null, null}},
			nil, m{"id": int32(7), "note": "n", "memo": nil, "state": nil}},
		{"NULL becomes the default in Debezium's way", debezium, envelope.Event{Op: envelope.Create, After: envelope.Row{text("7"), text("n"), null, null, null}},
			nil, m{"id": int32(7), "note": "n", "memo": nil, "state": str("new")}},
		{"P1: unchanged TOAST is marked, never null", envelope.Options{}, envelope.Event{Op: envelope.Update, After: envelope.Row{text("7"), unsent, unsent, unsent, unsent}},
			nil, m{"id": int32(7), "note": "__debezium_unavailable_value", "memo": str("__debezium_unavailable_value"), "state": str("__debezium_unavailable_value")}},
		{"before under FULL is the whole row", envelope.Options{}, envelope.Event{Op: envelope.Delete, Before: aRow},
			m{"id": int32(7), "note": "n", "memo": str("m"), "state": str("paid")}, nil},
		{"before by key is filled: zero for NOT NULL, null else", envelope.Options{}, envelope.Event{Op: envelope.Delete, KeyOnly: true, Before: envelope.Row{text("7"), null, null, null, null}},
			m{"id": int32(7), "note": "", "memo": nil, "state": nil}, nil},
		{"a truncate has neither", envelope.Options{}, envelope.Event{Op: envelope.Truncate}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := value(t, layout(0), c.options, c.event)
			if d := cmp.Diff(c.before, row(got["before"])); d != "" {
				t.Errorf("before (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.after, row(got["after"])); d != "" {
				t.Errorf("after (-want +got):\n%s", d)
			}
			if got["op"] != string(c.event.Op) || !cmp.Equal(got["ts_ns"], m{"long": nanos}) || !cmp.Equal(got["ts_ms"], m{"long": nanos / 1e6}) {
				t.Errorf("op %v, ts_ns %v, ts_ms %v", got["op"], got["ts_ns"], got["ts_ms"])
			}
		})
	}
}

func TestAValueThatCannotBeWrittenNamesItsColumn(t *testing.T) {
	for _, c := range []struct {
		name, column string
		null         bool
		row          envelope.Row
	}{
		{"NULL in a NOT NULL column", "note", true, envelope.Row{text("7"), null, null, null, null}},
		{"a value that does not parse", "id", false, envelope.Row{text("seven"), text("n"), null, null, null}},
		{"an unsent value of a type without a marker", "id", false, envelope.Row{unsent, text("n"), null, null, null}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := envelope.NewEncoder(layout(0), "t", envelope.Options{})
			_, err := x.AppendValue(nil, someTx, &envelope.Event{Op: envelope.Create, After: c.row}, nanos)
			var ce *envelope.ColumnError
			if !errors.As(err, &ce) || ce.Column != c.column || ce.NullInNotNull != c.null || ce.Table != "public.orders" {
				t.Errorf("got %#v", err)
			}
		})
	}
}

// P3: a key is never guessed.
func TestAKeyThatTheLogDoesNotCarryIsRefused(t *testing.T) {
	x := envelope.NewEncoder(layout(1), "t", envelope.Options{})
	_, err := x.AppendKey(nil, envelope.Row{text("7"), unsent, null, null, null})
	var ce *envelope.ColumnError
	if !errors.As(err, &ce) || ce.Column != "note" {
		t.Errorf("got %v", err)
	}
}

func TestKeysFollowTheKeysOwnOrderAndBecomeJSONForHeaders(t *testing.T) {
	x := envelope.NewEncoder(layout(1, 0), "t", envelope.Options{})
	x.SetIDs(9, 1)
	key, err := x.AppendKey(nil, envelope.Row{text("7"), text(`a"b\c`), null, null, null})
	if err != nil {
		t.Fatal(err)
	}
	codec, err := goavro.NewCodec(x.KeySchema())
	if err != nil {
		t.Fatal(err)
	}
	native, _, err := codec.NativeFromBinary(key[5:])
	if d := cmp.Diff(map[string]any{"note": `a"b\c`, "id": int32(7)}, native); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
	text, err := x.AppendKeyJSON(nil, key)
	if want := `{"note":"a\"b\\c","id":7}`; string(text) != want || err != nil {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
}

func TestAChangedKeyIsSeen(t *testing.T) {
	x := envelope.NewEncoder(layout(0), "t", envelope.Options{})
	old := envelope.Row{text("6"), null, null, null, null}
	for _, c := range []struct {
		name string
		e    envelope.Event
		want bool
	}{
		{"an update without an old row", envelope.Event{Op: envelope.Update, After: aRow}, false},
		{"an update with the same key", envelope.Event{Op: envelope.Update, Before: aRow, After: aRow}, false},
		{"an update with another key", envelope.Event{Op: envelope.Update, Before: old, After: aRow}, true},
		{"a delete", envelope.Event{Op: envelope.Delete, Before: old}, false},
		{"an update whose key was not sent again", envelope.Event{Op: envelope.Update, Before: old, After: envelope.Row{unsent, null, null, null, null}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := x.KeyChanged(&c.e); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestUnavailableColumnsAreNamed(t *testing.T) {
	x := envelope.NewEncoder(layout(0), "t", envelope.Options{})
	for _, c := range []struct {
		row  envelope.Row
		want []string
	}{{aRow, nil}, {envelope.Row{text("7"), unsent, text("m"), unsent, unsent}, []string{"note", "state"}}} {
		var got []string
		if text := x.Unavailable(c.row); text != nil {
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
		}
		if !cmp.Equal(got, c.want) {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
}

func TestAppendingARecordAllocatesNothing(t *testing.T) {
	x := envelope.NewEncoder(layout(0), "shop.public.orders", envelope.Options{})
	dst := make([]byte, 0, 4096)
	toasted := envelope.Row{text("7"), unsent, text("m"), null, null}
	x.Unavailable(toasted)
	events := []envelope.Event{{Op: envelope.Create, After: aRow}, {Op: envelope.Update, Before: aRow, After: toasted},
		{Op: envelope.Delete, Before: aRow, KeyOnly: true}}
	// encodeInt's strconv.ParseInt of a converted slice does not escape, so that nothing at all is left to allocate.
	if n := testing.AllocsPerRun(100, func() {
		for i := range events {
			var err error
			if dst, err = x.AppendKey(dst[:0], aRow); err != nil {
				t.Fatal(err)
			}
			x.KeyChanged(&events[i])
			x.Unavailable(events[i].After)
			if dst, err = x.AppendValue(dst, someTx, &events[i], nanos); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d records", n, len(events))
	}
}
