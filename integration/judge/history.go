package judge

import (
	"fmt"
	"maps"
	"slices"
)

// judgePartitions: a key's records are in one partition.
func judgePartitions(e *Evidence, v *Verdict) {
	in := map[string]int{}
	for i, partition := range e.Partitions {
		for _, r := range partition {
			if r.Op == 't' {
				continue
			}
			if first, ok := in[r.Key]; ok && first != i {
				v.fault(Order, "key %s is in partitions %d and %d", r.Key, first, i)
			}
			in[r.Key] = i
		}
	}
}

// judgeHistory: the stream of each key is the end of its history, change by change and column by column,
// and what comes before was in a snapshot (G1, G2, G6).
func judgeHistory(e *Evidence, byKey map[string][]Record, v *Verdict) {
	reads, first := readsByKey(e), firstTransaction(byKey)
	for key, history := range e.History {
		got := byKey[key]
		if len(got) > len(history) {
			v.fault(Invented, "key %s has %d changes in the topic, %d were committed", key, len(got), len(history))
			continue
		}
		skipped := len(history) - len(got)
		if isSuffix(got, history) {
			compareChanges(e.Table, key, got, history, v)
		} else {
			judge, text := whyNot(got, history)
			v.fault(judge, "key %s: %s", key, text)
			continue
		}
		if skipped > 0 && !e.covered(history, skipped, reads[key]) {
			v.fault(Lost, "%d changes of key %s, up to version %s, are neither in the stream nor in a snapshot", skipped, key, history[skipped-1].Row["version"])
		} else if c, late := behind(history[:skipped], first); late {
			v.fault(Lost, "%c version %s of key %s is not in the stream, and was made when transaction %d had ended, which is", c.Op, c.Row["version"], key, first)
		}
		for _, r := range reads[key] {
			if indexOf(r, history) < 0 {
				v.fault(Invented, "%v was never committed%s", r, nearest(r, history))
			}
		}
	}
	for key := range byKey {
		if e.History[key] == nil {
			v.fault(Invented, "key %s was never committed", key)
		}
	}
}

// streamByKey is each key's part of the stream; a TRUNCATE belongs to each key that it took with it.
func streamByKey(e *Evidence, stream [][]Record) map[string][]Record {
	out, emptied := map[string][]Record{}, e.emptied()
	for _, partition := range stream {
		for _, r := range partition {
			for _, key := range emptied[r.Tx] {
				if r.Op == 't' {
					out[key] = append(out[key], Record{Op: 't', Key: key, Tx: r.Tx, LSN: r.LSN})
				}
			}
			if r.Op != 'T' && r.Op != 't' {
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

// is says whether a record tells of a committed change, whatever it says of its columns.
func is(r Record, c Committed) bool {
	return r.Op == c.Op && r.Tx == c.Tx && (isGone(r.Op) || r.After["version"] == c.Row["version"])
}

// isGone says whether a row is gone after a change.
func isGone(op byte) bool { return op == 'd' || op == 't' }

func isSuffix(got []Record, history []Committed) bool {
	return slices.EqualFunc(got, history[len(history)-len(got):], is)
}

// whyNot tells changes that are missing in the middle from changes that are in another order, and from changes that
// nobody made.
func whyNot(got []Record, history []Committed) (judge, text string) {
	next := 0 // behind the newest of history that was found, in its order
	for _, r := range got {
		at := slices.IndexFunc(history[next:], func(c Committed) bool { return is(r, c) })
		if at < 0 && slices.ContainsFunc(history, func(c Committed) bool { return is(r, c) }) {
			return Order, fmt.Sprintf("%v comes after version %s of transaction %d", r, history[next-1].Row["version"], history[next-1].Tx)
		}
		if at < 0 {
			return Invented, fmt.Sprintf("%v was never committed", r)
		}
		next += at + 1
	}
	missing := history[len(history)-1]
	for i, j := len(got)-1, len(history)-1; i >= 0 && j >= 0; i, j = i-1, j-1 {
		if missing = history[j]; !is(got[i], history[j]) {
			break
		}
	}
	return Lost, fmt.Sprintf("%d changes are in the topic of %d committed; %c version %s of transaction %d is missing",
		len(got), len(history), missing.Op, missing.Row["version"], missing.Tx)
}

// covered says whether what was committed before the stream began is in a snapshot, or is not to be: the last of it was a
// delete; or a snapshot was read after the stream's beginning, and the stream has a later change of the key: a delete, which came before that
// snapshot, or another one, which kept the older row out of the window that was read then.
func (e *Evidence) covered(history []Committed, skipped int, reads []Record) bool {
	if isGone(history[skipped-1].Op) || newest(reads, history) >= skipped-1 {
		return true
	}
	return (e.CutOff || e.ReadAgain || e.Added) && skipped < len(history)
}

// behind is a change that was made when a transaction of the stream, the one given, had ended. Its own transaction was
// committed later, so that the stream has to have it, whatever a snapshot has.
func behind(missing []Committed, first int64) (Committed, bool) {
	i := slices.IndexFunc(missing, func(c Committed) bool { return first > 0 && first < c.Over })
	if i < 0 {
		return Committed{}, false
	}
	return missing[i], true
}

// firstTransaction is the one with the lowest id in a stream; 0 for none.
func firstTransaction(byKey map[string][]Record) int64 {
	var first int64
	for _, changes := range byKey {
		for _, r := range changes {
			if first == 0 || r.Tx < first {
				first = r.Tx
			}
		}
	}
	return first
}

// newest is the latest place in a key's history that a snapshot has seen; -1 for none.
func newest(reads []Record, history []Committed) int {
	at := -1
	for _, r := range reads {
		at = max(at, indexOf(r, history))
	}
	return at
}

// indexOf is the place of a snapshot's row in its key's history; -1 where it never was so. The columns are those
// that the table had when it was read.
func indexOf(r Record, history []Committed) int {
	return slices.IndexFunc(history, func(c Committed) bool {
		return !isGone(c.Op) && (maps.Equal(c.Row, r.After) || maps.Equal(within(c.Row, r.Fields), r.After))
	})
}

// nearest says in what a snapshot's row differs from the change of its version; "" where there is none.
func nearest(r Record, history []Committed) string {
	for _, c := range history {
		if c.Op != 'd' && c.Row["version"] == r.After["version"] {
			return ": " + differences(r.After, within(c.Row, r.Fields))
		}
	}
	return ""
}

// compareChanges compares the records of one key with the end of its history, column by column.
func compareChanges(t Table, key string, got []Record, history []Committed, v *Verdict) {
	skipped := len(history) - len(got)
	for i, r := range got {
		at := skipped + i
		if r.Op == 't' {
			continue // it has no columns
		}
		if fields := history[at].Fields; fields != "" && r.Fields != fields {
			v.fault(Schema, "%v has the columns %s, and the table had %s", r, r.Fields, fields)
			return
		}
		if fault := compareChange(t, r, history, at, v); fault != "" {
			v.fault(State, "change %d of %d of key %s: %s", at+1, len(history), key, fault)
			return
		}
	}
}

// compareChange compares one record with the change that it tells of, history[at].
func compareChange(t Table, r Record, history []Committed, at int, v *Verdict) string {
	if r.Op == 'd' {
		return ""
	}
	want, got := history[at].Row, r.After
	for name, text := range r.After {
		if text != Unavailable {
			continue
		}
		v.Unavailable++
		if t.Full || at == 0 || history[at-1].Row[name] != want[name] {
			return fmt.Sprintf("%v: column %s is unavailable, and the log had it", r, name)
		}
		got = maps.Clone(got)
		got[name] = want[name]
	}
	if diff := differences(got, want); diff != "" {
		return fmt.Sprintf("%v, the topic against what was committed: %s", r, diff)
	}
	return ""
}

// judgeTransactions: a transaction is in the stream as a whole, or before it as a whole, unless its table was captured only
// while it was open.
func judgeTransactions(e *Evidence, stream [][]Record, byKey map[string][]Record, v *Verdict) {
	if e.Added {
		return
	}
	present := map[int64]bool{}
	for _, partition := range stream {
		for _, r := range partition {
			present[r.Tx] = true
		}
	}
	for key, history := range e.History {
		for _, c := range history[:max(0, len(history)-len(byKey[key]))] {
			if present[c.Tx] {
				v.fault(Torn, "transaction %d is in the stream without its change of key %s", c.Tx, key)
			}
		}
	}
}
