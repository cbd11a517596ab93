package columns

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rdip/configs"
	"rdip/connect/source/sourcetest"
	"rdip/envelope"
	"rdip/internal/fault"
	"rdip/schema"
)

// reshapeOf decodes a connector's keys.
func reshapeOf(t *testing.T, keys map[string]string) *Reshape {
	t.Helper()
	var c Config
	d := configs.NewDefinition("columns")
	c.Define(d)
	section := configs.FromMap("test", "shop", keys)
	found := configs.Decode(section, d)
	if err := append(found, c.Check(section.Where)...).Err(); err != nil {
		t.Fatal(err)
	}
	return c.Reshape(false)
}

// written is what a column's encoder makes of a text.
func written(t *testing.T, l *envelope.Layout, column int, text string) string {
	t.Helper()
	out, err := l.Columns[column]([]byte("before"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := stringAt(out, len("before"))
	if err != nil {
		t.Fatal(err)
	}
	return string(s)
}

// The digests are those of Debezium's own tests (MaskStringsTest, PostgresConnectorIT).
func TestHashesAreThoseOfDebezium(t *testing.T) {
	for _, c := range []struct {
		key    string
		length int
		text   string
		want   string
	}{
		{"column.mask.hash.SHA-256.with.salt.salt", -1, "hello", "af5843a0f0e728ab0332c8888b6e1190bfb79e584f0d40538de8f10df6ef29c6"},
		{"column.mask.hash.SHA-256.with.salt.salt", -1, "world", "4588e1f2dcdc7fefc1515d3acd5acb9033478eace68286f383c337b9ff4464a3"},
		{"column.mask.hash.MD5.with.salt.salt", -1, "hello", "46f48a7a5ea32efba87cbff49d46d35a"},
		{"column.mask.hash.v2.SHA-256.with.salt.salt", -1, "hello", "cd31b3b98ece60cb739c0bf770b2de892ae0ad133f645513c3d83f08757a843a"},
		{"column.mask.hash.v2.MD5.with.salt.salt", -1, "world", "172c8e95398cc72ab5358ead6981e7e5"},
		{"column.mask.hash.v2.md5.with.salt.salt", 8, "world", "172c8e95"}, // cut to the column's length
	} {
		l := sourcetest.Orders(0)
		l.Table.Columns[1].Length = c.length
		got, err := reshapeOf(t, map[string]string{c.key: `public\.orders\.note`}).Layout(l)
		if err != nil {
			t.Fatal(err)
		}
		if text := written(t, got, 1, c.text); text != c.want {
			t.Errorf("%s of %q: %s, want %s", c.key, c.text, text, c.want)
		}
		if text := written(t, got, 2, c.text); text != c.text {
			t.Errorf("a column that is not masked is %s", text)
		}
	}
}

// The length before a long string, and characters beyond the basic plane, as ObjectOutputStream writes them.
func TestTheSerializedFormOfAStringIsThatOfJava(t *testing.T) {
	for text, want := range map[string]string{
		"":                "\xac\xed\x00\x05t\x00\x00",
		"aé":              "\xac\xed\x00\x05t\x00\x03aé",
		"€\U0001F600":     "\xac\xed\x00\x05t\x00\x09€\xed\xa0\xbd\xed\xb8\x80",
		"a\x00b":          "\xac\xed\x00\x05t\x00\x04a\xc0\x80b",
		long(0x10000):     "\xac\xed\x00\x05|\x00\x00\x00\x00\x00\x01\x00\x00" + long(0x10000),
		long(0x10000 - 1): "\xac\xed\x00\x05t\xff\xff" + long(0xffff),
	} {
		if got := string(appendJavaString(nil, []byte(text))); got != want {
			t.Errorf("%.20q: %.40q, want %.40q", text, got, want)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// P25: characters are UTF-16 units, as Java counts them, and none is written by half.
func TestACutCountsAsJavaDoesAndLeavesNoHalfCharacter(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"abc", "abc"}, {"abcd", "abc"}, {"äöüß", "äöü"}, {"a\U0001F600b", "a\U0001F600"}, {"ab\U0001F600", "ab"}, {"", ""}, {long(200), "xxx"},
	} {
		got, err := reshapeOf(t, map[string]string{"column.truncate.to.3.chars": `.*\.note`}).Layout(sourcetest.Orders(0))
		if err != nil {
			t.Fatal(err)
		}
		if text := written(t, got, 1, c.text); text != c.want {
			t.Errorf("%q is cut to %q, want %q", c.text, text, c.want)
		}
	}
}

func TestAMaskSaysNothingOfWhatItHides(t *testing.T) {
	l, err := reshapeOf(t, map[string]string{"column.mask.with.4.chars": `public\.orders\.(note|memo)`}).Layout(sourcetest.Orders(0))
	if err != nil {
		t.Fatal(err)
	}
	x := envelope.NewEncoder(l, "shop.public.orders", envelope.Options{})
	record := func(note envelope.Value) string {
		out, err := x.AppendValue(nil, &envelope.Transaction{}, &envelope.Event{Op: envelope.Create, After: envelope.Row{sourcetest.Present("1"), note, note}}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if x.Unavailable(envelope.Row{sourcetest.Present("1"), note, note}) != nil {
			t.Error("a header tells of the value")
		}
		return string(out)
	}
	known := record(sourcetest.Present("secret"))
	if known != record(envelope.Value{}) || known != record(envelope.Value{State: envelope.Absent}) {
		t.Error("a value, NULL and unchanged TOAST are written differently")
	}
	if strings.Contains(known, "secret") || strings.Count(known, "****") != 2 {
		t.Errorf("the record is %q", known)
	}
	if !strings.Contains(x.ValueSchema(), `{"type":"string","connect.parameters":{"masked":"true"}}`) {
		t.Errorf("the schema does not say so: %s", x.ValueSchema())
	}
}

func TestColumnsThatAreLeftOutAreInNoSchemaAndNoRow(t *testing.T) {
	for name, keys := range map[string]map[string]string{
		"by an exclude list": {"column.exclude.list": `public\.orders\.(ID|memo)`},
		"by an include list": {"column.include.list": `public\.orders\.note,other\..*`},
	} {
		l, err := reshapeOf(t, keys).Layout(sourcetest.Orders(0))
		if err != nil {
			t.Fatal(err)
		}
		x := envelope.NewEncoder(l, "shop.public.orders", envelope.Options{})
		if s := x.ValueSchema(); strings.Contains(s, `"id","type":"long"`) || strings.Contains(s, "memo") || !strings.Contains(s, "note") {
			t.Errorf("%s: the schema is %s", name, s)
		}
		if s := x.KeySchema(); !strings.Contains(s, `"id"`) { // as Debezium has it
			t.Errorf("%s: the key's schema is %s", name, s)
		}
		e := &envelope.Event{Op: envelope.Update, Before: envelope.Row{sourcetest.Present("7"), sourcetest.Present("a"), sourcetest.Present("hidden")}, After: envelope.Row{sourcetest.Present("7"), sourcetest.Present("a"), sourcetest.Present("other")}}
		out, err := x.AppendValue(nil, &envelope.Transaction{}, e, 0)
		if err != nil || strings.Contains(string(out), "hidden") || strings.Contains(string(out), "other") {
			t.Errorf("%s: %q, %v", name, out, err)
		}
		if !x.Unchanged(e) {
			t.Errorf("%s: a change of what is left out counts", name)
		}
		e.After[1] = sourcetest.Present("b")
		if x.Unchanged(e) {
			t.Errorf("%s: a change of what is captured does not count", name)
		}
	}
}

func TestAConfiguredKeyTakesThePlaceOfTheTables(t *testing.T) {
	r := reshapeOf(t, map[string]string{"message.key.columns": `(.*)\.orders:note,id;other.t:x;`})
	l := sourcetest.Orders(0)
	l.Table.Before = schema.BeforeFull
	got, err := r.Layout(l)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{1, 0}, got.Table.Key); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]int{0}, got.Table.OldColumns()); d != "" {
		t.Errorf("the log's key: %s", d)
	}
	if len(l.Table.Key) != 1 {
		t.Error("the reader's own layout was changed")
	}
	l.Table.Before = schema.BeforeKey
	if _, err := r.Layout(l); err == nil || !strings.Contains(err.Error(), "note") || !strings.Contains(err.Error(), "REPLICA IDENTITY FULL") {
		t.Errorf("a key that the log does not carry: %v", err)
	}
	l.Table.Key, l.Table.Before = nil, schema.BeforeNothing // rows that are only inserted
	if got, err := r.Layout(l); err != nil || !got.Table.HasKey() {
		t.Errorf("a table without a key: %v", err)
	}
}

func TestADisguiseThatCannotBeIsRefusedByName(t *testing.T) {
	for name, c := range map[string]struct {
		keys map[string]string
		key  []int
		says string
	}{
		"of a number":               {map[string]string{"column.mask.with.4.chars": `public\.orders\.id`}, nil, "no text"},
		"two of one column":         {map[string]string{"column.mask.with.4.chars": ".*note", "column.truncate.to.2.chars": ".*note"}, nil, "both"},
		"asterisks in the key":      {map[string]string{"column.mask.with.4.chars": ".*note"}, []int{1}, "alike"},
		"a cut in the key":          {map[string]string{"column.truncate.to.2.chars": ".*note"}, []int{1}, "alike"},
		"a short digest in the key": {map[string]string{"column.mask.hash.v2.SHA-256.with.salt.s4lt": ".*note"}, []int{1}, "alike"},
	} {
		l := sourcetest.Orders(c.key...)
		l.Table.Columns[1].Length = 20
		_, err := reshapeOf(t, c.keys).Layout(l)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "public.orders.") || !fault.IsPermanent(err) || strings.Contains(err.Error(), "s4lt") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A digest in the key keeps what the key is for: rows are told apart, and a changed key is seen.
func TestAHashedKeyHidesItsValueAndStillTellsRowsApart(t *testing.T) {
	l, err := reshapeOf(t, map[string]string{"column.mask.hash.v2.SHA-256.with.salt.s4lt": ".*note"}).Layout(sourcetest.Orders(1))
	if err != nil {
		t.Fatal(err)
	}
	x := envelope.NewEncoder(l, "shop.public.orders", envelope.Options{})
	one, two := envelope.Row{sourcetest.Present("1"), sourcetest.Present("anna"), {}}, envelope.Row{sourcetest.Present("1"), sourcetest.Present("berta"), {}}
	a, errA := x.AppendKey(nil, one)
	b, errB := x.AppendKey(nil, two)
	if errA != nil || errB != nil || string(a) == string(b) || strings.Contains(string(a), "anna") {
		t.Errorf("keys %q and %q: %v, %v", a, b, errA, errB)
	}
	text, err := x.AppendKeyJSON(nil, a)
	if err != nil || strings.Contains(string(text), "anna") {
		t.Errorf("as a header: %s, %v", text, err)
	}
	if !x.KeyChanged(&envelope.Event{Op: envelope.Update, Before: one, After: two}) {
		t.Error("the changed key is not seen")
	}
}

func TestDisguisesAllocateNothing(t *testing.T) {
	for _, key := range []string{"column.mask.with.9.chars", "column.mask.hash.v2.SHA-256.with.salt.s", "column.mask.hash.SHA-512.with.salt.s", "column.truncate.to.2.chars"} {
		l, err := reshapeOf(t, map[string]string{key: ".*note"}).Layout(sourcetest.Orders(0))
		if err != nil {
			t.Fatal(err)
		}
		x := envelope.NewEncoder(l, "shop.public.orders", envelope.Options{})
		e := &envelope.Event{Op: envelope.Create, After: envelope.Row{sourcetest.Present("1"), sourcetest.Present("text to hide"), sourcetest.Present("m")}}
		dst, tx := make([]byte, 0, 4096), &envelope.Transaction{}
		if n := testing.AllocsPerRun(100, func() {
			if dst, err = x.AppendValue(dst[:0], tx, e, 0); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a record", key, n)
		}
	}
}

func TestExpressionsThatMatchNothingAreNamed(t *testing.T) {
	r := reshapeOf(t, map[string]string{"column.exclude.list": `public\.orders\.memo,public\.order\.memo`, "column.mask.hash.v2.MD5.with.salt.s4lt": "nothing"})
	found := r.Unmatched([]*schema.Table{sourcetest.Orders(0).Table})
	if len(found) != 2 || !strings.Contains(found[0].Seen, `public\.order\.memo`) || !strings.Contains(found[0].Need, "the nearest is public.orders.memo") ||
		found[0].Severity != fault.Warning || strings.Contains(found[1].String(), "s4lt") {
		t.Errorf("found %v", found)
	}
}

func TestTheSourcesTypeIsPropagatedIntoTheSchema(t *testing.T) {
	l := sourcetest.Orders(0)
	l.Table.Columns[1].TypeName, l.Table.Columns[1].Length, l.Table.Columns[1].Scale = "varchar", 20, 0
	for _, keys := range []map[string]string{{"column.propagate.source.type": `.*\.note`}, {"datatype.propagate.source.type": `public\.orders\.varchar`}} {
		got, err := reshapeOf(t, keys).Layout(l)
		if err != nil {
			t.Fatal(err)
		}
		want := []schema.Param{{Key: "__debezium.source.column.type", Value: "VARCHAR"}, {Key: "__debezium.source.column.length", Value: "20"},
			{Key: "__debezium.source.column.scale", Value: "0"}, {Key: "__debezium.source.column.name", Value: "note"}}
		if d := cmp.Diff(want, got.Table.Columns[1].Type.Params); d != "" {
			t.Error(d)
		}
	}
}

// A default is what rows hold: where values are disguised, the schema does not tell it.
func TestADisguisedColumnHasNoDefaultInItsSchema(t *testing.T) {
	for _, key := range []string{"column.mask.with.4.chars", "column.mask.hash.v2.SHA-256.with.salt.s4lt", "column.truncate.to.2.chars"} {
		for _, nullable := range []bool{true, false} {
			l := sourcetest.Orders(0)
			c := &l.Table.Columns[1]
			c.Nullable, c.Default, c.DefaultValue, c.Zero = nullable, []byte(`"123-45-6789"`), envelope.AppendString(nil, []byte("123-45-6789")), []byte{0}
			if !nullable {
				c.Absent = nil
			}
			shown, err := reshapeOf(t, map[string]string{key: `public\.orders\.note`}).Layout(l)
			if err != nil {
				t.Fatal(err)
			}
			x := envelope.NewEncoder(shown, "shop.public.orders", envelope.Options{Nulls: envelope.NullsAreDefaults})
			text := x.ValueSchema()
			gone := &envelope.Event{Op: envelope.Delete, KeyOnly: true, Before: envelope.Row{sourcetest.Present("1"), {}, {}}}
			value, err := x.AppendValue(nil, &envelope.Transaction{}, gone, 0)
			if err != nil || strings.Contains(text, "123-45") || strings.Contains(string(value), "123-45") {
				t.Errorf("%s, nullable %v: %v\n%s\n%q", key, nullable, err, text, value)
			}
		}
	}
}
