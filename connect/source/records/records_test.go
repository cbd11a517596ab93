package records

import (
	"fmt"
	"strings"
	"testing"

	"rdip/connect/source/routing"
	"rdip/connect/source/sourcetest"
	"rdip/envelope"
	"rdip/sinks"
)

// What rows say of topics and schemas is remembered within bounds, and works again after it was forgotten.
func TestRoutesThatRowsSayAreRememberedWithinBounds(t *testing.T) {
	var r routes
	long := strings.Repeat("x", 100_000)
	for i := range 1000 {
		u := &Unrouted{name: fmt.Sprint(i), valueSchema: long}
		r.put(u, &Topic{Name: u.name})
		if r.by[u.name] == nil || r.by[u.name].Name != u.name {
			t.Fatalf("route %d is not there right after it was made", i)
		}
		if r.bytes > mostRouteBytes || len(r.by)*schemaCopies*len(long) > mostRouteBytes {
			t.Fatalf("%d routes, %d bytes after %d", len(r.by), r.bytes, i)
		}
	}
}

// One large row must not leave its size behind: every table would, in each of its buffers.
func TestALargeRowLeavesNoLargeBufferBehind(t *testing.T) {
	json := Format{Kind: FormatJSON}
	layout := sourcetest.Orders(0)
	flat := NewShape(&routing.Plan{Flat: &routing.FlatOptions{Deletes: routing.DeleteTombstone}}, Options{Formats: Formats{Keys: json, Values: json}}).(*flatShape)
	own := &Topic{Name: "shop.public.orders", Target: sinks.Topic{Partition: func([]byte) int32 { return 0 }}}
	if err := flat.Prepare(t.Context(), envelope.NewEncoder(layout, own.Name, envelope.Options{}), "public.orders", own); err != nil {
		t.Fatal(err)
	}
	var b Batch
	b.Open(&sinks.Batch{})
	for _, size := range []int{4 << 20, 10} {
		row := envelope.Row{sourcetest.Present("1"), sourcetest.Present(strings.Repeat("n", size)), {}}
		if err := flat.Append(&b, &envelope.Transaction{Place: 1}, &envelope.Event{Op: envelope.Create, Layout: layout, After: row}, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if held := cap(flat.envelope); held > mostKept {
		t.Errorf("a buffer of %d bytes is kept", held)
	}
	if b.Count() != 2 || !strings.Contains(string(b.Records[1].Value), `"note":"nnnnnnnnnn"`) {
		t.Errorf("%d records", b.Count())
	}
}

// JSON is written where its Avro was: what lies before it stays, and the arena ends with it, longer or shorter.
func TestAFormatTakesThePlaceOfItsAvro(t *testing.T) {
	for _, text := range []string{"", "a", strings.Repeat("\x01", 1000)} { // an escape is six characters
		w, err := new(Formats).writer(t.Context(), Format{Kind: FormatJSON}, "s", `"string"`)
		if err != nil {
			t.Fatal(err)
		}
		arena := append([]byte("before"), 0, 0, 0, 0, 1)
		arena, err = w.Finish(envelope.AppendString(arena, []byte(text)), len("before"))
		if want := `before"` + strings.Repeat(`\u0001`, strings.Count(text, "\x01")) + strings.Trim(text, "\x01") + `"`; err != nil || string(arena) != want {
			t.Errorf("%v, %q", err, arena)
		}
		arena, err = w.Finish([]byte("before\x00\x00\x00\x00\x01\x7f"), len("before"))
		if err == nil || string(arena) != "before" {
			t.Errorf("Avro that is none: %v, %q", err, arena)
		}
	}
}
