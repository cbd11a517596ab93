package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// target is one fuzz function.
type target struct{ pkg, name string }

// String is the target as the table has it: readers/postgres.FuzzPgoutput.
func (t target) String() string { return strings.TrimPrefix(t.pkg, "rdip/") + "." + t.name }

// files are the test files of all packages, a line each: the import path and the file.
const files = `{{$p := .}}{{range .TestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}
{{end}}{{range .XTestGoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}
{{end}}`

var function = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)

// targets are all of the module, in the order of packages and files. They are found in the text, because `go test
// -list` would build the tests of every package.
func targets(ctx context.Context) ([]target, error) {
	list := exec.CommandContext(ctx, "go", "list", "-f", files, "rdip/...")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []target
	for line := range strings.Lines(string(out)) {
		pkg, file, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range function.FindAllSubmatch(text, -1) {
			all = append(all, target{pkg, string(m[1])})
		}
	}
	return all, nil
}

// minimizing bounds, in executions, how long go makes an input smaller that reaches new code: with its own bound of a
// minute each, a target of large inputs would do nothing else.
const minimizing = "-fuzzminimizetime=200x"

// fuzz runs the target for a time; the build before it does not count.
func (t target) fuzz(ctx context.Context, each time.Duration, workers int) result {
	cmd := exec.CommandContext(ctx, "go", "test", t.pkg, "-run=^$", "-fuzz=^"+t.name+"$", "-fuzztime="+each.String(), minimizing, fmt.Sprint("-parallel=", workers))
	out, err := cmd.CombinedOutput()
	r := resultOf(string(out))
	r.target, r.failed = t, err != nil && !r.ranOut
	return r
}
