package snapshot

import (
	"testing"

	"rdip/envelope"
	"rdip/offsets"
	"rdip/schema"
)

// sink takes everything and keeps nothing.
type sink struct{ rows int }

func (s *sink) Begin(*envelope.Transaction) error                  { return nil }
func (s *sink) Table(*envelope.Layout) error                       { return nil }
func (s *sink) Row(*envelope.Event) error                          { s.rows++; return nil }
func (s *sink) Message(*envelope.Message) error                    { return nil }
func (s *sink) Commit(offsets.Durable) error                       { return nil }
func (s *sink) Flush() error                                       { return nil }
func (s *sink) Refuse(*envelope.Layout, envelope.Row, error) error { return nil }
func (s *sink) Idle(offsets.Position) error                        { return nil }

func TestMarkingARowAllocatesNothing(t *testing.T) {
	to := &sink{}
	m := &marker{next: to, marks: &marks{}}
	table := &tableMarks{left: 1}
	m.begin(table, &TableProgress{})
	event := &envelope.Event{Op: envelope.Read, Layout: &envelope.Layout{Table: &schema.Table{}}, After: envelope.Row{
		{State: envelope.Present, Wire: []byte("12345")}, {}, {State: envelope.Present, Wire: []byte("some text")}}}
	if err := m.Row(event); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if err := m.Row(event); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
	if to.rows == 0 {
		t.Error("no row was handed on")
	}
}
