package postgres

import (
	"fmt"
	"slices"
	"strings"

	"rdip/configs"
	"rdip/internal/fault"
)

// filter says which tables are captured. Its rules are Debezium's (RelationalTableFilters,
// Selectors.TableSelectionPredicateBuilder, Predicates.includes): a list of expressions matches a whole
// name, letter case ignored; an include list makes its exclude list moot; a table's name is schema.table;
// schemas are judged first, and the server's own are never captured.
type filter struct {
	schemas selection
	tables  selection
	signals string // a table that is captured whatever the lists say; "" for none
}

func newFilter(c *Config) *filter {
	return &filter{
		schemas: selection{c.SchemaInclude, c.SchemaExclude},
		tables:  selection{c.TableInclude, c.TableExclude},
		signals: c.SignalTable,
	}
}

// captured says whether the table is chosen.
func (f *filter) captured(schema, table string) bool {
	return !isSystemSchema(schema) && !isSystemTable(table) && (f.chosen(schema, table) || schema+"."+table == f.signals)
}

// chosen says whether the lists choose the table.
func (f *filter) chosen(schema, table string) bool {
	return f.schemas.chooses(schema) && f.tables.chooses(schema+"."+table)
}

// SignalsOnly says whether the signal table is captured for its signals only: the lists do not choose it.
func (c *Config) SignalsOnly() bool {
	schema, table, ok := strings.Cut(c.SignalTable, ".")
	return ok && !newFilter(c).chosen(schema, table)
}

// signalFindings: a signal table that is not there, and what makes it.
func (c *Config) signalFindings(want *captured) []fault.Finding {
	if c.SignalTable == "" || slices.ContainsFunc(want.units, func(u *unit) bool { return u.ID() == c.SignalTable }) {
		return nil
	}
	schema, name, _ := strings.Cut(c.SignalTable, ".")
	return []fault.Finding{{Severity: fault.Warning, Kind: fault.Preflight, Where: "signal.data.collection", Seen: "table " + c.SignalTable + " does not exist, or is not in the log",
		Need: "the table, when the connector starts",
		Fix:  fmt.Sprintf("CREATE TABLE %s (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048))", quoteTable(schema, name))}}
}

// selection is a pair of lists, of which at most one counts.
type selection struct{ include, exclude configs.Patterns }

func (s selection) chooses(name string) bool {
	if !s.include.IsEmpty() {
		return s.include.Match(name)
	}
	return !s.exclude.Match(name)
}

// isSystemTable covers what PostGIS installs among a user's tables: the reference systems, which are the same everywhere
// (PostgresConnectorConfig.SystemTablesPredicate).
func isSystemTable(table string) bool { return table == "spatial_ref_sys" }

// isSystemSchema covers the catalog, the temporary and TOAST schemas, all of which begin with pg_, a prefix
// that the server reserves (IsReservedName in catalog.c).
func isSystemSchema(schema string) bool {
	return schema == "information_schema" || len(schema) >= 3 && schema[:3] == "pg_"
}
