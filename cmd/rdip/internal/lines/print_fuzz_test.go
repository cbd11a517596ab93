package lines

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"rdip/envelope/decode"
	"rdip/sinks/kafka/consume"
)

// FuzzPrinter: a topic holds what anybody has written to it. What is printed of a record is one line of it, JSON is
// JSON, and nothing in a line moves a terminal's cursor or changes its colours.
func FuzzPrinter(f *testing.F) {
	for _, r := range []consume.Record{event(2, "u", 7, row(7, "a\x1b[2Jb"), row(7, "é\u202e")), event(3, "d", 7, nil, nil), event(2, "r", 1, nil, row(1, nil), header("__debezium.newkey", "{\"id\":8}"))} {
		f.Add(r.Key, r.Value, "h", []byte("v"))
	}
	f.Add([]byte(`{"schema":{"type":"struct"},"payload":{"a":"\u001b[31m"}}`), []byte(`{"op":"c","after":{"a\u0007":1}}`), "__rdip.before\x1b", []byte("\x9b31m"))
	f.Add([]byte{0, 0, 0, 0, 4, 4, 0x1b, 'c'}, []byte(nil), "__debezium.oldkey", []byte("{\"a\":\"\u0085\"}"))
	f.Fuzz(func(t *testing.T, key, value []byte, name string, content []byte) {
		r := consume.Record{Topic: "shop.public.orders", Partition: 1, Offset: 42, Time: committed, Key: key, Value: value, Headers: []decode.Header{{Key: name, Value: content}}}
		for _, format := range []Format{Text, JSON} {
			var out bytes.Buffer
			p := newPrinter(&out)
			p.Format = format
			if err := p.Print(t.Context(), r, committed); err != nil {
				if control := unprintable(err.Error()); control != "" {
					t.Fatalf("%q holds %q", err, control)
				}
				continue
			}
			for line := range strings.Lines(out.String()) {
				line = strings.TrimSuffix(line, "\n")
				if control := unprintable(line); control != "" {
					t.Fatalf("%s: %q holds %q", format, line, control)
				}
				if format == JSON && !json.Valid([]byte(line)) {
					t.Fatalf("%q", line)
				}
			}
		}
	})
}

// unprintable is the first control character of a line, which a terminal may act upon.
func unprintable(line string) string {
	for _, c := range line {
		if unicode.IsControl(c) {
			return string(c)
		}
	}
	return ""
}
