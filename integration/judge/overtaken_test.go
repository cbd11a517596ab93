package judge

import (
	"strings"
	"testing"
)

// P67: rows that are read beside the stream neither fall behind it nor run ahead of it.
func TestARowOfASnapshotThatOvertakesOrIsOvertakenIsFound(t *testing.T) {
	row := func(version string) Columns { return Columns{"id": "1", "version": version} }
	read := func(version string) Record { return Record{Op: 'r', Key: "1", After: row(version)} }
	update := func(version string, tx int64) Record {
		return Record{Op: 'u', Key: "1", Tx: tx, LSN: tx, After: row(version)}
	}
	gone := Record{Op: 'd', Key: "1", Tx: 40, LSN: 40, Before: row("3")}
	history := map[string][]Committed{"1": {{Op: 'c', Tx: 10, Row: row("1")}, {Op: 'u', Tx: 20, Row: row("2")}, {Op: 'u', Tx: 30, Row: row("3")}, {Op: 'd', Tx: 40, Row: row("3")}}}
	for _, c := range []struct {
		name    string
		records []Record
		faults  int
	}{
		{"a row, then what came later", []Record{read("1"), update("2", 20), update("3", 30)}, 0},
		{"a row as new as the change before it", []Record{update("2", 20), read("2"), update("3", 30)}, 0},
		{"the same row twice", []Record{read("2"), read("2"), update("3", 30)}, 0},
		{"a change that is repeated behind a row", []Record{update("2", 20), update("3", 30), read("3"), update("2", 20), update("3", 30)}, 0},
		{"a row behind a newer change", []Record{update("2", 20), update("3", 30), read("2")}, 1},
		{"a row of what was deleted", []Record{update("3", 30), gone, read("3")}, 1},
		{"a change behind a row that has it", []Record{read("3"), update("2", 20), update("3", 30)}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			var v Verdict
			judgeOvertaken(&Evidence{Table: Table{Keys: []string{"id"}}, History: history, Partitions: [][]Record{c.records}}, &v)
			if v.By[Order] != c.faults {
				t.Errorf("faults: %s", strings.Join(v.Faults, "\n"))
			}
		})
	}
}
