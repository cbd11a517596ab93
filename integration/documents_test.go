package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rdip/integration/harness"
)

var testName = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)

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
