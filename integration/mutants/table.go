package mutants

import (
	"fmt"
	"slices"
	"strings"
)

// row is a mutant's line of the table.
type row struct {
	mutant *Mutant
	got    *outcome
}

// table is Markdown.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| mutant | planted in | scenario | seed | caught by | seconds |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		var files []string
		for _, e := range r.mutant.Edits {
			files = append(files, "`"+e.File+"`")
		}
		files = slices.Compact(files)
		by, seed, seconds := "**nobody**", "", ""
		if r.got != nil {
			seed, seconds = r.got.seed, r.got.seconds
		}
		if r.got.catches(r.mutant) {
			by = strings.Join(r.got.judges, ", ")
		}
		fmt.Fprintf(&b, "| %s: %s | %s | %s | %s | %s | %s |\n", r.mutant.Name, r.mutant.Says, strings.Join(files, ", "), r.mutant.Scenario, seed, by, seconds)
	}
	return b.String()
}
