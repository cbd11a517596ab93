package integration

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/integration/testenv"
)

const (
	catalogBegin = "<!-- catalog, made by: go test ./integration -run TestTypesDocument -update -->\n"
	catalogEnd   = "<!-- end of catalog -->\n"
)

// unlistedSQL are the base, range and multirange types of the server's own catalog that are none of those given, without
// arrays, which are as their items.
const unlistedSQL = `
SELECT 'pg_catalog.' || quote_ident(t.typname) FROM pg_type t
WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r', 'm') AND t.oid <> ALL ($1::text[]::regtype[]::oid[])
AND NOT EXISTS (SELECT FROM pg_type item WHERE item.typarray = t.oid)
ORDER BY t.typname`

// docs/TYPES.md has every type of the catalog: an example of it, or its name among those that are text.
func TestTypesDocumentListsEveryTypeOfTheCatalog(t *testing.T) {
	names := unlisted(t)
	rows := make([]typeRow, len(names))
	for i, name := range names {
		rows[i] = typeRow{name, "NULL"}
	}
	w := captureWide(t, 18, "types_catalog", "rdip", rows)
	columns := rowFields(t, w.read.ValueSchema)[1:]
	var listed []string
	for i, name := range names {
		if avro, meaning := describe(t, columns[i].Type); avro != "string" || meaning != "" {
			t.Errorf("%s is %s %s, and docs/TYPES.md has no example of it", name, avro, meaning)
		}
		listed = append(listed, cell(strings.TrimPrefix(name, "pg_catalog.")))
	}
	replaceGenerated(t, typesFile, "TestTypesDocument", catalogBegin, catalogEnd, strings.Join(listed, ", ")+".\n")
}

// unlisted are the types of the catalog without a documented example.
func unlisted(t *testing.T) []string {
	t.Helper()
	pg := testenv.SharedPostgres(t, 18)
	database := testenv.Database(t, pg)
	execute(t, pg, database, typesSQL)
	conn, err := pg.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	examples := make([]string, len(documented))
	for i, r := range documented {
		examples[i] = r.sql
	}
	found, err := conn.Query(t.Context(), unlistedSQL, examples)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil || len(names) == 0 {
		t.Fatalf("%d types without an example: %v", len(names), err)
	}
	return names
}
