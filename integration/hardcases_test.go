package integration

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// dueCases are the hard cases that docs/RELIABILITY.md has to have a test for. There is no P32.
const dueCases = "P1-P31 P33-P72 K1-K12 R1-R6 O1-O6 D1-D10"

const (
	reliabilityFile = "../docs/RELIABILITY.md"
	casesBegin      = "<!-- hard cases, made by: go test ./integration -run TestTheReliabilityDocument -update -->\n"
	casesEnd        = "<!-- end of hard cases -->\n"
)

var (
	caseID       = regexp.MustCompile(`\b([A-Z])(\d+)(?:(?:-| to )\x60?[A-Z](\d+))?\b`)
	testFunction = regexp.MustCompile(`(?ms)((?:^//[^\n]*\n)*)^func ((?:Test|Fuzz)\w+)\(.*?^}`)
)

// casesIn is every id that a text cites; P25 to P30 and P25-P30 are six.
func casesIn(text string) map[string]bool {
	ids := map[string]bool{}
	for _, m := range caseID.FindAllStringSubmatch(text, -1) {
		from, _ := strconv.Atoi(m[2])
		to := from
		if m[3] != "" {
			to, _ = strconv.Atoi(m[3])
		}
		for n := from; n <= to; n++ {
			ids[fmt.Sprint(m[1], n)] = true
		}
	}
	return ids
}

// citing is a test, and the cases that its comment or its body cites.
type citing struct {
	pkg   string // "readers/postgres"
	cases map[string]bool
}

// testsOfTheTree are all tests and fuzz targets, by name.
func testsOfTheTree(t *testing.T) map[string]citing {
	t.Helper()
	tests := map[string]citing{}
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		pkg := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../")
		for _, m := range testFunction.FindAllSubmatch(text, -1) {
			tests[string(m[2])] = citing{pkg, casesIn(string(m[0]))}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

// hardCase is one line of testdata/hardcases.txt.
type hardCase struct {
	id    string
	what  string   // what happens then
	tests []string // that prove it
}

func loadHardCases(t *testing.T) []hardCase {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "hardcases.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all []hardCase
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, " | ")
		if len(fields) != 3 {
			t.Fatalf("%q is not an id, what happens, and tests", line)
		}
		all = append(all, hardCase{fields[0], fields[1], strings.Split(fields[2], ", ")})
	}
	return all
}

func TestEveryHardCaseThatIsDueHasATestThatCitesIt(t *testing.T) {
	tests := testsOfTheTree(t)
	due := casesIn(dueCases)
	for _, c := range loadHardCases(t) {
		if !due[c.id] {
			t.Errorf("%s is no case, or stands there twice", c.id)
		}
		delete(due, c.id)
		for _, name := range c.tests {
			if !tests[name].cases[c.id] {
				t.Errorf("%s: %s is not a test that cites it", c.id, name)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(due)) {
		t.Errorf("testdata/hardcases.txt has no test of %s", id)
	}
}

// The table of docs/RELIABILITY.md is that of testdata/hardcases.txt, with the packages of the tests.
func TestTheReliabilityDocumentHasEveryHardCase(t *testing.T) {
	tests := testsOfTheTree(t)
	var b strings.Builder
	b.WriteString("| case | what happens | proven by |\n| --- | --- | --- |\n")
	for _, c := range loadHardCases(t) {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.id, c.what, c.proof(tests))
	}
	replaceGenerated(t, reliabilityFile, "TestTheReliabilityDocument", casesBegin, casesEnd, b.String())
}

// proof names the tests, package by package.
func (c *hardCase) proof(tests map[string]citing) string {
	var packages []string
	named := map[string][]string{}
	for _, name := range c.tests {
		pkg := tests[name].pkg
		if !slices.Contains(packages, pkg) {
			packages = append(packages, pkg)
		}
		named[pkg] = append(named[pkg], name)
	}
	for i, pkg := range packages {
		packages[i] = "`" + pkg + "`: " + strings.Join(named[pkg], ", ")
	}
	return strings.Join(packages, "; ")
}

// killPoint is a row of the table of kill points: what was killed at, and the name of the point.
var killPoint = regexp.MustCompile("(?m)^\\| [^|]*\\| `([a-z-]+)`[^|]*\\|")

// The points at which a build for tests kills itself are those of the document, each of them.
func TestTheReliabilityDocumentHasEveryKillPoint(t *testing.T) {
	page, err := os.ReadFile(reliabilityFile)
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("../internal/failpoint/failpoint.go")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range killPoint.FindAllStringSubmatch(string(page), -1) {
		documented[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^\t\w+ += "([a-z-]+)"`).FindAllStringSubmatch(string(code), -1) {
		if !documented[m[1]] {
			t.Errorf("%s has no row for the point %q", reliabilityFile, m[1])
		}
		delete(documented, m[1])
	}
	for point := range documented {
		t.Errorf("%s has a row for %q, which is no point", reliabilityFile, point)
	}
}

// replaceGenerated compares what is made with the part of a page between two lines, or writes it there.
func replaceGenerated(t *testing.T, file, test, begin, end, made string) {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s lacks the lines %q and %q", file, begin, end)
	}
	want := head + begin + made + end + tail
	if want == string(page) {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the code does; go test ./integration -run %s -update writes:\n%s", file, test, made)
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
