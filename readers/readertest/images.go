package readertest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"rdip/envelope"
	"rdip/schema"
)

var images = []scenario{
	{"updates and deletes carry the old row that the layout promises", oldRows},
	{"a table whose old rows are logged whole has them whole (P2, P5)", wholeOldRows},
	{"a change of the key shows both keys (P7)", keyChanges},
	{"a value that the log does not carry is absent, and never null (G9, P1)", absentValues},
	{"an unchanged value is there where old rows are whole (P2)", valuesFilledFromTheOldRow},
	{"a table without a key keeps its order (P10)", tableWithoutAKey},
	{"TRUNCATE is one event a table (P14)", truncates},
	{"the same row has the same bytes from the snapshot and from the stream (G10)", sameBytes},
}

func oldRows(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	s.sql.Insert("t", Row{1, "a"}, Row{2, nil})
	r, stored := s.begin()
	s.sql.Update("t", 1, "v", nil)
	s.sql.Update("t", 2, "v", "b")
	s.sql.Delete("t", 1)
	s.sql.Delete("t", 2)
	p := s.captured(r, stored.Position)
	switch p.before["t"] {
	case schema.BeforeFull:
		s.expect(p.transactions(), "u t(1,a) to (1,NULL)", "u t(2,NULL) to (2,b)", "d t(1,NULL)", "d t(2,b)")
	case schema.BeforeKey:
		s.expect(p.transactions(), "u t to (1,NULL)", "u t to (2,b)", "d t[1]", "d t[2]")
	default:
		t.Errorf("a table with a primary key promises %d of its old rows", p.before["t"])
	}
}

func wholeOldRows(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	s.sql.FullBefore("t")
	s.sql.Insert("t", Row{1, "a"}, Row{2, nil})
	r, stored := s.begin()
	s.sql.Update("t", 1, "v", nil)
	s.sql.ChangeKey("t", 2, 3)
	s.sql.Delete("t", 1)
	p := s.captured(r, stored.Position)
	s.expect(p.transactions(), "u t(1,a) to (1,NULL)", "u t(2,NULL) to (3,NULL)", "d t(1,NULL)")
	if p.before["t"] != schema.BeforeFull {
		t.Errorf("the layout promises %d", p.before["t"])
	}
}

func keyChanges(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	s.sql.Insert("t", Row{1, "a"})
	r, stored := s.begin()
	s.sql.Update("t", 1, "v", "b")
	s.sql.ChangeKey("t", 1, 2)
	p := newTape(s.mark())
	var changed []bool
	p.hook = rowHook(func(e *envelope.Event) error {
		if e.Op == envelope.Update {
			changed = append(changed, envelope.NewEncoder(e.Layout, "topic", envelope.Options{}).KeyChanged(e))
		}
		return nil
	})
	st := s.stream(r, stored.Position, p)
	st.caughtUp()
	st.stop()
	if fmt.Sprint(changed) != "[false true]" {
		t.Errorf("the encoder sees changes of the key: %v", changed)
	}
	c := p.done[1].changes[0]
	if c.before == nil || c.before[0] != "1" || c.after[0] != "2" || c.after[1] != "b" {
		t.Errorf("got %s", c)
	}
}

// largeText is a text that no database can compress much.
func largeText() string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < 20_000 {
		fmt.Fprintf(&b, "%016x", random.Uint64())
	}
	return b.String()
}

// updatedBesideALargeText is the change by which the column beside a large text was updated.
func updatedBesideALargeText(s *scene, full bool) change {
	s.t.Helper()
	s.sql.CreateTable("t", true, Column{"id", Int}, Column{"large", Text}, Column{"n", Int}, Column{"empty", Text})
	if full {
		s.sql.FullBefore("t")
	}
	s.sql.Insert("t", Row{1, largeText(), 1, nil})
	r, stored := s.begin()
	s.sql.Update("t", 1, "n", 2)
	txs := s.captured(r, stored.Position).transactions()
	if len(txs) != 1 || len(txs[0].changes) != 1 {
		s.t.Fatalf("got\n%s", show(txs))
	}
	return txs[0].changes[0]
}

func absentValues(t *testing.T, subject *Subject) {
	want := shortText(largeText())
	if subject.OmitsUnchanged {
		want = absentText
	}
	c := updatedBesideALargeText(newScene(t, subject), false)
	if got := strings.Join(c.after, ","); got != "1,"+want+",2,NULL" {
		t.Errorf("the new row is %s", got)
	}
}

func valuesFilledFromTheOldRow(t *testing.T, subject *Subject) {
	c := updatedBesideALargeText(newScene(t, subject), true)
	large := shortText(largeText())
	if got, want := c.String(), "u t(1,"+large+",1,NULL) to (1,"+large+",2,NULL)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func tableWithoutAKey(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.CreateTable("t", false, Column{"id", Int}, Column{"v", Text})
	s.sql.FullBefore("t")
	r, stored := s.begin()
	s.sql.Insert("t", Row{1, "a"}, Row{1, "a"}, Row{2, "b"})
	s.sql.Update("t", 2, "v", "c")
	s.sql.ChangeKey("t", 2, 3)
	s.sql.Delete("t", 3)
	p := newTape(s.mark())
	keyed := false
	p.hook = rowHook(func(e *envelope.Event) error {
		keyed = keyed || e.Layout.Table.Name == "t" && e.Layout.Table.HasKey()
		return nil
	})
	st := s.stream(r, stored.Position, p)
	st.caughtUp()
	st.stop()
	if keyed {
		t.Error("the layout has a key")
	}
	s.expect(p.transactions(), "c t(1,a); c t(1,a); c t(2,b)", "u t(2,b) to (2,c)", "u t(2,c) to (3,c)", "d t(3,c)")
}

func truncates(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t", HiddenPrefix+"_t")
	s.sql.Insert("t", Row{1, "a"}, Row{2, "b"})
	r, stored := s.begin()
	s.sql.Truncate("t")
	s.sql.Truncate(HiddenPrefix + "_t")
	s.sql.Insert("t", Row{1, "again"})
	s.expect(s.captured(r, stored.Position).transactions(), "t t", "c t(1,again)")
}
