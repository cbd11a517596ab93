package postgres

import "rdip/configs"

// filter says which tables are captured. Its rules are Debezium's (RelationalTableFilters,
// Selectors.TableSelectionPredicateBuilder, Predicates.includes): a list of expressions matches a whole
// name, letter case ignored; an include list makes its exclude list moot; a table's name is schema.table;
// schemas are judged first, and the server's own are never captured.
type filter struct {
	schemas selection
	tables  selection
}

func newFilter(c *Config) *filter {
	return &filter{
		schemas: selection{c.SchemaInclude, c.SchemaExclude},
		tables:  selection{c.TableInclude, c.TableExclude},
	}
}

// captured says whether the table is chosen.
func (f *filter) captured(schema, table string) bool {
	return !isSystemSchema(schema) && f.schemas.chooses(schema) && f.tables.chooses(schema+"."+table)
}

// selection is a pair of lists, of which at most one counts.
type selection struct{ include, exclude configs.Patterns }

func (s selection) chooses(name string) bool {
	if !s.include.IsEmpty() {
		return s.include.Match(name)
	}
	return !s.exclude.Match(name)
}

// isSystemSchema covers the catalog, the temporary and TOAST schemas, all of which begin with pg_, a prefix
// that the server reserves (IsReservedName in catalog.c).
func isSystemSchema(schema string) bool {
	return schema == "information_schema" || len(schema) >= 3 && schema[:3] == "pg_"
}
