package readertest

import (
	"fmt"
	"strings"
	"testing"

	"rdip/envelope"
	"rdip/offsets"
	"rdip/schema"
)

func pairs() *envelope.Layout {
	plain := func(dst, wire []byte) ([]byte, error) { return append(dst, wire...), nil }
	return &envelope.Layout{
		Table:        &schema.Table{Schema: "s", Name: "t", Columns: []schema.Column{{Name: "id"}, {Name: "v"}}, Key: []int{0}},
		Columns:      []envelope.ColumnEncoder{plain, plain},
		Source:       func(dst []byte, _ *envelope.Transaction, _ *envelope.Event) []byte { return dst },
		SourceSchema: &schema.Source{},
	}
}

func present(text string) envelope.Value {
	b := []byte(text)
	return envelope.Value{State: envelope.Present, Wire: b[:len(b):len(b)]}
}

// script calls a judge as a reader would; each step returns so that a test can leave one out or bend it.
type script struct {
	j       *judge
	l       *envelope.Layout
	reports []string
}

func newScript() *script {
	s := &script{l: pairs()}
	s.j = newJudge(newTape(0), func(format string, args ...any) { s.reports = append(s.reports, fmt.Sprintf(format, args...)) })
	return s
}

func (s *script) begin(place uint64) {
	_ = s.j.Begin(&envelope.Transaction{Place: place, Micros: 1, Previous: s.j.end})
}
func (s *script) table() { _ = s.j.Table(s.l) }
func (s *script) commit(place uint64) {
	_ = s.j.Commit(offsets.Durable{Position: offsets.Position{Place: place}})
}
func (s *script) idle(place uint64) { _ = s.j.Idle(offsets.Position{Place: place}) }

func (s *script) row(change func(e *envelope.Event)) {
	e := &envelope.Event{Op: envelope.Create, Layout: s.l, Place: 1, After: envelope.Row{present("\x02"), present("\x02a")}}
	if change != nil {
		change(e)
	}
	_ = s.j.Row(e)
}

// within is a whole transaction around a row.
func (s *script) within(change func(e *envelope.Event)) {
	s.begin(10)
	s.table()
	s.row(change)
	s.commit(11)
}

func TestTheJudgeAcceptsAStreamThatKeepsTheRules(t *testing.T) {
	s := newScript()
	s.idle(5)
	s.within(nil)
	_ = s.j.Flush()
	s.idle(11)
	s.begin(20)
	s.row(func(e *envelope.Event) { e.Op, e.Before, e.After, e.KeyOnly = envelope.Delete, e.After, nil, true })
	s.l = pairs()
	s.table()
	s.row(func(e *envelope.Event) { e.Op, e.Before = envelope.Update, envelope.Row{present("\x02"), {}} })
	s.row(func(e *envelope.Event) { e.Op, e.After = envelope.Truncate, nil })
	_ = s.j.Message(&envelope.Message{Transactional: true})
	s.commit(21)
	_ = s.j.Message(&envelope.Message{})
	if len(s.reports) > 0 {
		t.Errorf("it reports\n%s", strings.Join(s.reports, "\n"))
	}
}

func TestTheJudgeReportsWhateverBreaksARule(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(s *script)
		want string
	}{
		"a nested transaction": {func(s *script) { s.begin(1); s.begin(2) }, "Begin inside"},
		"commits out of order": {func(s *script) { s.begin(9); s.commit(9); s.begin(8) }, "comes after one at 9"},
		"no time":              {func(s *script) { _ = s.j.Begin(&envelope.Transaction{Place: 1}) }, "has no time"},
		"a gap by its own account": {func(s *script) {
			s.within(nil)
			_ = s.j.Begin(&envelope.Transaction{Place: 20, Micros: 1, Previous: 15})
		}, "15 by its own account"},
		"a row outside":              {func(s *script) { s.table(); s.row(nil) }, "outside a transaction"},
		"a table that was not named": {func(s *script) { s.begin(1); s.row(nil) }, "not the one announced"},
		"an old layout": {func(s *script) {
			s.begin(1)
			s.table()
			old := s.l
			s.l = pairs()
			s.table()
			s.l = old
			s.row(nil)
		}, "not the one announced"},
		"a layout twice":                {func(s *script) { s.table(); s.table() }, "announced twice"},
		"a layout without encoders":     {func(s *script) { s.l.Columns = nil; s.table() }, "not whole"},
		"spare capacity":                {func(s *script) { s.within(func(e *envelope.Event) { e.After[1].Wire = make([]byte, 1, 9) }) }, "capacity 9"},
		"bytes of a null":               {func(s *script) { s.within(func(e *envelope.Event) { e.After[1].State = envelope.Null }) }, "has no value"},
		"a column too few":              {func(s *script) { s.within(func(e *envelope.Event) { e.After = e.After[:1] }) }, "1 values in a table of 2"},
		"a delete with a new row":       {func(s *script) { s.within(func(e *envelope.Event) { e.Op, e.Before = envelope.Delete, e.After }) }, `event 'd'`},
		"a delete without an old row":   {func(s *script) { s.within(func(e *envelope.Event) { e.Op, e.After = envelope.Delete, nil }) }, `event 'd'`},
		"an insert with an old row":     {func(s *script) { s.within(func(e *envelope.Event) { e.Before = e.After }) }, `event 'c'`},
		"a snapshot's row in a stream":  {func(s *script) { s.within(func(e *envelope.Event) { e.Op = envelope.Read }) }, `event 'r'`},
		"a key of no row":               {func(s *script) { s.within(func(e *envelope.Event) { e.KeyOnly = true }) }, "only the key"},
		"a mark":                        {func(s *script) { s.within(func(e *envelope.Event) { e.Mark = envelope.Last }) }, "marked last"},
		"no place":                      {func(s *script) { s.within(func(e *envelope.Event) { e.Place = 0 }) }, "without a place"},
		"a message outside":             {func(s *script) { _ = s.j.Message(&envelope.Message{Transactional: true}) }, "transactional message outside"},
		"a commit of nothing":           {func(s *script) { s.commit(1) }, "Commit outside"},
		"a commit without a position":   {func(s *script) { s.begin(1); _ = s.j.Commit(offsets.Durable{}) }, "without a position"},
		"a commit before its record":    {func(s *script) { s.begin(10); s.commit(9) }, "behind a commit at 10"},
		"a commit before an idle place": {func(s *script) { s.idle(50); s.within(nil) }, "idling at 50"},
		"idle inside":                   {func(s *script) { s.begin(1); s.idle(2) }, "Idle inside"},
		"idle going back":               {func(s *script) { s.within(nil); s.idle(9) }, "idle at 9"},
		"idle nowhere":                  {func(s *script) { s.idle(0) }, "idle at 0"},
		"a lane that commits":           {func(s *script) { s.j.lane = true; s.begin(1) }, "a lane called Begin"},
		"a lane that streams":           {func(s *script) { s.j.lane = true; s.table(); s.row(nil) }, `event 'c'`},
		"two calls at once": {func(s *script) {
			p := s.j.next.(*tape)
			p.hook = func(string, *envelope.Event) error { p.hook = nil; return s.j.Flush() }
			s.begin(1)
		}, "had not returned"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript()
			c.act(s)
			if !strings.Contains(strings.Join(s.reports, "\n"), c.want) {
				t.Errorf("it does not say %q, but %q", c.want, s.reports)
			}
		})
	}
}

func TestTheJudgeOverwritesWhatWasBorrowed(t *testing.T) {
	s := newScript()
	row := envelope.Row{present("\x02"), present(strings.Repeat("a", 1000))}
	content := []byte("content")
	s.within(func(e *envelope.Event) { e.After = row })
	_ = s.j.Message(&envelope.Message{Content: content})
	if strings.Contains(string(row[1].Wire), "a") || strings.Contains(string(content), "n") || row[0].Wire[0] == 2 {
		t.Error("bytes are still as they were")
	}
}

func TestChangesReadAsTheCasesWriteThem(t *testing.T) {
	for want, c := range map[string]change{
		"c t(1,a)":          {op: envelope.Create, table: "t", after: []string{"1", "a"}},
		"u t to (1,b)":      {op: envelope.Update, table: "t", after: []string{"1", "b"}},
		"u t(1,a) to (1,b)": {op: envelope.Update, table: "t", before: []string{"1", "a"}, after: []string{"1", "b"}},
		"u t[1] to (2,b)":   {op: envelope.Update, table: "t", before: []string{"1"}, keyOnly: true, after: []string{"2", "b"}},
		"d t[1]":            {op: envelope.Delete, table: "t", before: []string{"1"}, keyOnly: true},
		"t t":               {op: envelope.Truncate, table: "t"},
	} {
		if got := c.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
