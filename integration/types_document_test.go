package integration

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"rdip/envelope/decode"
)

var update = flag.Bool("update", false, "write the generated part of docs/TYPES.md in place of comparing it")

const (
	typesFile  = "../docs/TYPES.md"
	typesBegin = "<!-- made by: go test ./integration -run TestTypesDocument -update -->\n"
	typesEnd   = "<!-- end of what is made -->\n"
)

// docs/TYPES.md shows what a real server's rows became in real topics.
func TestTypesDocumentIsWhatRowsBecome(t *testing.T) {
	ours := captureWide(t, 18, "types_rdip", "rdip", documented)
	theirs := captureWide(t, 18, "types_debezium", "debezium", documented)
	table := typesMarkdown(t, ours, theirs)
	page, err := os.ReadFile(typesFile)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), typesBegin)
	_, tail, ok2 := strings.Cut(rest, typesEnd)
	if !ok || !ok2 {
		t.Fatalf("%s lacks the lines %q and %q", typesFile, typesBegin, typesEnd)
	}
	want := head + typesBegin + table + typesEnd + tail
	if want == string(page) {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the code does; go test ./integration -run TestTypesDocument -update writes:\n%s", typesFile, table)
	}
	if err := os.WriteFile(typesFile, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func typesMarkdown(t *testing.T, ours, theirs wide) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| PostgreSQL | Avro | semantic type | example | in the record |\n| --- | --- | --- | --- | --- |\n")
	columns := rowFields(t, ours.read.ValueSchema)[1:] // without the key
	kept := rowFields(t, theirs.read.ValueSchema)
	for i, r := range documented {
		avro, meaning := describe(t, columns[i].Type)
		if !slices.ContainsFunc(kept, func(f avroField) bool { return f.Name == columns[i].Name }) {
			avro += " ¹"
		}
		value := ours.change.After[i+1].Value
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", cell(r.sql), avro, meaning, cell(r.literal), cell(string(decode.AppendJSON(nil, &value))))
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
		items, of := describe(t, c.Items)
		return "array of " + items, of
	case c.Precision > 0:
		return avro, fmt.Sprintf("Decimal, precision %d, scale %d", c.Precision, c.Scale)
	case c.Parameters["length"] != "":
		return avro, meaning + ", length " + c.Parameters["length"]
	case c.Parameters["allowed"] != "":
		return avro, meaning + ", allowed " + c.Parameters["allowed"]
	}
	return avro, meaning
}

// cutLast cuts a full name at its last dot; the meaning of a repeated record is its name.
func cutLast(full string) (namespace, name string, ok bool) {
	i := strings.LastIndexByte(full, '.')
	if i < 0 {
		return "", full, false
	}
	return full[:i], strings.TrimPrefix(full, "io.debezium."), true
}
