package source

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rdip/connect/source/routing"
	"rdip/envelope"
)

// What rows say of topics and schemas is remembered within bounds, and works again after it was forgotten.
func TestRoutesThatRowsSayAreRememberedWithinBounds(t *testing.T) {
	var r routes
	long := strings.Repeat("x", 100_000)
	for i := range 1000 {
		u := &unrouted{name: fmt.Sprint(i), valueSchema: long}
		r.put(u, &route{topic: u.name})
		if r.by[u.name] == nil || r.by[u.name].topic != u.name {
			t.Fatalf("route %d is not there right after it was made", i)
		}
		if r.bytes > mostRouteBytes || len(r.by)*schemaCopies*len(long) > mostRouteBytes {
			t.Fatalf("%d routes, %d bytes after %d", len(r.by), r.bytes, i)
		}
	}
}

// One large row must not leave its size behind: every table would, in each of its buffers.
func TestALargeRowLeavesNoLargeBufferBehind(t *testing.T) {
	chain, _ := chainByKeys(t, "transforms.unwrap.type: ExtractNewRecordState")
	l := nullLane(t, &Task{Naming: routing.Naming{Transforms: chain}, Keys: Format{Kind: FormatJSON}, Values: Format{Kind: FormatJSON}})
	layout := ordersLayout(0)
	if err := errors.Join(l.Begin(&envelope.Transaction{Place: 1}), l.Table(layout)); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{4 << 20, 10} {
		if err := l.Row(&envelope.Event{Op: envelope.Create, Layout: layout, After: envelope.Row{present("1"), present(strings.Repeat("n", size)), {}}}); err != nil {
			t.Fatal(err)
		}
	}
	if held := cap(l.encodings[layout].shape.(*flatShape).envelope); held > arenaBytes {
		t.Errorf("a buffer of %d bytes is kept", held)
	}
}

// JSON is written where its Avro was: what lies before it stays, and the arena ends with it, longer or shorter.
func TestAFormatTakesThePlaceOfItsAvro(t *testing.T) {
	for _, text := range []string{"", "a", strings.Repeat("\x01", 1000)} { // an escape is six characters
		w, err := newWriter(t.Context(), Format{Kind: FormatJSON}, nil, "s", `"string"`)
		if err != nil {
			t.Fatal(err)
		}
		arena := append([]byte("before"), 0, 0, 0, 0, 1)
		arena, err = w.finish(envelope.AppendString(arena, []byte(text)), len("before"))
		if want := `before"` + strings.Repeat(`\u0001`, strings.Count(text, "\x01")) + strings.Trim(text, "\x01") + `"`; err != nil || string(arena) != want {
			t.Errorf("%v, %q", err, arena)
		}
		arena, err = w.finish([]byte("before\x00\x00\x00\x00\x01\x7f"), len("before"))
		if err == nil || string(arena) != "before" {
			t.Errorf("Avro that is none: %v, %q", err, arena)
		}
	}
}

// A changed key is a delete and a create; the delete counts though the transform drops it, as with Debezium.
func TestADroppedDeleteOfAChangedKeyIsCounted(t *testing.T) {
	chain, _ := chainByKeys(t, `
transforms.unwrap.type: io.debezium.transforms.ExtractNewRecordState
transforms.unwrap.delete.tombstone.handling.mode: drop
transforms.unwrap.add.fields: transaction.total_order`)
	l, k := ownLane(t, nil)
	l.run.tables.naming = routing.Naming{Prefix: "shop", Transforms: chain}
	s := script{l}
	orders := named("orders", 1)
	moved := func() error {
		return errors.Join(l.Table(orders), l.Row(&envelope.Event{Op: envelope.Update, Layout: orders, Place: 12, KeyOnly: true,
			Before: envelope.Row{present("1"), {}, {}}, After: envelope.Row{present("2"), {}, {}}}))
	}
	got := play(t, l, k, s.begin(7, 19), moved, s.row(orders, envelope.Create, 13), s.commit(20))
	if want := "BEGIN tx-07:0010; public.orders; public.orders; END tx-07:0020 3 public.orders=3"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
