package reliability

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const (
	document    = "../../docs/RELIABILITY.md"
	faultsBegin = "<!-- faults, made by: RDIP_UPDATE=1 go test ./integration/reliability -run TestTheDocument -->\n"
	faultsEnd   = "<!-- end of faults -->\n"
)

// docs/RELIABILITY.md has every fault, with what it proves and what it does not. RDIP_UPDATE=1 writes the table.
func TestTheDocumentHasEveryFault(t *testing.T) {
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(raw), faultsBegin)
	had, tail, closed := strings.Cut(rest, faultsEnd)
	if !ok || !closed {
		t.Fatalf("%s has no table between %q and %q", document, faultsBegin, faultsEnd)
	}
	want := faultsTable()
	switch {
	case had == want:
	case os.Getenv("RDIP_UPDATE") == "1":
		if err := os.WriteFile(document, []byte(head+faultsBegin+want+faultsEnd+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table of faults in %s is not the one of the tests; it is made by RDIP_UPDATE=1", document)
	}
}

func faultsTable() string {
	var b strings.Builder
	b.WriteString("| fault | held to | in `make test` | proves | does not |\n| --- | --- | --- | --- | --- |\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, f := range faults() {
		modes := make([]string, len(f.modes))
		for i, m := range f.modes {
			modes[i] = m.Name
		}
		short := ""
		if f.short {
			short = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", cell.Replace(f.name), strings.Join(modes, ", "), short, cell.Replace(f.proves), cell.Replace(f.not))
	}
	return b.String()
}
