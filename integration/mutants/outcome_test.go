package mutants

import (
	"slices"
	"strings"
	"testing"
)

// Only a judge's word counts: what fails otherwise catches nothing.
func TestOnlyAJudgeCatchesAMutant(t *testing.T) {
	const said = `=== RUN   TestScenario
=== RUN   TestScenario/one
    workload.go:57: to run this again: RDIP_SEED=17 go test
    run.go:80: single:
        judge lost: 3 changes of key 7
        judge state: row 7 is in the table, and not in the topic
        judge lost: 1 change of key 9
=== RUN   TestScenario/two
    daemon.go:9: rdip ended: judge lost: quoted by another
=== RUN   TestScenario/three
=== RUN   TestScenario/four
    --- FAIL: TestScenario/one (1.25s)
    --- FAIL: TestScenario/two (2.00s)
    --- PASS: TestScenario/three (3.00s)
`
	got, err := outcomes(strings.NewReader(said), "TestScenario")
	if err != nil {
		t.Fatal(err)
	}
	m := &Mutant{Judges: []string{"torn", "lost"}}
	if one := got["one"]; !one.catches(m) || one.seed != "17" || one.seconds != "1.25" || !slices.Equal(one.judges, []string{"lost", "state"}) {
		t.Errorf("one is %+v", one)
	}
	for _, name := range []string{"two", "three", "four", "none"} {
		if got[name].catches(m) {
			t.Errorf("%s catches", name)
		}
	}
	if !got["three"].passes() || got["four"].passes() || got["one"].passes() || got["none"].passes() {
		t.Error("one, two, three and four are taken for one another")
	}
	if got["one"].catches(&Mutant{Judges: []string{"before"}}) {
		t.Error("a judge who has nothing to do with it catches")
	}
}
