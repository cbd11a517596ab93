package snapshot

import (
	"fmt"
	"testing"

	"rdip/envelope"
	"rdip/offsets"
	"rdip/schema"
)

// partially is an update of a row whose text the log left out, with keys of so many bytes.
func partially(table string, row, bytes int) *envelope.Event {
	l := &envelope.Layout{Table: &schema.Table{Schema: "public", Name: table, Key: []int{0}, Columns: make([]schema.Column, 2)}}
	return &envelope.Event{Op: envelope.Update, Layout: l, After: envelope.Row{
		{State: envelope.Present, Wire: fmt.Appendf(nil, "%0*d", bytes, row)}, {State: envelope.Absent}}}
}

// G8: a transaction that touches any number of rows whose large values did not change, and tables that are paused
// for days, are noted within a bound. A table of which more is owed is read from its beginning, also after a
// crash, and does not count as read until then.
func TestKeysThatAreOwedAreBoundedAndTheTableIsReadFromItsBeginning(t *testing.T) {
	for name, c := range map[string]struct{ tables, rows, bytes int }{
		"many rows of a table":     {1, 300_000, 8},
		"large keys":               {1, 10_000, 2500},
		"many rows of many tables": {50, 300_000, 40},
	} {
		t.Run(name, func(t *testing.T) {
			stored := map[string]offsets.TableSnapshot{}
			for i := range c.tables {
				var done offsets.Ranges
				done.Add(0)
				stored[fmt.Sprint("public.t", i)] = offsets.TableSnapshot{OID: 1, Why: offsets.WhyInitial, Plan: "{}", Chunks: 2, Done: done, Paused: i%2 == 1}
			}
			s := NewReadings(stored, nil)
			most := 0
			for i := range c.rows {
				table := fmt.Sprint("t", i%c.tables)
				s.note(s.tables["public."+table], partially(table, i, c.bytes))
				if i%1000 == 0 {
					most = max(most, owedBytes(s))
				}
			}
			if most = max(most, owedBytes(s)); most > defaultOwed || most < defaultOwed/4 {
				t.Errorf("%d bytes are owed, the bound is %d", most, defaultOwed)
			}
			overrun := 0
			changed, _ := s.Changed(nil)
			for id, r := range s.tables {
				if !s.overran(r) {
					continue
				}
				overrun++
				if kept := changed[id]; kept == nil || kept.Plan != "" || kept.Chunks != 0 || kept.Done.Len() != 0 || len(kept.Owed) != 0 || !kept.Left() {
					t.Errorf("%s is kept as %+v", id, kept)
				}
				if s.over(r); !r.left() || !r.due() {
					t.Errorf("%s counts as read", id)
				}
				s.again(r)
				if s.overran(r) || !r.gathers {
					t.Errorf("%s is not planned anew", id)
				}
			}
			if overrun == 0 {
				t.Error("no table is to be read from its beginning")
			}
		})
	}
}

func owedBytes(s *Readings) int {
	n := 0
	for _, r := range s.tables {
		n += r.owed.cost()
	}
	return n
}
