package mutants

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rdip/integration/harness"
	"rdip/integration/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// jobs names, in the environment of a child of this test binary, what TestScenario is to run.
const jobs = "RDIP_MUTANTS_JOBS"

// tableFile names, in the environment, where the table goes; what the scenarios wrote goes beside it.
const tableFile = "RDIP_TABLE"

// job is one scenario with one binary.
type job struct{ Scenario, Mutant string }

const control = "control" // in place of a mutant: rdip as it is

func (j job) String() string { return strings.ReplaceAll(j.Scenario+"/"+j.Mutant, " ", "_") }

// Every mutant's text is in its file exactly once, what it makes compiles, and its scenario exists: the code moves on,
// and the mutants with it.
func TestEveryMutantStillAppliesAndCompiles(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	c, err := newChecker(root)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	known := scenarios()
	for _, m := range planted() {
		if names[m.Name] {
			t.Errorf("two mutants are called %s", m.Name)
		}
		names[m.Name] = true
		if !slices.ContainsFunc(known, func(s scenario) bool { return s.name == m.Scenario }) {
			t.Errorf("mutant %s: there is no scenario %q", m.Name, m.Scenario)
		}
		for _, j := range m.Judges {
			if !slices.Contains(judges, j) {
				t.Errorf("mutant %s: there is no judge %q", m.Name, j)
			}
		}
		replaced, err := m.write(root, t.TempDir())
		if err != nil {
			t.Error(err)
			continue
		}
		for path := range replaced {
			if err := c.check(filepath.Dir(path), replaced); err != nil {
				t.Errorf("mutant %s does not compile: %v", m.Name, err)
			}
		}
	}
}

// The harness catches every bug that is planted in rdip, and passes rdip as it is; in make test those that take
// a moment alone. RDIP_MUTANTS is an expression that chooses others.
func TestEveryPlantedBugIsCaught(t *testing.T) {
	chosen := slices.DeleteFunc(planted(), func(m Mutant) bool { return !wanted(t, &m) })
	var work []job
	for _, s := range scenarios() {
		of := slices.DeleteFunc(slices.Clone(chosen), func(m Mutant) bool { return m.Scenario != s.name })
		if len(of) == 0 {
			continue
		}
		work = append(work, job{s.name, control})
		for _, m := range of {
			work = append(work, job{s.name, m.Name})
		}
	}
	got := child(t, work)
	var rows []row
	for _, j := range work {
		o := got[j.String()]
		if j.Mutant == control {
			if !o.passes() {
				t.Errorf("%s: rdip as it is does not pass:\n%s", j.Scenario, textOf(o))
			}
			continue
		}
		m := &chosen[slices.IndexFunc(chosen, func(m Mutant) bool { return m.Name == j.Mutant })]
		rows = append(rows, row{m, o})
		if !o.catches(m) {
			t.Errorf("mutant %s survives %q: none of %v spoke:\n%s", m.Name, j.Scenario, m.Judges, textOf(o))
		}
	}
	text := table(rows)
	t.Log("\n" + text)
	if file := os.Getenv(tableFile); file != "" {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// wanted says whether a mutant is part of this run.
func wanted(t *testing.T, m *Mutant) bool {
	t.Helper()
	if text := os.Getenv("RDIP_MUTANTS"); text != "" {
		e, err := regexp.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		return e.MatchString(m.Name)
	}
	return m.Short || harness.Long()
}

// textOf is the end of what a scenario wrote.
func textOf(o *outcome) string {
	if o == nil {
		return "it did not begin"
	}
	lines := strings.Split(o.text, "\n")
	return strings.Join(lines[max(0, len(lines)-60):], "\n")
}

// child runs TestScenario in a process of its own, since what it finds fails it.
func child(t *testing.T, work []job) map[string]*outcome {
	t.Helper()
	list, err := json.Marshal(work)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+len(work))*2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestScenario$", "-test.v", "-test.timeout", "0")
	c.Env = append(os.Environ(), jobs+"="+string(list))
	if os.Getenv("RDIP_SEED") == "" && !harness.Long() {
		c.Env = append(c.Env, "RDIP_SEED=7")
	}
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // its servers die with it
	c.WaitDelay = 10 * time.Second
	log := filepath.Join(t.TempDir(), "log")
	if table := os.Getenv(tableFile); table != "" {
		log = table + ".log"
	}
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	c.Stdout, c.Stderr = out, os.Stderr
	_ = c.Run() // what is caught fails it
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	got, err := outcomes(out, "TestScenario")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestScenario is the child's half: it runs what the environment names, and nothing by itself.
func TestScenario(t *testing.T) {
	text := os.Getenv(jobs)
	if text == "" {
		return
	}
	var work []job
	if err := json.Unmarshal([]byte(text), &work); err != nil {
		t.Fatal(err)
	}
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	all, mutants := scenarios(), planted()
	for _, j := range work {
		var m *Mutant
		if i := slices.IndexFunc(mutants, func(m Mutant) bool { return m.Name == j.Mutant }); i >= 0 {
			m = &mutants[i]
		}
		s := all[slices.IndexFunc(all, func(s scenario) bool { return s.name == j.Scenario })]
		path := binary(t, root, m)
		fmt.Fprintf(os.Stderr, "%s\n", j)
		t.Run(j.String(), func(t *testing.T) { s.run(t, path) })
	}
}
