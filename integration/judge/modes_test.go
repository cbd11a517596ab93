package judge

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// once is lawful evidence of exactly once: the snapshot and the stream of lawful, without what comes again.
func once() *Evidence {
	e := lawful()
	e.Exactly = true
	rs := e.Partitions[0]
	e.Partitions[0] = slices.Concat(rs[:2], rs[3:8], rs[12:])
	return e
}

func TestExactlyOnceAllowsNoRepetitionOfAnyKind(t *testing.T) {
	if v := Judge(once()); len(v.Faults) > 0 {
		t.Fatalf("lawful evidence is refused: %s", strings.Join(v.Faults, "\n"))
	}
	for _, c := range []struct {
		name  string
		plant func(rs []Record) []Record
	}{
		{"a repeated suffix that at least once allows", func(rs []Record) []Record { return slices.Concat(rs[:7], rs[3:]) }},
		{"one change twice, next to itself", func(rs []Record) []Record { return slices.Insert(rs, 3, rs[2]) }},
		{"a delete and its tombstone twice", func(rs []Record) []Record { return slices.Concat(rs[:6], rs[4:6], rs[6:]) }},
		{"a row of the snapshot twice", func(rs []Record) []Record { return slices.Insert(rs, 1, rs[0]) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := once()
			e.Partitions[0] = c.plant(slices.Clone(e.Partitions[0]))
			if v := Judge(e); v.By[Replay] == 0 || v.Repeated == 0 {
				t.Errorf("%d repeated, faults: %s", v.Repeated, strings.Join(v.Faults, "\n"))
			}
		})
	}
}

// P69: the snapshot of a table that was rewritten is read again, which is no repetition of a delivery.
func TestARewrittenTableMayBeReadAgain(t *testing.T) {
	e := once()
	e.ReadAgain = true
	e.Partitions[0] = slices.Insert(e.Partitions[0], 1, e.Partitions[0][0])
	if v := Judge(e); len(v.Faults) > 0 {
		t.Error(strings.Join(v.Faults, "\n"))
	}
}

// P69: a row that was deleted between the snapshot that a rewrite ended and the one in its place is in the stream alone.
func TestARowThatOnlyTheSnapshotBeforeARewriteHadMayBeDeletedUnseen(t *testing.T) {
	for _, again := range []bool{true, false} {
		e := once()
		e.ReadAgain = again
		e.Partitions[0] = slices.Delete(e.Partitions[0], 1, 2) // row 2, which the stream deletes
		if v := Judge(e); (v.By[Lost] == 0) != again {
			t.Errorf("read again %t: %s", again, strings.Join(v.Faults, "\n"))
		}
		e.History["4"] = []Committed{{Op: 'c', Tx: 11, Row: Columns{"id": "4", "version": "8"}}} // a row that nobody touches again
		if v := Judge(e); v.By[Lost] == 0 {
			t.Errorf("read again %t: a row that is nowhere is allowed", again)
		}
	}
}

// evolved is a table whose column x1 was added, renamed and dropped while one row changed.
func evolved() *Evidence {
	row := func(version string, extra ...string) Columns {
		c := Columns{"id": "1", "version": version}
		if len(extra) > 0 {
			c["x1"] = extra[0]
		}
		return c
	}
	history := []Committed{{Op: 'c', Tx: 1, Row: row("1"), Fields: "id,version"}, {Op: 'u', Tx: 2, Row: row("2", "a"), Fields: "id,version,x1"},
		{Op: 'u', Tx: 3, Row: row("3", "b"), Fields: "id,version,x1__1"}, {Op: 'u', Tx: 4, Row: row("4"), Fields: "id,version"}}
	e := &Evidence{Table: Table{Name: "t", Keys: []string{"id"}, Full: true}, History: map[string][]Committed{"1": history},
		Final: map[string]Columns{"1": row("4")}, Fields: map[string]bool{"id": true, "version": true}}
	var records []Record
	for i, c := range history {
		r := Record{Op: c.Op, Key: "1", Tx: c.Tx, LSN: c.Tx, After: c.Row, Fields: c.Fields}
		if i > 0 {
			r.Before = maps.Clone(history[i-1].Row)
			maps.DeleteFunc(r.Before, func(name, _ string) bool { return name == "x1" && i == 3 })
		}
		records = append(records, r)
	}
	e.Partitions = [][]Record{records}
	return e
}

// P15, P16: each row is judged by the columns in force when it was committed, and the fold by those of the end.
func TestRowsAreComparedWithTheSchemaInForce(t *testing.T) {
	if v := Judge(evolved()); len(v.Faults) > 0 {
		t.Fatalf("lawful evidence is refused: %s", strings.Join(v.Faults, "\n"))
	}
	dropped := evolved() // the last change was before the column was dropped: the topic has it, the table has not
	dropped.History["1"] = dropped.History["1"][:3]
	dropped.Partitions[0] = dropped.Partitions[0][:3]
	dropped.Final["1"] = Columns{"id": "1", "version": "3"}
	if v := Judge(dropped); len(v.Faults) > 0 {
		t.Errorf("a column that was dropped after the last change is held against it: %s", strings.Join(v.Faults, "\n"))
	}
	for name, c := range map[string]struct {
		judge string
		plant func(r []Record)
	}{
		"a row under the schema before the column came":  {Schema, func(r []Record) { r[1].Fields, r[1].After = "id,version", Columns{"id": "1", "version": "2"} }},
		"a row under the schema before it was renamed":   {Schema, func(r []Record) { r[2].Fields = "id,version,x1" }},
		"a row under the schema before it was dropped":   {Schema, func(r []Record) { r[3].Fields = "id,version,x1__1" }},
		"the value of a new column lost":                 {State, func(r []Record) { r[1].After = Columns{"id": "1", "version": "2"} }},
		"the value of a renamed column lost":             {State, func(r []Record) { r[2].After = Columns{"id": "1", "version": "3"} }},
		"a renamed column's value from the wrong before": {Before, func(r []Record) { r[2].Before = Columns{"id": "1", "version": "2", "x1": "other"} }},
	} {
		t.Run(name, func(t *testing.T) {
			e := evolved()
			c.plant(e.Partitions[0])
			if v := Judge(e); v.By[c.judge] == 0 {
				t.Errorf("judge %s found nothing: %s", c.judge, strings.Join(v.Faults, "\n"))
			}
		})
	}
}

func TestARecordThatDoesNotFitItsSchemaIsAFault(t *testing.T) {
	e := once()
	e.Misfits = []string{"t-0 at 7: 3 bytes are behind its last field"}
	if v := Judge(e); v.By[Schema] != 1 || !strings.HasPrefix(v.Faults[0], "judge schema: ") {
		t.Error(v.Faults)
	}
}
