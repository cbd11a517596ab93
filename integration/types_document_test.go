package integration

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rdip/envelope/decode"
	"rdip/integration/testenv"
)

var update = flag.Bool("update", false, "write the generated parts of docs/TYPES.md and docs/RELIABILITY.md in place of comparing them")

const (
	typesFile  = "../docs/TYPES.md"
	typesBegin = "<!-- made by: go test ./integration -run TestTypesDocument -update -->\n"
	typesEnd   = "<!-- end of what is made -->\n"

	extensionsBegin = "<!-- extensions, made by: go test ./integration -run TestTypesDocument -update -->\n"
	extensionsEnd   = "<!-- end of extensions -->\n"

	modesBegin = "<!-- modes, made by: go test ./integration -run TestTypesDocument -update -->\n"
	modesEnd   = "<!-- end of modes -->\n"
)

// docs/TYPES.md shows what a real server's rows became in real topics.
func TestTypesDocumentIsWhatRowsBecome(t *testing.T) {
	ours, theirs := captureWide(t, 18, "types_rdip", "rdip", documented), captureWide(t, 18, "types_debezium", "debezium", flattened(documented))
	replaceGenerated(t, typesFile, "TestTypesDocument", typesBegin, typesEnd, typesHead+typesTable(t, documented, ours, theirs))
}

// G10: a row is the same from the snapshot and from the stream, the extremes included. P23
func TestTypesDocumentShowsPostGISAndPgvector(t *testing.T) {
	rows := append(slices.Clone(extensions), extremeExtensions...)
	var w [2]wide
	for i, compatibility := range []string{"rdip", "debezium"} {
		w[i] = captureModes(t, testenv.SharedExtensions(t), extensionsSQL, "types_extensions_"+compatibility, rows, "compatibility", compatibility)
		checkAgreement(t, w[i], rows)
	}
	replaceGenerated(t, typesFile, "TestTypesDocument", extensionsBegin, extensionsEnd, typesHead+typesTable(t, extensions, w[0], w[1]))
}

// G10, P25 to P30, in each mode.
func TestTypesDocumentShowsEachMode(t *testing.T) {
	replaceGenerated(t, typesFile, "TestTypesDocument", modesBegin, modesEnd, modesTable(t))
}

const typesHead = "| PostgreSQL | Avro | semantic type | example | in the record |\n| --- | --- | --- | --- | --- |\n"

func typesTable(t *testing.T, rows []typeRow, ours, theirs wide) string {
	t.Helper()
	var b strings.Builder
	columns := rowFields(t, ours.read.ValueSchema)[1:] // without the key
	kept := rowFields(t, theirs.read.ValueSchema)
	for i, r := range rows {
		note := ""
		if !slices.ContainsFunc(kept, func(f avroField) bool { return f.Name == columns[i].Name }) {
			note = " ¹"
		}
		fmt.Fprintf(&b, "| %s |\n", exampleOf(t, r, note, columns[i], ours.change.After[i+1].Value))
	}
	return b.String()
}

// exampleOf is a row of either table: the type, its Avro form and meaning, the example and what it became.
func exampleOf(t *testing.T, r typeRow, note string, column avroField, value decode.Value) string {
	t.Helper()
	avro, meaning := describe(t, column.Type)
	return strings.Join([]string{cell(r.sql), avro + note, meaning, cell(r.literal), cell(string(decode.AppendJSON(nil, &value)))}, " | ")
}

func modesTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| mode | PostgreSQL | Avro | semantic type | example | in the record |\n| --- | --- | --- | --- | --- | --- |\n")
	for i := range modeSets {
		set := &modeSets[i]
		w := captureModes(t, testenv.SharedPostgres(t, 18), typesSQL, fmt.Sprintf("types_modes%d", i), set.all(), set.options...)
		checkAgreement(t, w, set.all())
		columns := rowFields(t, w.read.ValueSchema)[1:]
		for j, r := range set.rows {
			fmt.Fprintf(&b, "| %s | %s |\n", cell(r.mode), exampleOf(t, r.typeRow, "", columns[j], w.change.After[j+1].Value))
		}
	}
	return b.String()
}

// cell is text as code in a table.
func cell(text string) string { return "`" + strings.ReplaceAll(text, "|", `\|`) + "`" }

// describe is a column's Avro type and its meaning, of a nullable column.
func describe(t *testing.T, field json.RawMessage) (avro, meaning string) {
	t.Helper()
	var union []json.RawMessage
	if err := json.Unmarshal(field, &union); err != nil || len(union) != 2 {
		t.Fatalf("%s is no union with null", field)
	}
	return describeType(t, union[1])
}

// connectType is an Avro type with Kafka Connect's properties.
type connectType struct {
	Type       string            `json:"type"`
	Narrow     string            `json:"connect.type"`
	Name       string            `json:"connect.name"`
	Parameters map[string]string `json:"connect.parameters"`
	Items      json.RawMessage   `json:"items"`
	Values     json.RawMessage   `json:"values"`
	Fields     []avroField       `json:"fields"`
	Precision  int               `json:"precision"`
	Scale      int               `json:"scale"`
}

func describeType(t *testing.T, text json.RawMessage) (avro, meaning string) {
	t.Helper()
	var c connectType
	if json.Unmarshal(text, &c.Type) == nil {
		if _, name, named := cutLast(c.Type); named {
			return "record", name // a record that an earlier column has written out
		}
		return c.Type, ""
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	avro, meaning = c.Type, strings.TrimPrefix(c.Name, "io.debezium.")
	if c.Narrow != "" {
		avro += " (" + c.Narrow + ")"
	}
	switch {
	case c.Type == "array":
		items, of := describeItems(t, c.Items)
		return "array of " + items, cmp.Or(meaning, of)
	case c.Type == "map":
		values, _ := describeItems(t, c.Values)
		return "map of " + values, meaning
	case c.Precision > 0:
		return avro, fmt.Sprintf("Decimal, precision %d, scale %d", c.Precision, c.Scale)
	case c.Parameters["length"] != "":
		return avro, meaning + ", length " + c.Parameters["length"]
	case c.Parameters["allowed"] != "":
		return avro, meaning + ", allowed " + c.Parameters["allowed"]
	}
	return avro, meaning
}

// describeItems is the type of an array's items or a map's values, which may be nullable.
func describeItems(t *testing.T, items json.RawMessage) (avro, meaning string) {
	t.Helper()
	if items[0] == '[' {
		return describe(t, items)
	}
	return describeType(t, items)
}

// cutLast cuts a full name at its last dot; the meaning of a repeated record is its name.
func cutLast(full string) (namespace, name string, ok bool) {
	i := strings.LastIndexByte(full, '.')
	if i < 0 {
		return "", full, false
	}
	return full[:i], strings.TrimPrefix(full, "io.debezium."), true
}
