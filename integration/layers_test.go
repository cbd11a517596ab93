package integration

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// What the packages below connect/source may import is the same in the table that people read and in the rules that hold it:
// one rule a package, which denies rdip as a whole and allows what the table says, internal, and the package itself.
func TestTheLinterHoldsTheTableOfThePackagesOfATask(t *testing.T) {
	page, err := os.ReadFile("../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						Files []string
						Deny  []struct{ Pkg string }
						Allow []string
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	allowed := map[string][]string{} // by package, of the rule that is for it alone
	for _, rule := range config.Linters.Settings.Depguard.Rules {
		m := regexp.MustCompile(`^\$\{base-path\}/(connect/source/\w+)/\*\*$`).FindStringSubmatch(rule.Files[0])
		if m != nil && len(rule.Deny) == 1 && rule.Deny[0].Pkg == "rdip/" {
			allowed[m[1]] = rule.Allow
		}
	}
	rows := regexp.MustCompile("(?m)^\\| `(connect/source/\\w+)` \\| .* \\| (.*) \\|$").FindAllStringSubmatch(string(page), -1)
	for _, row := range rows {
		var want, got []string
		for _, name := range strings.Split(row[2], ", ") {
			if name != "std" {
				want = append(want, "rdip/"+name)
			}
		}
		for _, name := range allowed[row[1]] {
			if name = strings.TrimSuffix(name, "$"); name != "rdip/internal" && name != "rdip/"+row[1] {
				got = append(got, name)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if _, ruled := allowed[row[1]]; !ruled {
			t.Errorf("%s has no rule in .golangci.yml", row[1])
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: the table (-) and the rule (+) differ:\n%s", row[1], d)
		}
	}
	if len(rows) < 2 || len(rows) != len(allowed) {
		t.Errorf("%d rows of the table, %d rules", len(rows), len(allowed))
	}
}
