package columns

import (
	"slices"

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
	var columns, types []string
	for _, t := range tables {
		for i := range t.Columns {
			columns = append(columns, columnName(t, &t.Columns[i]))
			types = append(types, tableName(t)+"."+t.Columns[i].TypeName)
		}
	}
	var out []fault.Finding
	seek := func(key string, p configs.Patterns) {
		out = append(out, p.Unmatched(key, "schema.table.column", columns)...)
	}
	seek("column.include.list", r.include)
	seek("column.exclude.list", r.exclude)
	for i := range r.rules {
		seek(r.rules[i].key, r.rules[i].columns)
	}
	for _, k := range r.keys {
		for _, p := range k.columns {
			seek("message.key.columns", p)
		}
	}
	seek("column.propagate.source.type", r.ofColumns)
	return append(out, r.ofTypes.Unmatched("datatype.propagate.source.type", "schema.table.type", types)...)
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
