package snapshot

import (
	"testing"

	"rdip/envelope"
	"rdip/offsets"
	"rdip/schema"
)

// readable is a table with a key and a row of it.
func readable() (*envelope.Layout, *envelope.Event) {
	l := &envelope.Layout{Table: &schema.Table{Schema: "public", Name: "t", Key: []int{0}, Columns: make([]schema.Column, 2)}}
	present := func(s string) envelope.Value { return envelope.Value{State: envelope.Present, Wire: []byte(s)} }
	return l, &envelope.Event{Op: envelope.Update, Layout: l, Before: envelope.Row{present("1"), {}}, After: envelope.Row{present("2"), present("some text")}}
}

// A transaction of the stream allocates nothing on its way through, whether nothing is left to be read, something
// is, or a window is open that notes its keys.
func TestTheStreamPassesWindowsWithoutAnAllocation(t *testing.T) {
	layout, event := readable()
	for name, c := range map[string]struct {
		left, open bool
	}{"nothing left": {}, "a table with work left": {left: true}, "a window that is open": {left: true, open: true}} {
		t.Run(name, func(t *testing.T) {
			stored := map[string]offsets.TableSnapshot{}
			if c.left {
				stored["public.t"] = offsets.TableSnapshot{Why: offsets.WhyInitial}
			}
			readings := NewReadings(stored, nil)
			w := NewWindows(&sink{}, nil, readings, WindowOptions{})
			if c.open {
				w.armed.Store(&window{reading: readings.tables["public.t"], touched: w.log, buffer: w.buf, ready: make(chan struct{})})
				w.delivered.arm(w.armed.Load())
				w.log.log = make([]byte, 0, 1<<20)
			}
			if err := w.Table(layout); err != nil {
				t.Fatal(err)
			}
			tx := &envelope.Transaction{ID: 7, Place: 10}
			one := func() {
				for _, err := range []error{w.Begin(tx), w.Row(event), w.Row(event), w.Commit(offsets.Durable{Position: offsets.Position{Place: 11}})} {
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			one()
			if n := testing.AllocsPerRun(1000, one); n != 0 {
				t.Errorf("%v allocations a transaction", n)
			}
			if c.open && len(w.log.log) == 0 {
				t.Error("nothing was noted")
			}
		})
	}
}

func TestKeysComeBackAsTheyWerePacked(t *testing.T) {
	for _, key := range [][]string{{""}, {"1"}, {"a", "b"}, {"ab", ""}, {"", "ab"}, {"\x00", "ü|\x01"}} {
		got, ok := unpackKey(packKey(key))
		if !ok || len(got) != len(key) {
			t.Fatalf("%q came back as %q", key, got)
		}
		for i := range key {
			if got[i] != key[i] {
				t.Errorf("%q came back as %q", key, got)
			}
		}
	}
	for _, text := range []string{"\x00", "\x05ab", "\xff"} { // NULL, cut short, no length
		if got, ok := unpackKey(text); ok {
			t.Errorf("%q was read as %q", text, got)
		}
	}
}

// The buffer gives rows back as they came, and is full after the row that reaches its limit.
func TestABufferKeepsRowsAsTheyWereAndSaysWhenItIsFull(t *testing.T) {
	layout, event := readable()
	event.After = append(event.After, envelope.Value{State: envelope.Absent}, envelope.Value{})
	b := newBuffer(200)
	if err := b.Table(layout); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for err := error(nil); err == nil; rows++ {
		err = b.Row(event)
		if err != nil && err != ErrFull {
			t.Fatal(err)
		}
	}
	if rows != 3 || len(b.rows) != 3 {
		t.Errorf("%d rows fit, %d are kept", rows, len(b.rows))
	}
	for _, r := range b.rows {
		got := b.eventOf(r)
		if string(got.After[1].Wire) != "some text" || got.After[2].State != envelope.Absent || got.After[3].State != envelope.Null || got.Mark != envelope.Incremental {
			t.Errorf("came back as %+v", got)
		}
	}
	b.reset(200)
	if b.bytes() != 0 {
		t.Errorf("%d bytes after a reset", b.bytes())
	}
}
