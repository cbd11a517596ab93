package deadletter

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

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

// counted is an error that counts how often its text is made.
type counted struct{ made *int }

func (c counted) Error() string {
	*c.made++
	return strings.Repeat("é", mostMessage)
}

// G8: the letters of one refusal hold its text once, and it is made once; another table's, reason's or text is its own.
func TestLettersOfOneRefusalHoldItsTextOnce(t *testing.T) {
	made := 0
	refusal := Told(counted{&made})
	to := &sinks.Topic{Name: "letters", Partition: func([]byte) int32 { return 0 }}
	from := &Origin{Connector: "shop", Alike: &Alike{}}
	var b records.Batch
	b.Open(&sinks.Batch{})
	texts := map[*byte]bool{}
	write := func(table string, reason Reason, why error) int {
		t.Helper()
		before := b.Beside
		m := &Letter{Table: table, Topic: "shop." + table, Why: why, Reason: reason, Op: envelope.Create, Body: Unknown{}}
		if err := m.AppendTo(&b, to, from); err != nil {
			t.Fatal(err)
		}
		for _, h := range b.Records[b.Count()-1].Headers {
			if h.Key == errorsMessage {
				texts[&h.Value[0]] = true
				if len(h.Value) > mostMessage || !utf8.Valid(h.Value) {
					t.Errorf("a text of %d bytes", len(h.Value))
				}
			}
		}
		return b.Beside - before
	}
	first := write("orders", ReasonSchema, refusal)
	for range 100 {
		if n := write("orders", ReasonSchema, refusal); n < len(letterOp) || n > 1000 || first < mostMessage {
			t.Fatalf("the first holds %d bytes, and one behind it %d", first, n)
		}
	}
	if len(texts) != 1 || made != 1 {
		t.Errorf("101 letters hold %d texts, which were made %d times", len(texts), made)
	}
	for i, n := range []int{write("orders", ReasonSchema, errors.New(refusal.Error())), write("orders", ReasonSchema, errors.New("another")), write("notes", ReasonSchema, refusal),
		write("orders", ReasonValue, refusal)} {
		if own := n > first-100; own != (i > 1) || len(texts) != 4 {
			t.Errorf("letter %d of others holds %d bytes; there are %d texts", i+1, n, len(texts))
		}
	}
}
