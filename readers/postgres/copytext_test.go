package postgres

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rdip/envelope"
)

// text is a present value.
func text(s string) envelope.Value {
	return envelope.Value{State: envelope.Present, Wire: []byte(s)}
}

func sameRow(a, b envelope.Row) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].State != b[i].State || !bytes.Equal(a[i].Wire, b[i].Wire) {
			return false
		}
	}
	return true
}

func TestARowOfCopyIsSplitAndUnescaped(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		want envelope.Row
	}{
		"one field":                     {"a\n", envelope.Row{text("a")}},
		"an empty text is not null":     {"\t\\N\t\n", envelope.Row{text(""), {}, text("")}},
		"no escapes":                    {"1\tabc\t2.5\n", envelope.Row{text("1"), text("abc"), text("2.5")}},
		"every escape":                  {`\b\f\n\r\t\v\\` + "\n", envelope.Row{text("\b\f\n\r\t\v\\")}},
		"an escape in the last field":   {"a\tb\tc\\td\n", envelope.Row{text("a"), text("b"), text("c\td")}},
		"escapes with plain between":    {"x\\ty\tplain\t\\\\z\\\\\n", envelope.Row{text("x\ty"), text("plain"), text(`\z\`)}},
		"a text that reads like null":   {`\\N` + "\n", envelope.Row{text(`\N`)}},
		"a null at either end":          {"\\N\ta\t\\N\n", envelope.Row{{}, text("a"), {}}},
		"other control characters":      {"\x01\x02\x7f\n", envelope.Row{text("\x01\x02\x7f")}},
		"no column at all":              {"\n", envelope.Row{}},
		"bytea in hexadecimal":          {`\\x00ff` + "\n", envelope.Row{text(`\x00ff`)}},
		"an array with quoted elements": {`{"a\\"b",NULL}` + "\n", envelope.Row{text(`{"a\"b",NULL}`)}},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(envelope.Row, len(c.want))
			if err := splitCopyRow([]byte(c.line), got); err != nil {
				t.Fatal(err)
			}
			if !sameRow(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			for i := range got {
				if cap(got[i].Wire) != len(got[i].Wire) {
					t.Errorf("field %d can be appended to, over what follows it", i)
				}
			}
		})
	}
}

func TestTheBeginningOfARowOfCopyHasTheFieldsThatAreWhole(t *testing.T) { // P70
	absent := envelope.Value{State: envelope.Absent}
	for name, c := range map[string]struct {
		head  string
		whole int
		want  envelope.Row
	}{
		"nothing":                  {"", 0, envelope.Row{absent, absent}},
		"half a field":             {"abc", 0, envelope.Row{absent, absent}},
		"a field and a half":       {"1\tab", 1, envelope.Row{text("1"), absent}},
		"a null and half a field":  {"\\N\tab", 1, envelope.Row{{}, absent}},
		"a tab within a field":     {`a\tb` + "\tc", 1, envelope.Row{text("a\tb"), absent}},
		"half an escape":           {"a\tb\\", 1, envelope.Row{text("a"), absent}},
		"more than was asked for":  {"1\t2\t3\t4", 2, envelope.Row{text("1"), text("2")}},
		"an empty field and more":  {"\tx", 1, envelope.Row{text(""), absent}},
		"all but the end of a row": {"1\t2", 1, envelope.Row{text("1"), absent}},
	} {
		t.Run(name, func(t *testing.T) {
			got := envelope.Row{text("of the row before"), text("of the row before")}
			whole, err := splitCopyHead([]byte(c.head), got)
			if err != nil || whole != c.whole || !sameRow(got, c.want) {
				t.Errorf("%d fields of %q, %v", whole, got, err)
			}
		})
	}
	if _, err := splitCopyHead([]byte("a\\q\tb"), make(envelope.Row, 2)); err != errCopyEscape {
		t.Errorf("a sequence that COPY does not write: %v", err)
	}
}

func TestARowThatCopyDoesNotWriteIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		line    string
		columns int
		want    error
	}{
		"nothing":                {"", 1, errCopyEnd},
		"no newline":             {"a", 1, errCopyEnd},
		"too few fields":         {"a\tb\n", 3, errCopyTooFew},
		"too many fields":        {"a\tb\tc\n", 2, errCopyTooMany},
		"a field of no column":   {"a\n", 0, errCopyTooMany},
		"a lone backslash":       {"a\\\n", 1, errCopyEscape},
		"a backslash before tab": {"a\\\tb\n", 2, errCopyEscape},
		"an octal escape":        {`\101` + "\n", 1, errCopyEscape},
		"null with text behind":  {`\Nx` + "\n", 1, errCopyEscape},
	} {
		t.Run(name, func(t *testing.T) {
			if err := splitCopyRow([]byte(c.line), make(envelope.Row, c.columns)); err != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// escapeCopy writes a row as CopyAttributeOutText does.
func escapeCopy(row envelope.Row) []byte {
	escapes := strings.NewReplacer("\\", `\\`, "\b", `\b`, "\f", `\f`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\v", `\v`)
	fields := make([]string, len(row))
	for i, v := range row {
		fields[i] = `\N`
		if v.State == envelope.Present {
			fields[i] = escapes.Replace(string(v.Wire))
		}
	}
	return []byte(strings.Join(fields, "\t") + "\n")
}

func TestAnyRowSurvivesCopy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Custom(func(t *rapid.T) envelope.Value {
			if rapid.Bool().Draw(t, "null") {
				return envelope.Value{}
			}
			return text(rapid.StringOf(rapid.SampledFrom([]rune("aN\\\t\n\r\b\f\v\x01é"))).Draw(t, "text"))
		})
		want := envelope.Row(rapid.SliceOfN(value, 1, 8).Draw(t, "row"))
		got := make(envelope.Row, len(want))
		if err := splitCopyRow(escapeCopy(want), got); err != nil {
			t.Fatal(err)
		}
		if !sameRow(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// FuzzSplitCopyRow: whatever stands on the wire, nothing panics, and a row that is taken is the one row that
// COPY writes as these bytes.
func FuzzSplitCopyRow(f *testing.F) {
	for _, line := range []string{"a\tb\\tc\t\\N\n", "\n", `\\N` + "\n", "\\", "a\\\n", "\t\t\n"} {
		f.Add([]byte(line), uint8(3))
	}
	f.Fuzz(func(t *testing.T, line []byte, columns uint8) {
		row := make(envelope.Row, columns%9)
		kept := bytes.Clone(line)
		if err := splitCopyRow(line, row); err != nil {
			return
		}
		if bytes.IndexByte(kept[:len(kept)-1], '\n') >= 0 || bytes.ContainsAny(kept, "\b\f\r\v") {
			return // bytes that COPY would have escaped
		}
		if back := escapeCopy(row); !bytes.Equal(back, kept) {
			t.Errorf("%q was read as %q, which COPY writes as %q", kept, row, back)
		}
	})
}

func TestSplittingARowOfCopyAllocatesNothing(t *testing.T) {
	line := []byte("42\tsome text\\twith a tab\t\\N\t2024-01-01 00:00:00+00\t\\\\xdeadbeef\n")
	buf, row := make([]byte, len(line)), make(envelope.Row, 5)
	if n := testing.AllocsPerRun(1000, func() {
		copy(buf, line)
		if err := splitCopyRow(buf, row); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
}
