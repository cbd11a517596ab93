package postgres

import "testing"

// The rules are Debezium's RelationalTableFilters and Predicates.includes.
func TestTablesAreChosenAsDebeziumChoosesThem(t *testing.T) {
	cases := []struct {
		name                             string
		schemas, notSchemas, tables, not string
		schema, table                    string
		want                             bool
	}{
		{name: "without lists everything is", schema: "public", table: "t", want: true},
		{name: "the catalog never is", tables: ".*", schema: "pg_catalog", table: "pg_class"},
		{name: "nor is information_schema", tables: ".*", schema: "information_schema", table: "sql_features"},
		{name: "nor is another's temporary table", schema: "pg_temp_3", table: "t"},
		{name: "nor are the reference systems of PostGIS", tables: ".*", schema: "public", table: "spatial_ref_sys"},
		{name: "the whole name must match", tables: "public.ord", schema: "public", table: "orders"},
		{name: "an expression matches", tables: `public\.ord.*`, schema: "public", table: "orders", want: true},
		{name: "a bare dot is any character", tables: "public.t", schema: "public_", table: "t"},
		{name: "letter case is ignored", tables: "PUBLIC.Orders", schema: "public", table: "ORDERS", want: true},
		{name: "one of several is enough", tables: `a\.x, b\.y`, schema: "b", table: "y", want: true},
		{name: "a schema left out wins over its table", notSchemas: "audit", tables: `audit\.t`, schema: "audit", table: "t"},
		{name: "a schema not in the list", schemas: "a,b", schema: "c", table: "t"},
		{name: "a schema in the list", schemas: "a,b", schema: "b", table: "t", want: true},
		{name: "an excluded table", not: `.*\.tmp_.*`, schema: "public", table: "tmp_1"},
		{name: "beside an excluded table", not: `.*\.tmp_.*`, schema: "public", table: "t", want: true},
		{name: "a dot in a name is part of it", tables: `my\.schema\.t`, schema: "my.schema", table: "t", want: true},
		{name: "a name with an accent", tables: `public\.été`, schema: "public", table: "Été", want: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newFilter(&Config{
				SchemaInclude: patterns(t, c.schemas), SchemaExclude: patterns(t, c.notSchemas),
				TableInclude: patterns(t, c.tables), TableExclude: patterns(t, c.not),
			})
			if got := f.captured(c.schema, c.table); got != c.want {
				t.Errorf("%s.%s: %v", c.schema, c.table, got)
			}
		})
	}
}
