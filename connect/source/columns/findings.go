package columns

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
	"rdip/schema"
)

// Unmatched are the expressions of the configuration that match no column of the tables, each with its key. A nil Reshape
// has none.
func (r *Reshape) Unmatched(tables []*schema.Table) []fault.Finding {
	if r == nil {
		return nil
	}
	var out []fault.Finding
	seek := func(key string, one func(name string) int, sources []string, names func(t *schema.Table, c *schema.Column) string) {
		used := make([]bool, len(sources))
		var known []string
		for _, t := range tables {
			for i := range t.Columns {
				name := names(t, &t.Columns[i])
				known = append(known, name)
				if at := one(name); at >= 0 {
					used[at] = true
				}
			}
		}
		for i, ok := range used {
			if !ok {
				out = append(out, unmatched(key, sources[i], known))
			}
		}
	}
	seek("column.include.list", r.include.Index, r.include.Sources(), columnName)
	seek("column.exclude.list", r.exclude.Index, r.exclude.Sources(), columnName)
	for i := range r.rules {
		seek(r.rules[i].key, r.rules[i].columns.Index, r.rules[i].columns.Sources(), columnName)
	}
	for _, k := range r.keys {
		for _, p := range k.columns {
			seek("message.key.columns", p.Index, p.Sources(), columnName)
		}
	}
	seek("column.propagate.source.type", r.ofColumns.Index, r.ofColumns.Sources(), columnName)
	seek("datatype.propagate.source.type", r.ofTypes.Index, r.ofTypes.Sources(), func(t *schema.Table, c *schema.Column) string {
		return tableName(t) + "." + c.TypeName
	})
	return out
}

// unmatched is a warning: a mask that was meant for a column and does not match it lets personal data through. It is no
// error, since the table may be one that comes later.
func unmatched(key, expression string, known []string) fault.Finding {
	f := fault.Finding{Severity: fault.Warning, Kind: fault.Configuration, Where: key,
		Seen: fmt.Sprintf("the expression %s matches no captured column that an earlier one does not", expression),
		Need: "expressions that match the whole of schema.table.column"}
	if near := configs.Nearest(strings.ReplaceAll(expression, `\`, ""), known); near != "" && near != expression {
		f.Need += "; the nearest is " + near
		f.Fix = "write " + regexp.QuoteMeta(near)
	}
	return f
}

// InKeys says which columns are left out or disguised in the row, and are in the key as they are. A nil Reshape has
// none.
func (r *Reshape) InKeys(tables []*schema.Table) []fault.Finding {
	if r == nil {
		return nil
	}
	var out []fault.Finding
	for _, t := range tables {
		shown, err := r.Table(t)
		if err != nil {
			continue
		}
		for i, k := range shown.Key {
			name := columnName(t, &t.Columns[k])
			rule, _ := r.ruleOf(t, &t.Columns[k])
			hidden := shown.Columns[k].Omitted || r.debezium && rule != nil
			if !hidden || shown.KeyField(i).Omitted || slices.ContainsFunc(out, func(f fault.Finding) bool { return f.Where == "column "+name }) {
				continue
			}
			out = append(out, fault.Finding{Severity: fault.Warning, Kind: fault.Configuration, Where: "column " + name,
				Seen: "it is left out or masked, and is in the table's key as it is, as Debezium has it", Need: "a key without it where its values must not reach Kafka",
				Fix: "message.key.columns: " + tableName(t) + ":COLUMN"})
		}
	}
	return out
}
