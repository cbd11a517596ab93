package readertest

import (
	"fmt"
	"strings"
	"testing"

	"rdip/envelope"
)

var transactions = []scenario{
	{"a transaction is Begin, its rows and Commit, in the order of the commits", commitOrder},
	{"work that was rolled back never appears, nor what came after a savepoint (G5, P38)", rolledBack},
	{"a table is announced before its first row and after each change of it, and no more (P15)", announcedLayouts},
	{"many rows of one statement are all there, in their order (P41)", manyRowsOfOneStatement},
	{"Flush comes when the source is quiet", flushWhenQuiet},
}

func commitOrder(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t", "u")
	other := newSession(t, s.db, &subject.Dialect, t.Fatalf)
	r, stored := s.begin()
	s.sql.Begin()
	s.sql.Insert("t", Row{1, "begun first"})
	other.Begin()
	other.Insert("u", Row{1, "begun second"})
	s.sql.Update("t", 1, "v", "twice")
	other.Insert("t", Row{2, "committed first"})
	other.Commit()
	s.sql.Insert("t", Row{3, "it's"})
	s.sql.Commit()
	other.Delete("u", 1)
	txs := s.captured(r, stored.Position).transactions()
	for i := range txs { // what becomes of old rows is another case's
		for j := range txs[i].changes {
			txs[i].changes[j].before = nil
		}
	}
	s.expect(txs,
		"c u(1,begun second); c t(2,committed first)",
		"c t(1,begun first); u t to (1,twice); c t(3,it's)",
		"d u")
	ids := map[uint64]bool{}
	for _, tx := range txs {
		ids[tx.ID] = true
	}
	if len(ids) != len(txs) {
		t.Errorf("%d transactions have %d ids", len(txs), len(ids))
	}
}

func rolledBack(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, stored := s.begin()
	s.sql.Begin()
	s.sql.Insert("t", Row{1, "rolled back"})
	s.sql.Rollback()

	s.sql.Begin()
	s.sql.Insert("t", Row{2, "kept"})
	s.sql.Savepoint("a")
	s.sql.Insert("t", Row{3, "rolled back"})
	s.sql.Savepoint("b")
	s.sql.Insert("t", Row{4, "rolled back"})
	s.sql.RollbackTo("a")
	s.sql.Insert("t", Row{5, "kept"})
	s.sql.Commit()

	s.sql.Begin()
	s.sql.Savepoint("c")
	s.sql.Insert("t", Row{6, "rolled back"})
	s.sql.RollbackTo("c")
	s.sql.Commit()
	s.expect(s.captured(r, stored.Position).transactions(), "c t(2,kept); c t(5,kept)")
}

func announcedLayouts(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t", "u", "quiet", HiddenPrefix+"_t")
	r, stored := s.begin()
	s.sql.Insert("t", Row{1, "a"})
	s.sql.Insert("u", Row{1, "a"})
	s.sql.Insert("t", Row{2, "b"})
	s.sql.Insert(HiddenPrefix+"_t", Row{1, "not captured"})
	s.sql.AddColumn("t", Column{"w", Int})
	s.sql.Insert("t", Row{3, "c", 30})
	s.sql.Insert("u", Row{2, "b"})
	s.sql.Insert("t", Row{4, "d", nil})
	s.sql.DropColumn("t", "v")
	s.sql.Insert("t", Row{5, 50})
	s.sql.Insert("u", Row{3, "c"})
	p := s.captured(r, stored.Position)
	s.expect(p.transactions(), "c t(1,a)", "c u(1,a)", "c t(2,b)", "c t(3,c,30)", "c u(2,b)", "c t(4,d,NULL)", "c t(5,50)", "c u(3,c)")
	if got, want := strings.Join(p.tables, " "), "t(id,v) u(id,v) t(id,v,w) t(id,w)"; got != want {
		t.Errorf("announced were %s, want %s", got, want)
	}
}

func manyRowsOfOneStatement(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, stored := s.begin()
	rows := make([]Row, 1000)
	for i := range rows {
		rows[i] = Row{i, fmt.Sprint("row ", i)}
	}
	s.sql.Insert("t", rows...)
	txs := s.captured(r, stored.Position).transactions()
	if len(txs) != 1 || len(txs[0].changes) != len(rows) {
		t.Fatalf("%d transactions:\n%.2000s", len(txs), show(txs))
	}
	for i, c := range txs[0].changes {
		if got, want := c.String(), fmt.Sprintf("c t(%d,row %[1]d)", i); got != want {
			t.Fatalf("row %d is %s", i, got)
		}
	}
}

func flushWhenQuiet(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	s.sql.createPairs("t")
	r, stored := s.begin()
	p := newTape(0)
	st := s.stream(r, stored.Position, p)
	for n := 1; n <= 3; n++ {
		s.sql.Insert("t", Row{n, "a"})
		eventually(t, fmt.Sprintf("transaction %d is flushed", n), func() bool {
			var flushed int
			p.look(func() { flushed = p.flushed })
			return flushed == n
		})
	}
	st.stop()
}

// rowHook is a hook that is told of rows alone.
func rowHook(f func(e *envelope.Event) error) func(string, *envelope.Event) error {
	return func(call string, e *envelope.Event) error {
		if call != "Row" {
			return nil
		}
		return f(e)
	}
}
