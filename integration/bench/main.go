// Command bench measures rdip against the tools that its limits are named after, in one run on one machine:
// the log against pg_recvlogical, which reads the same write-ahead log from a copy of the same slot, and the
// snapshot against one COPY TO STDOUT of the same table. Candidates alternate, medians over the rounds count,
// and what is printed are ratios to the reference of the same run. docs/BENCHMARKS.md says how to read them.
//
//	go run ./integration/bench --rows 1000000 --rounds 5 --out table.md
//
// It ends with 1 when a floor is not reached or a bound of memory is passed. It needs Linux and what the tests
// install, and psql and pg_recvlogical.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == workerCommand {
		os.Exit(workerMain(os.Args[2]))
	}
	os.Exit(benchMain(os.Args[1:]))
}

// options are the flags.
type options struct {
	Rows            int64         // narrow rows of the log and of the table that is copied
	Rounds          int           // measurements of each candidate
	Wide            int64         // updates of wide rows, and transactions of one row; 0 leaves both out
	TableBytes      int64         // size of the table whose copy must stay within the bound of memory
	TransactionRows int64         // rows of the transaction that must
	Latency         time.Duration // how long the stream of single rows lasts
	Quiet           time.Duration // how long to wait for a quiet machine before each measurement
	Only            []string      // the cases to measure; empty: all
	Out, JSON       string        // files, "" for none
	Binary          string        // of rdip, "" to build it
	Set             []string      // more keys of rdip's configuration with Kafka, as KEY=VALUE
	Profile         string        // folder for CPU profiles of the null-sink worker, "" for none
}

func parse(args []string) (options, error) {
	var o options
	var only, set string
	var tableMB int64
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.Int64Var(&o.Rows, "rows", 1_000_000, "narrow rows in the log and in the table that is copied")
	f.IntVar(&o.Rounds, "rounds", 5, "measurements of each candidate")
	f.Int64Var(&o.Wide, "wide", -1, "updates of wide rows, and transactions of one row; 0 leaves both out; -1: a quarter of --rows")
	f.Int64Var(&tableMB, "table-mb", 1000, "size of the table that is copied within the bound of memory, in MB")
	f.Int64Var(&o.TransactionRows, "transaction-rows", 5_000_000, "rows of the one transaction that passes within the bound of memory")
	f.DurationVar(&o.Latency, "latency", 30*time.Second, "how long 1,000 transactions a second are written")
	f.DurationVar(&o.Quiet, "quiet", time.Minute, "how long to wait for a quiet machine before each measurement")
	f.StringVar(&only, "only", "", "cases to measure, separated by commas: "+strings.Join(caseNames(), ", "))
	f.StringVar(&o.Out, "out", "", "file for the table, as Markdown")
	f.StringVar(&o.JSON, "json", "", "file for every measurement, as JSON")
	f.StringVar(&o.Binary, "rdip", "", "rdip's binary; built from this tree where it is not given")
	f.StringVar(&set, "set", "", "more keys of rdip's configuration for the cases with Kafka, as KEY=VALUE,...; the defaults are what counts")
	f.StringVar(&o.Profile, "profile", "", "folder for CPU profiles of rdip with the null sink")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.Wide < 0 {
		o.Wide = o.Rows / 4
	}
	o.TableBytes = tableMB * 1_000_000
	if only != "" {
		o.Only = strings.Split(only, ",")
	}
	if set != "" {
		o.Set = strings.Split(set, ",")
	}
	return o, o.check(f.Args())
}

func (o *options) check(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("%q is not a flag", rest[0])
	}
	if o.Rows < 1000 || o.Rounds < 1 || o.TableBytes < 1_000_000 || o.TransactionRows < 1000 {
		return fmt.Errorf("too small: at least 1000 rows, 1 round, 1 MB")
	}
	for _, name := range o.Only {
		if !slices.Contains(caseNames(), name) {
			return fmt.Errorf("--only %s: the cases are %s", name, strings.Join(caseNames(), ", "))
		}
	}
	for _, pair := range o.Set {
		if !strings.Contains(pair, "=") {
			return fmt.Errorf("--set %s: it has no value: KEY=VALUE", pair)
		}
	}
	return nil
}

// wants says whether a case is to be measured.
func (o *options) wants(name string) bool {
	return len(o.Only) == 0 || slices.Contains(o.Only, name)
}

func benchMain(args []string) int {
	o, err := parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := measure(ctx, o)
	if r != nil {
		err = firstOf(err, r.write(o))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	if !r.passed() {
		fmt.Fprintln(os.Stderr, "bench: FAIL: not every floor and bound is met")
		return 1
	}
	return 0
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// say prints a line of progress.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
