package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// judgeState folds the topic by key, as a reader of it does, and compares with the table, column by column.
func judgeState(e *Evidence, v *Verdict) {
	state := map[string]Columns{}
	for _, partition := range e.Partitions {
		for _, r := range partition {
			fold(state, r)
		}
	}
	lettered := e.lettered()
	for key, want := range e.Final {
		if lettered[key] {
			continue
		}
		got, ok := state[key]
		if !ok {
			v.fault(State, "row %s is in the table, and not in the topic", key)
		} else if diff := differences(e.inForce(got), want); diff != "" {
			v.fault(State, "row %s, the topic against the table: %s", key, diff)
		}
	}
	for key := range state {
		if _, ok := e.Final[key]; !ok && !lettered[key] {
			v.fault(State, "row %s is in the topic, and not in the table", key)
		}
	}
}

// inForce is a row without the columns that the table has no longer.
func (e *Evidence) inForce(row Columns) Columns {
	for name := range row {
		if e.Fields != nil && !e.Fields[name] {
			row = maps.Clone(row)
			maps.DeleteFunc(row, func(name, _ string) bool { return !e.Fields[name] })
			return row
		}
	}
	return row
}

func fold(state map[string]Columns, r Record) {
	switch r.Op {
	case 'd':
		delete(state, r.Key)
	case 't':
		clear(state)
	case 'r', 'c', 'u':
		state[r.Key] = filled(r.After, state[r.Key])
	}
}

// filled is a row with the values that the log did not carry taken from the row as it was.
func filled(row, was Columns) Columns {
	out := row
	for name, text := range row {
		if old, ok := was[name]; ok && text == Unavailable {
			if len(out) == len(row) {
				out = maps.Clone(out)
			}
			out[name] = old
		}
	}
	return out
}

// judgeReads: what a snapshot has read, it has not read again where nothing may come twice.
func judgeReads(e *Evidence, v *Verdict) {
	if !e.Exactly || e.ReadAgain {
		return
	}
	read := map[[2]string]bool{}
	for _, partition := range e.Partitions {
		for _, r := range partition {
			if r.Op != 'r' {
				continue
			}
			id := [2]string{r.Key, r.After["version"]}
			if read[id] {
				v.Repeated++
				v.fault(Replay, "%v comes twice", r)
			}
			read[id] = true
		}
	}
}

// judgeRolledBack: nothing that was taken back is in a topic (G5).
func judgeRolledBack(e *Evidence, v *Verdict) {
	for _, partition := range e.Partitions {
		for _, r := range partition {
			for _, row := range []Columns{r.Before, r.After} {
				for _, text := range row {
					if strings.Contains(text, RolledBack) {
						v.fault(TakenBack, "%v", r)
					}
				}
			}
		}
	}
}

// judgeTombstones: a delete is followed by its tombstone, and nothing else is.
func judgeTombstones(stream [][]Record, v *Verdict) {
	for _, partition := range stream {
		for i, r := range partition {
			follows := i+1 < len(partition) && partition[i+1].Op == 'T' && partition[i+1].Key == r.Key
			if r.Op == 'd' && !follows {
				v.fault(Tombstones, "none follows %v", r)
			}
			if r.Op == 'T' && (i == 0 || partition[i-1].Op != 'd') {
				v.fault(Tombstones, "a stray one of key %s", r.Key)
			}
		}
	}
}

// judgeBefore: under FULL the row before a change is the row after the change before it, in the columns that the
// table has by then.
func judgeBefore(e *Evidence, byKey map[string][]Record, v *Verdict) {
	for key, changes := range byKey {
		skipped := len(e.History[key]) - len(changes)
		for i, r := range changes {
			if r.Op == 'c' || r.Op == 't' || skipped+i < 1 {
				continue
			}
			before := e.History[key][skipped+i-1].Row // in a snapshot, or in the stream
			if i > 0 {
				before = changes[i-1].After
			}
			if diff := differences(r.Before, within(before, r.Fields)); diff != "" {
				v.fault(Before, "%v, its before against the preceding after: %s", r, diff)
			}
		}
	}
}

// within is a row without the columns that are not among fields; all of it where these are not known.
func within(row Columns, fields string) Columns {
	if fields == "" {
		return row
	}
	out, cloned := row, false
	for name := range row {
		if strings.Contains(","+fields+",", ","+name+",") || renamed(fields, name) {
			continue
		}
		if !cloned {
			out, cloned = maps.Clone(row), true
		}
		delete(out, name)
	}
	return out
}

// renamed says whether a column is among fields under a later name.
func renamed(fields, name string) bool {
	return slices.ContainsFunc(strings.Split(fields, ","), func(f string) bool { return Lineage(f) == name })
}

// Lineage is the name that a column began with: a renamed one is called by that name, two underscores and a number.
func Lineage(column string) string {
	first, _, _ := strings.Cut(column, "__")
	if first == "" {
		return column
	}
	return first
}

// differences names the columns that differ; "" for none.
func differences(got, want Columns) string {
	if maps.Equal(got, want) {
		return ""
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(joinedNames(got, want))) {
		if got[name] != want[name] {
			out = append(out, fmt.Sprintf("%s is %.60q, not %.60q", name, got[name], want[name]))
		}
	}
	return strings.Join(out, ", ")
}

func joinedNames(a, b Columns) Columns {
	all := maps.Clone(a)
	if all == nil {
		all = Columns{}
	}
	maps.Copy(all, b)
	return all
}
