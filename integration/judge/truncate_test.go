package judge

import (
	"slices"
	"strings"
	"testing"
)

// emptied is a table that is read, changed, emptied with two rows in it, filled again, and repeated from the TRUNCATE on.
func emptied() *Evidence {
	row := func(id, version string) Columns { return Columns{"id": id, "version": version} }
	committed := func(op byte, tx int64, row Columns) Committed { return Committed{Op: op, Tx: tx, Over: tx, Row: row} }
	e := &Evidence{Table: Table{Name: "t", Keys: []string{"id"}, Full: true},
		History: map[string][]Committed{
			"1": {committed('c', 10, row("1", "1")), committed('u', 20, row("1", "2")), committed('t', 30, row("1", "2"))},
			"2": {committed('c', 10, row("2", "1")), committed('t', 30, row("2", "1"))},
			"3": {committed('c', 30, row("3", "3"))},
		},
		Truncates: []Committed{{Tx: 5, Over: 5}, {Tx: 30, Over: 30}}, // the first was before the stream
		Final:     map[string]Columns{"3": row("3", "3")},
	}
	update := Record{Op: 'u', Key: "1", Tx: 20, LSN: 1, Before: row("1", "1"), After: row("1", "2")}
	truncate, made := Record{Op: 't', Tx: 30, LSN: 2}, Record{Op: 'c', Key: "3", Tx: 30, LSN: 3, After: row("3", "3")}
	e.Partitions = [][]Record{{{Op: 'r', Key: "1", After: row("1", "1")}, {Op: 'r', Key: "2", After: row("2", "1")}, update, truncate, made, truncate, made}, nil}
	return e
}

// P14
func TestATruncateTakesEveryRowWithItOnce(t *testing.T) {
	if v := Judge(emptied()); len(v.Faults) > 0 || v.Repeated != 2 || v.Restarts != 1 {
		t.Fatalf("%d repeated in %d restarts, faults: %s", v.Repeated, v.Restarts, strings.Join(v.Faults, "\n"))
	}
	const first, again, made = 3, 5, 6
	for name, c := range map[string]struct {
		judge string
		plant func(e *Evidence, rs []Record) []Record
	}{
		"it is missing, and its rows stay": {State, func(_ *Evidence, rs []Record) []Record { return slices.Delete(slices.Clone(rs[:5]), first, first+1) }},
		"it is missing in its transaction": {Torn, func(_ *Evidence, rs []Record) []Record { return slices.Delete(slices.Clone(rs[:5]), first, first+1) }},
		"it is missing with its transaction": {Lost, func(e *Evidence, rs []Record) []Record {
			delete(e.Final, "3")
			return rs[:first]
		}},
		"it is missing of a table without rows": {Lost, func(e *Evidence, rs []Record) []Record {
			e.Truncates = append(e.Truncates, Committed{Tx: 40, Over: 40})
			return rs
		}},
		"it comes before a change of a row that it took": {Order, func(_ *Evidence, rs []Record) []Record {
			return []Record{rs[0], rs[1], rs[first], rs[2], rs[4]}
		}},
		"a row of a snapshot comes behind it": {Order, func(_ *Evidence, rs []Record) []Record { return append(slices.Clone(rs[:5]), rs[1]) }},
		"it comes where a row's delete should": {Lost, func(e *Evidence, rs []Record) []Record {
			e.History["1"][2].Op = 'd'
			return rs
		}},
		"it was never committed": {Invented, func(_ *Evidence, rs []Record) []Record {
			return append(slices.Clone(rs[:5]), Record{Op: 't', Tx: 50, LSN: 9})
		}},
		"it comes twice, in two places": {Invented, func(_ *Evidence, rs []Record) []Record {
			return append(slices.Clone(rs[:5]), Record{Op: 't', Tx: 30, LSN: 9})
		}},
		"it is left out of a repetition": {Replay, func(_ *Evidence, rs []Record) []Record { return slices.Delete(slices.Clone(rs), again, made) }},
	} {
		t.Run(name, func(t *testing.T) {
			e := emptied()
			e.Partitions[0] = c.plant(e, e.Partitions[0])
			if v := Judge(e); v.By[c.judge] == 0 {
				t.Errorf("judge %s found nothing: %s", c.judge, strings.Join(v.Faults, "\n"))
			}
		})
	}
}
