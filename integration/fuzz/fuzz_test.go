package main

import (
	"os"
	"slices"
	"strings"
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

// theirs is a module with a target that fails on every input but its seed.
const theirs = `package theirs

import "testing"

func FuzzSum(f *testing.F) {
	f.Add(byte(0))
	f.Fuzz(func(t *testing.T, n byte) {
		if n != 0 {
			t.Fatal(n)
		}
	})
}
`

func TestATargetThatFailsIsCounted(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"go.mod": "module theirs\n\ngo 1.24\n", "sum_test.go": theirs} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := target{"theirs", "FuzzSum"}.fuzz(t.Context(), time.Minute, 1)
	if !r.failed || !strings.Contains(r.output, "Failing input written to testdata") {
		t.Errorf("%s\n%s", r.row(), r.output)
	}
}

func TestTimeThatEndsIsNoFailure(t *testing.T) {
	for output, ranOut := range map[string]bool{
		"--- FAIL: FuzzX (11.03s)\n    context deadline exceeded\nFAIL\n":                                                     true,
		"--- FAIL: FuzzX (11.03s)\n    context deadline exceeded\n    Failing input written to testdata/fuzz/FuzzX/1\nFAIL\n": false,
		"--- FAIL: FuzzX (1s)\n    x_test.go:1: wrong\nFAIL\n":                                                                false,
	} {
		if r := resultOf(output); r.ranOut != ranOut {
			t.Errorf("%s: %v", output, r.ranOut)
		}
	}
}
