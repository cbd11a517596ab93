package configs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rdip/internal/fault"
)

// Unmatched are warnings about expressions that match none of the names, or none that an earlier one does not: a mistyped
// one leaves a table out, or lets personal data through, without a word. It is no error, since what it names may come
// later. Key is the list's; form says what the names are, such as schema.table.
func (p Patterns) Unmatched(key, form string, names []string) []fault.Finding {
	used := make([]bool, len(p.compiled))
	for _, name := range names {
		if at := p.Index(name); at >= 0 {
			used[at] = true
		}
	}
	var out []fault.Finding
	for i, ok := range used {
		if !ok {
			out = append(out, unmatched(key, form, p.sources[i], names))
		}
	}
	return out
}

func unmatched(key, form, expression string, names []string) fault.Finding {
	what := form[strings.LastIndexByte(form, '.')+1:]
	f := fault.Finding{Severity: fault.Warning, Kind: fault.Configuration, Where: key,
		Seen: fmt.Sprintf("the expression %s matches no %s that an earlier one does not", expression, what),
		Need: "expressions that match the whole of " + form}
	meant := strings.ReplaceAll(expression, `\`, "")
	near := nearest(meant, names)
	if i := slices.IndexFunc(names, func(name string) bool { return strings.HasSuffix(name, "."+meant) }); near == "" && i >= 0 {
		near = names[i] // what it lacks is the schema
	}
	if near != "" && near != meant {
		f.Need += "; the nearest is " + near
		f.Fix = "write " + regexp.QuoteMeta(near)
	}
	return f
}
