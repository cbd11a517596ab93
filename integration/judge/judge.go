// Package judge decides whether what lies in topics is what was committed at the source (G1, G2, G5, G6). The judges
// look at records from the topics' beginnings, at the source's tables as they are in the end, and at a history that
// triggers wrote there, inside the same transactions. They know nothing of rdip, and each has a test that plants
// what it must find.
package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Columns is a row as text; a column that is null, or that the row does not have, is not in it.
type Columns map[string]string

// Unavailable stands for a value that the log did not carry.
const Unavailable = "__debezium_unavailable_value"

// RolledBack is in the notes of every row that a transaction or a savepoint takes back.
const RolledBack = "ROLLED BACK"

// Table is one table under judgement. Keys are the columns that tell its rows apart, also where the
// table itself has no key.
type Table struct {
	Name string
	Keys []string
	Full bool // REPLICA IDENTITY FULL
}

// Key is a row's identity.
func (t Table) Key(row Columns) string {
	parts := make([]string, len(t.Keys))
	for i, c := range t.Keys {
		parts[i] = row[c]
	}
	return strings.Join(parts, "|")
}

// Committed is one change of one key, as the source committed it. A changed key is two of them.
type Committed struct {
	Op  byte // c, u or d
	Tx  int64
	Row Columns // of a delete: the row that went
}

// Record is one record of a topic.
type Record struct {
	Op            byte // r, c, u, d; T is a tombstone
	Key           string
	Tx, LSN       int64
	Before, After Columns // nil where there is none
}

// Row is the row after the change, or the one that went.
func (r Record) Row() Columns {
	if r.After != nil {
		return r.After
	}
	return r.Before
}

func (r Record) String() string {
	return fmt.Sprintf("%c %s version %s of transaction %d at %X", r.Op, r.Key, r.Row()["version"], r.Tx, r.LSN)
}

// Evidence is everything about one table.
type Evidence struct {
	Table      Table
	History    map[string][]Committed // by key, in the order of commits
	Final      map[string]Columns
	Partitions [][]Record // in offset order
	// CutOff: a snapshot was killed, and another one was read from a later state while the stream goes on
	// from the first consistent point. A row that was deleted in between is in the stream alone.
	CutOff bool
}

// Verdict is what the judges found in one table.
type Verdict struct {
	Faults                      []string
	Records, Repeated, Restarts int
	Unavailable                 int // values that the log did not carry
}

const mostFaults = 20

func (v *Verdict) fault(format string, args ...any) {
	if len(v.Faults) < mostFaults {
		v.Faults = append(v.Faults, fmt.Sprintf(format, args...))
	}
}

// Judge calls every judge.
func Judge(e *Evidence) Verdict {
	var v Verdict
	stream := replays(e, &v)
	judgeState(e, &v)
	judgePartitions(e, &v)
	judgeHistory(e, stream, &v)
	judgeTransactions(e, stream, &v)
	judgeRolledBack(e, &v)
	judgeTombstones(stream, &v)
	if e.Table.Full {
		judgeBefore(e, stream, &v)
	}
	return v
}

// judgeState folds the topic by key, as a reader of it does, and compares with the table, column by column.
func judgeState(e *Evidence, v *Verdict) {
	state := map[string]Columns{}
	for _, partition := range e.Partitions {
		for _, r := range partition {
			fold(state, r)
		}
	}
	for key, want := range e.Final {
		got, ok := state[key]
		if !ok {
			v.fault("state: row %s is in the table, and not in the topic", key)
		} else if diff := differences(got, want); diff != "" {
			v.fault("state: row %s, the topic against the table: %s", key, diff)
		}
	}
	for key := range state {
		if _, ok := e.Final[key]; !ok {
			v.fault("state: row %s is in the topic, and not in the table", key)
		}
	}
}

func fold(state map[string]Columns, r Record) {
	switch r.Op {
	case 'd':
		delete(state, r.Key)
	case 'r', 'c', 'u':
		row := maps.Clone(r.After)
		for name, text := range row {
			if old, ok := state[r.Key][name]; ok && text == Unavailable {
				row[name] = old
			}
		}
		state[r.Key] = row
	}
}

// judgePartitions: a key's records are in one partition.
func judgePartitions(e *Evidence, v *Verdict) {
	in := map[string]int{}
	for i, partition := range e.Partitions {
		for _, r := range partition {
			if first, ok := in[r.Key]; ok && first != i {
				v.fault("order: key %s is in partitions %d and %d", r.Key, first, i)
			}
			in[r.Key] = i
		}
	}
}

// judgeHistory: the stream of each key is the end of its history, change by change and column by column,
// and what comes before was in a snapshot (G1, G2, G6).
func judgeHistory(e *Evidence, stream [][]Record, v *Verdict) {
	byKey, reads := streamByKey(stream), readsByKey(e)
	for key, history := range e.History {
		got := byKey[key]
		if len(got) > len(history) {
			v.fault("invented: key %s has %d changes in the topic, %d were committed", key, len(got), len(history))
			continue
		}
		skipped := len(history) - len(got)
		for i, r := range got {
			if fault := compareChange(e.Table, r, history, skipped+i, v); fault != "" {
				v.fault("history: change %d of %d of key %s: %s", skipped+i+1, len(history), key, fault)
				break
			}
		}
		if skipped > 0 && !e.covered(history, skipped, reads[key]) {
			v.fault("lost: %d changes of key %s, up to version %s, are neither in the stream nor in a snapshot", skipped, key, history[skipped-1].Row["version"])
		}
		for _, r := range reads[key] {
			if indexOf(r, history) < 0 {
				v.fault("invented: %v was never committed", r)
			}
		}
	}
	for key := range byKey {
		if e.History[key] == nil {
			v.fault("invented: key %s was never committed", key)
		}
	}
}

func streamByKey(stream [][]Record) map[string][]Record {
	out := map[string][]Record{}
	for _, partition := range stream {
		for _, r := range partition {
			if r.Op != 'T' {
				out[r.Key] = append(out[r.Key], r)
			}
		}
	}
	return out
}

func readsByKey(e *Evidence) map[string][]Record {
	out := map[string][]Record{}
	for _, partition := range e.Partitions {
		for _, r := range partition {
			if r.Op == 'r' {
				out[r.Key] = append(out[r.Key], r)
			}
		}
	}
	return out
}

// covered says whether what was committed before the stream began is in a snapshot, or is not to be: the
// last of it was a delete; or the stream has a delete, which came before the snapshot that was read again.
func (e *Evidence) covered(history []Committed, skipped int, reads []Record) bool {
	gone := func(c Committed) bool { return c.Op == 'd' }
	return gone(history[skipped-1]) || newest(reads, history) >= skipped-1 || e.CutOff && slices.ContainsFunc(history[skipped:], gone)
}

// newest is the latest place in a key's history that a snapshot has seen; -1 for none.
func newest(reads []Record, history []Committed) int {
	at := -1
	for _, r := range reads {
		at = max(at, indexOf(r, history))
	}
	return at
}

// indexOf is the place of a snapshot's row in its key's history; -1 where it never was so.
func indexOf(r Record, history []Committed) int {
	return slices.IndexFunc(history, func(c Committed) bool { return c.Op != 'd' && maps.Equal(c.Row, r.After) })
}

// compareChange compares one record with the change that is due at history[at].
func compareChange(t Table, r Record, history []Committed, at int, v *Verdict) string {
	want := history[at]
	if r.Op != want.Op || r.Tx != want.Tx {
		return fmt.Sprintf("it is %v, and %c version %s of transaction %d is due", r, want.Op, want.Row["version"], want.Tx)
	}
	if r.Op == 'd' {
		return ""
	}
	got := maps.Clone(r.After)
	for name, text := range got {
		if text != Unavailable {
			continue
		}
		v.Unavailable++
		if t.Full || at == 0 || history[at-1].Row[name] != want.Row[name] {
			return fmt.Sprintf("%v: column %s is unavailable, and the log had it", r, name)
		}
		got[name] = want.Row[name]
	}
	if diff := differences(got, want.Row); diff != "" {
		return fmt.Sprintf("%v, the topic against what was committed: %s", r, diff)
	}
	return ""
}

// judgeTransactions: a transaction is in the stream as a whole, or before it as a whole.
func judgeTransactions(e *Evidence, stream [][]Record, v *Verdict) {
	present := map[int64]bool{}
	for _, partition := range stream {
		for _, r := range partition {
			present[r.Tx] = true
		}
	}
	byKey := streamByKey(stream)
	for key, history := range e.History {
		for _, c := range history[:max(0, len(history)-len(byKey[key]))] {
			if present[c.Tx] {
				v.fault("torn: transaction %d is in the stream without its change of key %s", c.Tx, key)
			}
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
						v.fault("rolled back: %v", r)
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
				v.fault("tombstone: none follows %v", r)
			}
			if r.Op == 'T' && (i == 0 || partition[i-1].Op != 'd') {
				v.fault("tombstone: a stray one of key %s", r.Key)
			}
		}
	}
}

// judgeBefore: under FULL the row before a change is the row after the change before it.
func judgeBefore(e *Evidence, stream [][]Record, v *Verdict) {
	for key, changes := range streamByKey(stream) {
		skipped := len(e.History[key]) - len(changes)
		for i, r := range changes {
			if r.Op == 'c' || skipped+i < 1 {
				continue
			}
			before := e.History[key][skipped+i-1].Row // in a snapshot, or in the stream
			if i > 0 {
				before = changes[i-1].After
			}
			if diff := differences(r.Before, before); diff != "" {
				v.fault("before: %v, its before against the preceding after: %s", r, diff)
			}
		}
	}
}

// differences names the columns that differ; "" for none.
func differences(got, want Columns) string {
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
