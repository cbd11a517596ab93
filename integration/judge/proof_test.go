package judge

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// lawful is evidence that every judge must accept: a snapshot read twice, a stream with a repeated suffix,
// a key change, a delete, and under FULL a before for each.
func lawful() *Evidence {
	row := func(id, version string) Columns { return Columns{"id": id, "version": version, "note": "n" + version} }
	committed := func(op byte, tx int64, row Columns) Committed {
		return Committed{Op: op, Tx: tx, Over: tx, Row: row, Fields: "id,note,version"}
	}
	e := &Evidence{Table: Table{Name: "t", Keys: []string{"id"}, Full: true},
		History: map[string][]Committed{
			"1": {committed('c', 10, row("1", "1")), committed('u', 20, row("1", "3")), committed('u', 30, row("1", "5")), committed('u', 40, row("1", "7"))},
			"2": {committed('c', 10, row("2", "2")), committed('d', 30, row("2", "2"))},
			"3": {committed('c', 30, row("3", "6"))},
		},
		Final: map[string]Columns{"1": row("1", "7"), "3": row("3", "6")},
	}
	at := int64(0)
	change := func(op byte, tx int64, before, after Columns) Record {
		at++
		r := Record{Op: op, Tx: tx, LSN: at, Before: before, After: after, Fields: "id,note,version"}
		r.Key = r.Row()["id"]
		return r
	}
	first, second := change('u', 20, row("1", "1"), row("1", "3")), change('u', 30, row("1", "3"), row("1", "5"))
	gone, made := change('d', 30, row("2", "2"), nil), change('c', 30, nil, row("3", "6"))
	last := change('u', 40, row("1", "5"), row("1", "7"))
	tombstone := Record{Op: 'T', Key: "2"}
	e.Partitions = [][]Record{{
		{Op: 'r', Key: "1", After: row("1", "1")}, {Op: 'r', Key: "2", After: row("2", "2")}, {Op: 'r', Key: "1", After: row("1", "1")},
		first, second, gone, tombstone, made, // cut off here, and again from transaction 30 on
		second, gone, tombstone, made, last,
	}}
	return e
}

func TestTheJudgesAcceptWhatTheContractAllows(t *testing.T) {
	v := Judge(lawful())
	if len(v.Faults) > 0 || v.Repeated != 4 || v.Restarts != 1 {
		t.Errorf("%d repeated in %d restarts, faults: %s", v.Repeated, v.Restarts, strings.Join(v.Faults, "\n"))
	}
}

// A row that was deleted between a snapshot that was killed and the one that was read in its place is in
// no snapshot. Without such a kill it is lost.
func TestTheJudgesAllowARowThatOnlyTheKilledSnapshotHad(t *testing.T) {
	for _, cutOff := range []bool{true, false} {
		e := lawful()
		e.CutOff = cutOff
		e.Partitions[0] = slices.Delete(e.Partitions[0], 1, 2) // row 2, which the stream deletes
		if v := Judge(e); (len(v.Faults) == 0) != cutOff {
			t.Errorf("cut off %v: faults %s", cutOff, strings.Join(v.Faults, "\n"))
		}
	}
	e := lawful()
	e.CutOff = true
	e.Partitions[0] = slices.Delete(e.Partitions[0], 0, 3) // row 1 too, which the stream changes: no window gave the older one
	if v := Judge(e); len(v.Faults) != 0 {
		t.Errorf("a row that the stream changed while it was read: %s", strings.Join(v.Faults, "\n"))
	}
	for name, lose := range map[string]func(e *Evidence){
		"a change that is younger than the stream": func(e *Evidence) { e.History["1"][0].Tx, e.History["1"][0].Over = 35, 35 },
		"a row that nobody changed":                func(e *Evidence) { e.History["4"] = []Committed{{Op: 'c', Tx: 5, Row: Columns{"id": "4"}}} },
	} {
		lose(e)
		if v := Judge(e); v.By[Lost] == 0 {
			t.Errorf("%s was in no snapshot, and is allowed", name)
		}
		e = lawful()
		e.CutOff = true
		e.Partitions[0] = slices.Delete(e.Partitions[0], 0, 3)
	}
}

// What was made when a transaction of the stream had ended has to be in the stream: a later delete, a snapshot that was cut
// off and one that has the row excuse nothing.
func TestAChangeThatWasMadeBehindTheStreamsBeginningIsLost(t *testing.T) {
	row := Columns{"id": "5", "version": "8"}
	born, gone := Committed{Op: 'c', Tx: 22, Over: 21, Row: row}, Committed{Op: 'd', Tx: 41, Over: 41, Row: row}
	deleted := []Record{{Op: 'd', Key: "5", Tx: 41, LSN: 41, Before: row}, {Op: 'T', Key: "5"}}
	for _, c := range []struct {
		name    string
		history []Committed
		add     []Record
		over    int64 // of the row's creation, where it may be missing
	}{
		{"a row that is deleted later", []Committed{born, gone}, deleted, 20},
		{"a row that was made and deleted", []Committed{born, gone}, nil, 0},
		{"a row that the snapshot has", []Committed{born, {Op: 'd', Tx: 41, Over: 20, Row: row}}, append([]Record{{Op: 'r', Key: "5", After: row}}, deleted...), 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			evidence := func() *Evidence {
				e := lawful()
				e.CutOff = true
				e.History["5"] = slices.Clone(c.history)
				e.Partitions[0] = append(e.Partitions[0], c.add...)
				return e
			}
			if v := Judge(evidence()); v.By[Lost] != 1 {
				t.Errorf("faults: %s", strings.Join(v.Faults, "\n"))
			}
			if c.over == 0 {
				return
			}
			e := evidence() // the same, made while the stream's first transaction was open
			e.History["5"][0].Over = c.over
			if v := Judge(e); len(v.Faults) > 0 {
				t.Errorf("a lawful one is refused: %s", strings.Join(v.Faults, "\n"))
			}
		})
	}
}

// A transaction that was open when its table was captured is in the stream by half, and its first half in the snapshot.
// Of a table that was there from the beginning that is a torn one.
func TestATransactionThatWasOpenWhenItsTableWasAddedMayBeInTheStreamByHalf(t *testing.T) {
	for _, added := range []bool{true, false} {
		e := lawful()
		e.Added = added
		row := Columns{"id": "6", "version": "2"}
		e.History["6"] = []Committed{{Op: 'c', Tx: 20, Over: 20, Row: row}}
		e.Partitions[0] = append([]Record{{Op: 'r', Key: "6", After: row}}, e.Partitions[0]...)
		e.Final["6"] = row
		if v := Judge(e); (len(v.Faults) == 0) != added || !added && v.By[Torn] == 0 {
			t.Errorf("added %v: faults %s", added, strings.Join(v.Faults, "\n"))
		}
	}
}

// Each judge finds what it is there for.
func TestEveryJudgeFindsAPlantedDefect(t *testing.T) {
	const first, second, gone, made, again, last = 3, 4, 5, 7, 8, 12
	edit := func(change func(rs []Record) []Record) func(*Evidence) {
		return func(e *Evidence) { e.Partitions[0] = change(slices.Clone(e.Partitions[0])) }
	}
	without := func(places ...int) func(*Evidence) {
		return edit(func(rs []Record) []Record {
			for _, i := range slices.Backward(places) {
				rs = slices.Delete(rs, i, i+1)
			}
			return rs
		})
	}
	for _, c := range []struct {
		name, judge string
		plant       func(e *Evidence)
	}{
		{"a lost update", Lost, without(last)},
		{"a lost state", State, without(last)},
		{"an update lost in the middle, twice", Lost, without(second, again)},
		{"a lost delete", State + ": row 2 is in the topic", without(gone, gone+1, again+1, again+2)},
		{"a row lost between snapshot and stream", Lost, without(1)},
		{"a lost row", State + ": row 3 is in the table", without(made, again+3)},
		{"a repetition that leaves something out", Replay, without(again + 1)},
		{"a repetition that stops before its end", Replay, without(again+3, last)},
		{"a pair swapped in a repetition", Replay, edit(func(rs []Record) []Record {
			rs[again], rs[last] = rs[last], rs[again]
			return rs
		})},
		{"a pair swapped in the stream", Order, func(e *Evidence) {
			rs := e.Partitions[0]
			e.Partitions[0] = []Record{rs[0], rs[1], rs[second], rs[first], rs[gone], rs[gone+1], rs[made], rs[last]}
		}},
		{"a duplicate out of a repeated suffix", Replay, edit(func(rs []Record) []Record { return append(rs, rs[first]) })},
		{"a repetition that begins inside its transaction", "inside its transaction", without(again)},
		{"a repetition that begins with a tombstone", Replay, without(again, again+1)},
		{"a row that was rolled back", TakenBack, edit(func(rs []Record) []Record {
			return append(rs, Record{Op: 'c', Key: "9", Tx: 50, LSN: 50, After: Columns{"id": "9", "note": RolledBack}})
		})},
		{"a row that never was", Invented + ": key 9", edit(func(rs []Record) []Record {
			return append(rs, Record{Op: 'c', Key: "9", Tx: 50, LSN: 50, After: Columns{"id": "9"}})
		})},
		{"one change too many", Invented + ": key 3", edit(func(rs []Record) []Record {
			return append(rs, Record{Op: 'u', Key: "3", Tx: 50, LSN: 50, After: Columns{"id": "3", "version": "9"}})
		})},
		{"a state in the snapshot that never was", Invented, edit(func(rs []Record) []Record {
			rs[0].After = Columns{"id": "1", "version": "99"}
			return rs
		})},
		{"a wrong value", State, edit(func(rs []Record) []Record {
			rs[first].After = Columns{"id": "1", "version": "3", "note": "other"}
			return rs
		})},
		{"a null in place of a value", State, edit(func(rs []Record) []Record {
			rs[first].After = Columns{"id": "1", "version": "3"}
			return rs
		})},
		{"a value unavailable that the log had", "unavailable", edit(func(rs []Record) []Record {
			rs[first].After = Columns{"id": "1", "version": "3", "note": Unavailable}
			return rs
		})},
		{"a wrong before", Before, edit(func(rs []Record) []Record {
			rs[second].Before, rs[again].Before = rs[first].Before, rs[first].Before
			return rs
		})},
		{"a wrong before at the snapshot's edge", Before, edit(func(rs []Record) []Record {
			rs[first].Before = Columns{"id": "1", "version": "0"}
			return rs
		})},
		{"a missing tombstone", Tombstones + ": none", without(gone+1, again+2)},
		{"a stray tombstone", Tombstones + ": a stray", edit(func(rs []Record) []Record { return append(rs, Record{Op: 'T', Key: "1"}) })},
		{"a key in two partitions", "partitions", func(e *Evidence) {
			e.Partitions = [][]Record{e.Partitions[0][:again], e.Partitions[0][again:]}
		}},
		{"half a transaction", Torn, without(made, again+3)},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := lawful()
			c.plant(e)
			v := Judge(e)
			if !slices.ContainsFunc(v.Faults, func(f string) bool { return strings.Contains(f, c.judge) }) {
				t.Errorf("no %q among %s", c.judge, strconv.Quote(strings.Join(v.Faults, "\n")))
			}
		})
	}
}
