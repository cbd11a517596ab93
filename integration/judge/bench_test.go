package judge

import (
	"strconv"
	"testing"
)

// BenchmarkJudge judges a million changes of 100,000 rows, as a long soak has them: some seconds, and less than 1 KB of
// the judges' own memory a change.
func BenchmarkJudge(b *testing.B) {
	const rows, rounds = 100_000, 10
	e := &Evidence{Table: Table{Name: "t", Keys: []string{"id"}}, History: map[string][]Committed{}, Final: map[string]Columns{}, Partitions: make([][]Record, 1)}
	for i := range rows * rounds {
		key, version := strconv.Itoa(i%rows), strconv.Itoa(i)
		row := Columns{"id": key, "version": version, "note": "committed"}
		op := byte('u')
		if i < rows {
			op = 'c'
		}
		tx := int64(i / 100)
		e.History[key] = append(e.History[key], Committed{Op: op, Tx: tx, Row: row})
		e.Final[key] = row
		e.Partitions[0] = append(e.Partitions[0], Record{Op: op, Key: key, Tx: tx, LSN: int64(i), After: row})
	}
	b.ReportAllocs()
	for b.Loop() {
		if v := Judge(e); len(v.Faults) > 0 {
			b.Fatal(v.Faults)
		}
	}
	b.ReportMetric(rows*rounds, "events/op")
}
