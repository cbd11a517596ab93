package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rdip/integration/harness"
)

// dueCases are the hard cases that docs/DELIVERY.md has to have a test for. There is no P32, and K12 is stated there
// as open.
const dueCases = "P1-P31 P33-P72 K1-K11 R1-R6 O1-O6 D1-D10"

var (
	caseID       = regexp.MustCompile(`\b([A-Z])(\d+)(?:(?:-| to )\x60?[A-Z](\d+))?\b`)
	testFunction = regexp.MustCompile(`(?ms)((?:^//[^\n]*\n)*)^func (Test\w+)\(.*?^}`)
	testName     = regexp.MustCompile(`\bTest[A-Z]\w+`)
	caseRow      = regexp.MustCompile(`(?m)^\| ([PKROD]\d+) \| [^|]+ \| ([^|]+) \|$`)
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

// testsOfTheTree are all tests with the cases that they cite, in their comment or body.
func testsOfTheTree(t *testing.T) map[string]map[string]bool {
	t.Helper()
	tests := map[string]map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range testFunction.FindAllSubmatch(text, -1) {
			tests[string(m[2])] = casesIn(string(m[0]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}

func TestEveryHardCaseThatIsDueHasATestThatCitesIt(t *testing.T) {
	page, err := os.ReadFile("../docs/DELIVERY.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testsOfTheTree(t)
	found := map[string]bool{}
	for _, row := range caseRow.FindAllStringSubmatch(string(page), -1) {
		id := row[1]
		found[id] = true
		for _, name := range strings.Split(row[2], ", ") {
			if cited, ok := tests[name]; !ok || !cited[id] {
				t.Errorf("%s: %s is not a test that cites it", id, name)
			}
		}
	}
	for id := range casesIn(dueCases) {
		if !found[id] {
			t.Errorf("docs/DELIVERY.md has no test of %s", id)
		}
	}
}

func TestEveryTestThatADocumentNamesIsThere(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	tests := testsOfTheTree(t)
	for _, page := range append(pages, "../README.md", "../CHANGELOG.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range testName.FindAllString(string(text), -1) {
			if !slices.ContainsFunc(sortedKeys(tests), func(test string) bool { return strings.HasPrefix(test, name) }) {
				t.Errorf("%s names %s, which is not there", page, name)
			}
		}
	}
}

func TestThePrivilegesDocumentHasTheGrantsOfTheTests(t *testing.T) {
	text, err := os.ReadFile("../docs/PRIVILEGES.md")
	if err != nil {
		t.Fatal(err)
	}
	named := strings.NewReplacer("{role}", "rdip", "{database}", "shop", "{owner}", "shop_owner")
	for _, grants := range []string{leastGrants, publisherGrants} {
		if want := "```sql\n" + named.Replace(grants) + "\n```"; !strings.Contains(string(text), want) {
			t.Errorf("docs/PRIVILEGES.md lacks\n%s", want)
		}
	}
	for operation := range documentedACLs {
		if !strings.Contains(string(text), "--operation "+operation) {
			t.Errorf("docs/PRIVILEGES.md lacks the ACL %s", operation)
		}
	}
}

func TestGeneratedDocumentsAreCurrent(t *testing.T) {
	for page, file := range map[string]string{"configuration": "../docs/CONFIGURATION.md", "metrics": "../docs/METRICS.md"} {
		want, err := exec.Command(harness.Binary(t), "docs", page).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != string(want) {
			t.Errorf("%s is not what the code says (%v); write it with: make docs", file, err)
		}
	}
}

// Links between documents lead somewhere.
func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../README.md", "../CHANGELOG.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
		}
	}
}

func TestTheArchitectureNamesEveryPackageAndDependency(t *testing.T) {
	page, err := os.ReadFile("../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "./...")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range strings.Fields(string(out)) {
		name := strings.TrimPrefix(pkg, "rdip/")
		if below, ok := strings.CutPrefix(name, "integration/testenv/"); ok {
			name = below
		}
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/ARCHITECTURE.md lacks package %s", pkg)
		}
	}
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`)
	for _, m := range direct.FindAllStringSubmatch(string(mod), -1) {
		if !regexp.MustCompile(regexp.QuoteMeta(m[1]) + `[ ,]`).Match(page) {
			t.Errorf("docs/ARCHITECTURE.md lacks dependency %s", m[1])
		}
	}
}
