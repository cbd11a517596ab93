// Package judge decides whether what lies in topics is what was committed at the source (G1, G2, G5, G6). The judges
// look at records from the topics' beginnings, at the source's tables as they are in the end, and at a history that
// triggers wrote there, inside the same transactions. They know nothing of rdip, and each has a test that plants
// what it must find.
package judge

import (
	"fmt"
	"strings"
)

// The judges. Each fault begins with "judge", the judge's name and a colon.
const (
	Lost       = "lost"        // a committed change is in no topic (G1, G6)
	Order      = "order"       // the changes of a key are not in the order of their commits, or not in one partition (G2)
	Replay     = "replay"      // a repetition that the promise does not allow: G2's, or none at all
	Torn       = "torn"        // a part of a transaction
	State      = "state"       // a value, or the fold of a topic, is not the table's
	Before     = "before"      // under FULL, the row before a change is not the row after the change before it
	TakenBack  = "rolled back" // what a rollback took back (G5)
	Invented   = "invented"    // what nobody committed
	Tombstones = "tombstone"   // a delete without one, or one without a delete
	Schema     = "schema"      // a record that the schema it names does not fit, or without the columns in force
	Counts     = "counts"      // the events of a transaction, and what its END says of them
)

// Columns is a row as text; a column that is null, or that the row does not have, is not in it. A column that was
// renamed is under the name that it began with.
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
	if len(t.Keys) == 1 {
		return row[t.Keys[0]]
	}
	parts := make([]string, len(t.Keys))
	for i, c := range t.Keys {
		parts[i] = row[c]
	}
	return strings.Join(parts, "|")
}

// Committed is one change of one key, as the source committed it. A changed key is two of them.
type Committed struct {
	Op     byte // c, u or d; t is a TRUNCATE that took the row with it
	Tx     int64
	Over   int64   // every transaction with a lower id had ended when the change was made; 0 where that is not known
	Row    Columns // of a delete and a TRUNCATE: the row that went
	Fields string  // the names of the table's columns then, sorted, with commas; "" where that is not known
}

// Record is one record of a topic.
type Record struct {
	Op            byte // r, c, u, d; T is a tombstone, t a TRUNCATE, which has no key
	Key           string
	Tx, LSN       int64
	Number        int64   // its place in its transaction; 0 where it has none
	Before, After Columns // nil where there is none
	Fields        string  // the names of its schema's columns, as in Committed
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
	Table   Table
	History map[string][]Committed // by key, in the order of commits
	// Truncates are those of the table, at most one a transaction. They are judged where all records are in one partition,
	// as without a key: nothing orders them against records of others.
	Truncates  []Committed
	Final      map[string]Columns
	Fields     map[string]bool // the columns that the table has in the end; nil for those of each row
	Partitions [][]Record      // in offset order
	// CutOff: a snapshot was killed or ended, and another one was read from a later state while the stream goes on
	// from the first consistent point. A row that was deleted in between is in the stream alone.
	CutOff bool
	// Added: the table was captured while others wrote to it. What a transaction that was open then had done before is in
	// the snapshot, and the rest of it in the stream.
	Added bool
	// Exactly: nothing may come twice, of the stream or of a snapshot.
	Exactly bool
	// ReadAgain: the table was rewritten or emptied, so that its snapshot may have been begun anew (P69), as if it was cut off.
	ReadAgain bool
	// Letters are the dead letters of the table, whose rows are not in its topic; those without a key are not among them.
	Letters []Record
	// Misfits are records that could not be read by the schemas that they name.
	Misfits []string
}

// Verdict is what the judges found.
type Verdict struct {
	Faults                      []string
	By                          map[string]int // how many faults each judge found, those that Faults has no room for too
	Records, Repeated, Restarts int
	Unavailable                 int // values that the log did not carry
}

const mostFaults = 20

func (v *Verdict) fault(judge, format string, args ...any) {
	if v.By == nil {
		v.By = map[string]int{}
	}
	v.By[judge]++
	if len(v.Faults) < mostFaults || v.By[judge] == 1 { // every judge is heard
		v.Faults = append(v.Faults, "judge "+judge+": "+fmt.Sprintf(format, args...))
	}
}

// Add puts the verdict on another table to this one.
func (v *Verdict) Add(other Verdict) {
	v.Faults = append(v.Faults, other.Faults...)
	v.Records += other.Records
	v.Repeated += other.Repeated
	v.Restarts += other.Restarts
	v.Unavailable += other.Unavailable
	for judge, n := range other.By {
		if v.By == nil {
			v.By = map[string]int{}
		}
		v.By[judge] += n
	}
}

// Judge calls every judge of a table.
func Judge(e *Evidence) Verdict {
	var v Verdict
	for _, misfit := range e.Misfits {
		v.fault(Schema, "%s", misfit)
	}
	stream := replays(e, &v)
	judgeReads(e, &v)
	judgeState(e, &v)
	judgePartitions(e, &v)
	judgeOvertaken(e, &v)
	byKey := streamByKey(e, stream)
	merged(e, byKey, &v)
	judgeHistory(e, byKey, &v)
	judgeTransactions(e, stream, byKey, &v)
	judgeTruncates(e, stream, byKey, &v)
	judgeRolledBack(e, &v)
	judgeTombstones(stream, &v)
	if e.Table.Full {
		judgeBefore(e, byKey, &v)
	}
	return v
}
