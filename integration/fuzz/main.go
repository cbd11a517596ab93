// Command fuzz runs every fuzz target of the module for a time, one after another, and prints a line of a table for
// each: `make fuzz FUZZTIME=5m`. What a target finds is kept by `go test` as a file below the package's
// testdata/fuzz, which every `go test` runs from then on. It exits with 1 if a target failed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"time"
)

func main() {
	each := flag.Duration("time", 5*time.Minute, "how long each target runs")
	run := flag.String("run", "", "only targets whose PACKAGE.NAME this expression finds")
	workers := flag.Int("parallel", 1, "processes a target")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	failed, err := fuzz(ctx, *run, *each, *workers)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
	}
	if err != nil || failed > 0 {
		stop()
		os.Exit(1)
	}
}

// fuzz runs the targets that the expression finds and says how many failed.
func fuzz(ctx context.Context, run string, each time.Duration, workers int) (failed int, err error) {
	chosen, err := regexp.Compile(run)
	if err != nil {
		return 0, err
	}
	all, err := targets(ctx)
	if err != nil {
		return 0, err
	}
	fmt.Println("| target | seconds | executions | new corpus entries | failures |")
	fmt.Println("| --- | --- | --- | --- | --- |")
	for _, t := range all {
		if !chosen.MatchString(t.String()) {
			continue
		}
		r := t.fuzz(ctx, each, workers)
		if ctx.Err() != nil {
			return failed, ctx.Err()
		}
		fmt.Println(r.row())
		if r.failed {
			failed++
			fmt.Fprintln(os.Stderr, r.output)
		}
	}
	return failed, nil
}
