package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Told is what the topics have of one transaction: its events, and its records in the transaction topic.
type Told struct {
	Events  map[int64]string // by their places in it, the tables that have them
	Letters map[string]Set   // by table, those of its events that are dead letters, which do not say their places
	Begins  int
	Ends    []End
	Open    bool // its last record is BEGIN
}

// Set is of texts.
type Set map[string]bool

// End is a record that ends a transaction: how many events it had, in all and of each table.
type End struct {
	Total  int64
	Counts map[string]int64
}

func (e End) String() string {
	var list []string
	for _, table := range slices.Sorted(maps.Keys(e.Counts)) {
		list = append(list, fmt.Sprintf("%s=%d", table, e.Counts[table]))
	}
	return fmt.Sprintf("%d (%s)", e.Total, strings.Join(list, ", "))
}

// Transactions gathers what all topics of a pipeline tell of each transaction, by its id.
type Transactions struct {
	All    map[int64]*Told
	faults []string
}

func (x *Transactions) of(tx int64) *Told {
	if x.All == nil {
		x.All = map[int64]*Told{}
	}
	if x.All[tx] == nil {
		x.All[tx] = &Told{Events: map[int64]string{}, Letters: map[string]Set{}}
	}
	return x.All[tx]
}

// Event notes a record of a table's topic. One that is told again is the same event.
func (x *Transactions) Event(table string, r Record) {
	if r.Op == 'T' || r.Op == 'r' {
		return
	}
	if r.Number < 1 {
		x.faults = append(x.faults, fmt.Sprintf("%v has no place in its transaction", r))
		return
	}
	t := x.of(r.Tx)
	if had := t.Events[r.Number]; had != "" && had != table {
		x.faults = append(x.faults, fmt.Sprintf("event %d of transaction %d is one of %s and of %s", r.Number, r.Tx, had, table))
	}
	t.Events[r.Number] = table
}

// Letter notes a dead letter of a table. One that is written again is the same event.
func (x *Transactions) Letter(table string, r Record) {
	t := x.of(r.Tx)
	if t.Letters[table] == nil {
		t.Letters[table] = Set{}
	}
	t.Letters[table][r.String()] = true
}

// Begin notes that a transaction is told to begin, in its order in the topic.
func (x *Transactions) Begin(tx int64) {
	t := x.of(tx)
	t.Begins++
	t.Open = true
}

// End notes that it is told to end.
func (x *Transactions) End(tx int64, e End) {
	t := x.of(tx)
	if !t.Open {
		x.faults = append(x.faults, fmt.Sprintf("an END of transaction %d without a BEGIN before it", tx))
	}
	t.Ends, t.Open = append(t.Ends, e), false
}

// JudgeTransactions finds what does not add up; exactly, what is told more than once too.
func JudgeTransactions(x *Transactions, exactly bool) Verdict {
	var v Verdict
	for _, fault := range x.faults {
		v.fault(Counts, "%s", fault)
	}
	for tx, t := range x.All {
		counts := t.counts(tx, &v)
		if len(t.Ends) == 0 || t.Open {
			v.fault(Counts, "transaction %d: %d times END, and its last record is BEGIN: %t", tx, len(t.Ends), t.Open)
		}
		for _, end := range t.Ends {
			if end.Total != counts.Total || !maps.Equal(end.Counts, counts.Counts) {
				v.fault(Counts, "transaction %d: END says %v, and its events are %v", tx, end, counts)
			}
		}
		if exactly && (t.Begins > 1 || len(t.Ends) > 1) {
			v.fault(Replay, "transaction %d has %d times BEGIN and %d times END", tx, t.Begins, len(t.Ends))
		}
	}
	return v
}

// counts are the events of a transaction, dead letters among them. Each event has a place, and no place but those of dead
// letters is empty.
func (t *Told) counts(tx int64, v *Verdict) End {
	counts := End{Total: int64(len(t.Events)), Counts: map[string]int64{}}
	var letters int
	for table, of := range t.Letters {
		letters += len(of)
		counts.Counts[table] += int64(len(of))
	}
	counts.Total += int64(letters)
	for i := range counts.Total {
		if table := t.Events[i+1]; table != "" {
			counts.Counts[table]++
		} else if letters--; letters < 0 {
			v.fault(Counts, "transaction %d: event %d of %d is missing", tx, i+1, counts.Total)
			break
		}
	}
	return counts
}
