package harness

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"rdip/integration/judge"
	"rdip/integration/testenv"
)

// Row is what one verdict adds to the table of a suite.
type Row struct {
	Test, Mode    string
	Seed          uint64
	Kills, Faults int
	Transactions  int64 // committed at the source
	Events        int   // records in topics, snapshots' and tombstones included
	Duplicates    int   // of them, records that came twice
	Lost          int   // by the judges lost and torn
	Disorder      int   // by the judges order and replay, where duplicates are allowed
	Other         int   // by any other judge
}

// rows are those of this process.
var rows = struct {
	sync.Mutex
	all []Row
}{}

// addRow adds a verdict to the table.
func (r *Run) addRow(t *testing.T, v judge.Verdict) {
	row := Row{Test: testName(t), Mode: r.Mode.Name, Seed: r.Seed, Kills: r.killed, Faults: r.faulted,
		Transactions: r.committed(t), Events: v.Records, Duplicates: v.Repeated}
	for name, n := range v.By {
		switch {
		case name == judge.Lost, name == judge.Torn:
			row.Lost += n
		case name == judge.Order, name == judge.Replay && !r.Mode.Exactly:
			row.Disorder += n
		case name != judge.Replay:
			row.Other += n
		}
	}
	rows.Lock()
	defer rows.Unlock()
	rows.all = append(rows.all, row)
}

// Shown are the faults that the table has of a test: the sum over its verdicts. ok is false where there was none.
func Shown(t *testing.T) (faults int, ok bool) {
	rows.Lock()
	defer rows.Unlock()
	for _, row := range rows.all {
		if row.Test == testName(t) {
			faults, ok = faults+row.Faults, true
		}
	}
	return faults, ok
}

// testName is a test as the table calls it.
func testName(t *testing.T) string { return strings.TrimPrefix(t.Name(), "Test") }

// Main is testenv.Main, which prints the table of the verdicts at the end where the whole of a suite runs
// (RDIP_LONG=1), and adds it to the file that RDIP_TABLE names.
func Main(m *testing.M) {
	code := testenv.Run(m)
	text := table(rows.all)
	if Long() && len(rows.all) > 0 {
		fmt.Print(text)
	}
	if path := os.Getenv("RDIP_TABLE"); path != "" && len(rows.all) > 0 {
		if err := appendTo(path, text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// table is Markdown that a terminal shows aligned, with a last line that adds up.
func table(all []Row) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| run\t| delivery\t| seed\t| kills\t| faults\t| transactions\t| events\t| duplicates\t| lost\t| out of order\t| other\t|")
	fmt.Fprintln(w, "| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t|")
	var sum Row
	for _, r := range all {
		r.write(w, r.Test, r.Mode, fmt.Sprint(r.Seed))
		sum.add(r)
	}
	sum.write(w, fmt.Sprintf("%d runs", len(all)), "", "")
	_ = w.Flush()
	return b.String()
}

func (r *Row) write(w io.Writer, test, mode, seed string) {
	fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t|\n", test, mode, seed,
		r.Kills, r.Faults, r.Transactions, r.Events, r.Duplicates, r.Lost, r.Disorder, r.Other)
}

func (r *Row) add(o Row) {
	r.Kills += o.Kills
	r.Faults += o.Faults
	r.Transactions += o.Transactions
	r.Events += o.Events
	r.Duplicates += o.Duplicates
	r.Lost += o.Lost
	r.Disorder += o.Disorder
	r.Other += o.Other
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
