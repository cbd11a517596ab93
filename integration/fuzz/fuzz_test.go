package main

import (
	"slices"
	"testing"
	"time"
)

func TestTheLastLineOfProgressIsTheResult(t *testing.T) {
	const output = "fuzz: elapsed: 0s, gathering baseline coverage: 0/42 completed\n" +
		"fuzz: elapsed: 3s, execs: 9072 (3024/sec), new interesting: 5 (total: 47)\n" +
		"fuzz: elapsed: 1m6s, execs: 30011 (10044/sec), new interesting: 7 (total: 49)\nPASS\n"
	r := resultOf(output)
	r.target = target{"rdip/offsets", "FuzzDecodeRecord"}
	if want := "| offsets.FuzzDecodeRecord | 66 | 30011 | 7 | 0 |"; r.row() != want {
		t.Errorf("%s\nwant\n%s", r.row(), want)
	}
}

func TestEveryTargetOfTheModuleIsFound(t *testing.T) {
	all, err := targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []target{{"rdip/readers/postgres", "FuzzPgoutput"}, {"rdip/sinks/kafka", "FuzzJAAS"}} {
		if !slices.Contains(all, want) {
			t.Errorf("%s was not found among %d targets", want, len(all))
		}
	}
}

func TestATargetRunsAndWhatItDidIsRead(t *testing.T) {
	r := target{"rdip/cmd/rdip", "FuzzKeysThatAreQuotedComeBack"}.fuzz(t.Context(), time.Second, 1)
	if r.failed || r.elapsed < time.Second || r.executions == "0" {
		t.Errorf("%s\n%s", r.row(), r.output)
	}
}
