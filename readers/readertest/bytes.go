package readertest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rdip/envelope"
	"rdip/readers"
)

// neutralValues are in the comparison on every database, before its own.
func neutralValues(d *Dialect) []Value {
	return []Value{
		{d.Types[Int], "-2147483648"}, {d.Types[Int], "2147483647"},
		{d.Types[Long], "-9223372036854775808"}, {d.Types[Long], "9223372036854775807"},
		{d.Types[Text], "''"}, {d.Types[Text], "'NULL'"}, {d.Types[Text], "'it''s héllo, 漢字 😀'"},
		{d.Types[Text], "'tab\tline\nreturn\rend'"}, {d.Types[Text], "'" + largeText() + "'"},
		{d.Types[Decimal], "-1234567890.12"}, {d.Types[Decimal], "0.00"}, {d.Types[Decimal], "9999999999.99"},
		{d.Types[Double], "0.1"}, {d.Types[Double], "-1.7976931348623157E308"}, {d.Types[Double], "4.9E-300"},
		{d.Types[Timestamp], "'2024-02-29 23:59:59.123456'"}, {d.Types[Timestamp], "'1970-01-01 00:00:01'"}, {d.Types[Timestamp], "'1815-06-18 11:35:00'"},
	}
}

// encoded is one row as it would be written to a topic, wherever it came from.
type encoded struct {
	key, value []byte
	schemas    string
	columns    [][]byte // each column's value by itself, to name those that differ
}

// encodeRow writes a new row's record with everything else in it fixed.
func encodeRow(e *envelope.Event) (encoded, error) {
	x := envelope.NewEncoder(e.Layout, "topic", envelope.Options{})
	out := encoded{schemas: x.KeySchema() + x.ValueSchema()}
	tx := &envelope.Transaction{ID: 1, Micros: 1, Place: 1}
	fixed := *e
	fixed.Op, fixed.Before, fixed.KeyOnly, fixed.Place = envelope.Create, nil, false, 1
	var err error
	if out.key, err = x.AppendKey(nil, e.After); err != nil {
		return out, err
	}
	if out.value, err = x.AppendValue(nil, tx, &fixed, 1); err != nil {
		return out, err
	}
	for i, v := range e.After {
		b := []byte{byte(v.State)}
		if v.State == envelope.Present {
			if b, err = e.Layout.Columns[i](b, v.Wire); err != nil {
				return out, err
			}
		}
		out.columns = append(out.columns, b)
	}
	return out, nil
}

// encoding is a hook that keeps the encoded new rows of a table by their ids.
func encoding(tableName string, into map[string]encoded) func(string, *envelope.Event) error {
	return rowHook(func(e *envelope.Event) error {
		if e.Layout.Table.Name != tableName || e.After == nil {
			return nil
		}
		row, err := encodeRow(e)
		into[valueText(e.Layout, 0, e.After[0])] = row
		return err
	})
}

func sameBytes(t *testing.T, subject *Subject) {
	s := newScene(t, subject)
	for _, sql := range subject.Values.Setup {
		s.sql.Exec(sql)
	}
	values := slices.Concat(neutralValues(&subject.Dialect), subject.Values.List)
	insert := s.createWide(values)
	insert()
	r, resume := s.open(readers.Stored{})
	snapshot, stream := map[string]encoded{}, map[string]encoded{}
	p := newTape(0)
	p.hook = encoding("wide", snapshot)
	if err := readLane(t, r.Snapshot(), chunks(s.planned(r)), p); err != nil {
		t.Fatal(err)
	}
	s.sql.Delete("wide", 1)
	s.sql.Delete("wide", 2)
	insert()
	p = newTape(s.mark())
	p.hook = encoding("wide", stream)
	st := s.stream(r, resume.From, p)
	st.caughtUp()
	st.stop()
	for _, id := range []string{"1", "2"} {
		compareBytes(t, id, snapshot[id], stream[id], values)
	}
}

// createWide makes a table of a column a value. What it returns inserts two rows: of all values, and of
// NULLs.
func (s *scene) createWide(values []Value) func() {
	q := s.subject.Dialect.Quote
	definitions, literals, nulls := []string{s.sql.column(Column{"id", Int}) + " NOT NULL PRIMARY KEY"}, []string{"1"}, []string{"2"}
	for i, v := range values {
		definitions = append(definitions, q(fmt.Sprint("c", i))+" "+v.Type+" NULL")
		literals = append(literals, v.Literal)
		nulls = append(nulls, "NULL")
	}
	s.sql.Exec("CREATE TABLE " + q("wide") + " (" + strings.Join(definitions, ", ") + ")")
	return func() {
		for _, row := range [][]string{literals, nulls} {
			s.sql.Exec("INSERT INTO " + q("wide") + " VALUES (" + strings.Join(row, ", ") + ")")
		}
	}
}

func compareBytes(t *testing.T, id string, snapshot, stream encoded, values []Value) {
	t.Helper()
	if len(snapshot.columns) != len(values)+1 || len(stream.columns) != len(values)+1 {
		t.Fatalf("row %s has %d columns in the snapshot and %d in the stream, of %d", id, len(snapshot.columns), len(stream.columns), len(values)+1)
	}
	for i, v := range values {
		if a, b := snapshot.columns[i+1], stream.columns[i+1]; !bytes.Equal(a, b) {
			t.Errorf("row %s, %s %.80s: %x in the snapshot, %x in the stream", id, v.Type, v.Literal, a, b)
		}
	}
	if snapshot.schemas != stream.schemas {
		t.Errorf("row %s has the schemas\n%s\nin the snapshot, and in the stream\n%s", id, snapshot.schemas, stream.schemas)
	}
	if !bytes.Equal(snapshot.key, stream.key) || !bytes.Equal(snapshot.value, stream.value) {
		t.Errorf("row %s differs as a record", id)
	}
}
