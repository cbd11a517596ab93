package deadletter

import (
	"errors"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rdip/connect/source/records"
	"rdip/connect/source/sourcetest"
	"rdip/envelope"
	"rdip/sinks"
)

// K4: what a topic does not take is left out of a letter, the row before its key; what it takes then says how much that was.
func TestALetterGivesUpItsRowAndThenItsKeyBeforeItIsRefused(t *testing.T) {
	layout := sourcetest.Orders(0)
	row := &envelope.Event{Op: envelope.Create, Layout: layout, After: envelope.Row{sourcetest.Present("7"), sourcetest.Present("\xff"), {State: envelope.Absent}}}
	const key, value = `{"id":"7"}`, `{"table":"public.orders","op":"c","after":{"id":"7","note":{"base64":"/w=="}},"unavailable":["memo"]}`
	for name, c := range map[string]struct {
		most      int // bytes of key and value that the topic takes
		key, text string
		left      string // __rdip.bytes: of the row
		refused   bool
	}{
		"all of it":     {most: len(key) + len(value), key: key, text: value},
		"its key":       {most: len(key) + len(value) - 1, key: key, left: strconv.Itoa(len(value))},
		"nothing of it": {most: len(key) - 1, left: strconv.Itoa(len(value))},
		"not even that": {most: -1, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			to := &sinks.Topic{Name: "letters", Partition: func([]byte) int32 { return 0 }, Refuses: func(r *sinks.Record) error {
				if len(r.Key)+len(r.Value) > c.most {
					return errors.New("too large")
				}
				return nil
			}}
			var b records.Batch
			b.Open(&sinks.Batch{Arena: []byte("before")})
			m := &Letter{Table: "public.orders", Why: errors.New("why"), Reason: ReasonValue, Body: Whole{Table: layout.Table, Event: row, Hidden: make([]bool, 3)}}
			err := m.AppendTo(&b, to, &Origin{Connector: "shop"})
			if c.refused {
				if err == nil || b.Count() != 0 || string(b.Arena) != "before" {
					t.Errorf("%v, %d records, %q", err, b.Count(), b.Arena)
				}
				return
			}
			if err != nil || b.Count() != 1 {
				t.Fatalf("%v, %d records", err, b.Count())
			}
			r := b.Records[0]
			left := ""
			for _, h := range r.Headers {
				if h.Key == letterBytes {
					left = string(h.Value)
				}
			}
			if d := cmp.Diff([]string{c.key, c.text, c.left}, []string{string(r.Key), string(r.Value), left}); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}
