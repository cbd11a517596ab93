package compatibility

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// verdictPair is a line of testdata/pairs.json: two schemas, and what Java found against either reading
// the other. testdata/README.md says how it was made.
type verdictPair struct {
	Name   string
	A, B   string
	BReads []string `json:"b_reads_a"`
	AReads []string `json:"a_reads_b"`
}

func loadPairs(t testing.TB) []verdictPair {
	t.Helper()
	text, err := os.ReadFile("testdata/pairs.json")
	if err != nil {
		t.Fatal(err)
	}
	var pairs []verdictPair
	if err := json.Unmarshal(text, &pairs); err != nil {
		t.Fatal(err)
	}
	if len(pairs) < 60 {
		t.Fatalf("only %d pairs", len(pairs))
	}
	return pairs
}

func mustParse(t testing.TB, text string) *Schema {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s
}

func TestEveryPairIsJudgedAsJavaJudgesIt(t *testing.T) {
	for _, p := range loadPairs(t) {
		t.Run(p.Name, func(t *testing.T) {
			a, b := mustParse(t, p.A), mustParse(t, p.B)
			same(t, "b reads a", Check(b, a), p.BReads)
			same(t, "a reads b", Check(a, b), p.AReads)
		})
	}
}

func same(t *testing.T, direction string, found []Incompatibility, java []string) {
	t.Helper()
	var ours []string
	for _, i := range found {
		ours = append(ours, strings.Join([]string{string(i.Kind), i.Pointer, i.Message}, " "))
	}
	if len(java) == 1 && strings.HasPrefix(java[0], "EXCEPTION ") {
		if len(found) == 0 {
			t.Errorf("%s: Java throws %q, and nothing was found", direction, java[0])
		}
		return
	}
	slices.Sort(ours)
	java = slices.Sorted(slices.Values(java))
	if !slices.Equal(ours, java) {
		t.Errorf("%s:\nours %q\njava %q", direction, ours, java)
	}
}
