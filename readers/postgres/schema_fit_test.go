package postgres

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/twmb/avro"

	"rdip/envelope"
	"rdip/integration/testenv"
	"rdip/readers/postgres/types"
	"rdip/schema"
)

// typesTable makes a table with a column for each of typeCases and their row in it. Settings are the
// database's, which the connector's session overrides.
func typesTable(t *testing.T, version int, settings ...string) (*envelope.Layout, envelope.Row) {
	t.Helper()
	server := testenv.SharedPostgres(t, version)
	database := testenv.Database(t, server)
	columns, values := make([]string, len(typeCases)), make([]string, len(typeCases))
	for i, c := range typeCases {
		columns[i], values[i] = fmt.Sprintf("c%d %s", i, c.sqlType), c.literal
	}
	scripts := []string{typesSQL, "ALTER TYPE mood ADD VALUE 'so so' BEFORE 'happy'",
		"CREATE TABLE t (" + strings.Join(columns, ",") + "); INSERT INTO t VALUES (" + strings.Join(values, ",") + ")"}
	for _, setting := range settings {
		scripts = append(scripts, "ALTER DATABASE "+database+" SET "+setting)
	}
	for _, sql := range scripts {
		if err := server.Exec(t.Context(), database, sql); err != nil {
			t.Fatal(err)
		}
	}
	conn := pinned(t, server, database)
	l := layoutsOf(t, defaultConfig(), conn)["public.t"]
	return l, wireRows(t, conn, l.Table)[0]
}

// decodeAfter reads a row, already in Avro, as the registered schema has it, in a whole event. The decoder is
// not ours.
func decodeAfter(t *testing.T, l *envelope.Layout, row []byte) map[string]any {
	t.Helper()
	parsed, err := avro.Parse(schema.ValueSchema("p.public.t", l.Table, l.SourceSchema))
	if err != nil {
		t.Fatal(err)
	}
	event := append([]byte{envelope.UnionNull, envelope.UnionValue}, row...)
	event = l.Source(event, &envelope.Transaction{ID: 7, Micros: 1_700_000_000_000_000, Origin: "north", OriginPos: 5}, &envelope.Event{Place: 9})
	event = append(envelope.AppendString(append(event, envelope.UnionNull), "c"), envelope.UnionNull, envelope.UnionNull, envelope.UnionNull)
	var decoded any
	rest, err := parsed.Decode(event, &decoded)
	if err != nil || len(rest) != 0 {
		t.Fatalf("%v, %d bytes left", err, len(rest))
	}
	record := decoded.(map[string]any)
	if source := record["source"].(map[string]any); source["txId"] != int64(7) || source["origin"] != "north" || source["sequence"] != `[null,"9"]` {
		t.Errorf("source %v", source)
	}
	return record["after"].(map[string]any)
}

func TestEveryValueFitsTheSchemaThatIsRegistered(t *testing.T) {
	l, row := typesTable(t, 18)
	after := decodeAfter(t, l, appendRow(t, nil, l, row))
	for i, c := range typeCases {
		text, value := string(row[i].Wire), after[l.Table.Columns[i].Name]
		switch v := value.(type) {
		case *big.Rat:
			if want, ok := new(big.Rat).SetString(strings.NewReplacer("$", "", ",", "").Replace(text)); !ok || v.Cmp(want) != 0 {
				t.Errorf("%s %s reads %s", c.sqlType, text, v)
			}
		case string:
			if l.Table.Columns[i].Type.Name == "" && v != text {
				t.Errorf("%s %s reads %s", c.sqlType, text, v)
			}
		case nil:
			t.Errorf("%s %s reads null", c.sqlType, text)
		}
	}
}

// P4
func TestZerosAndMarkersFitTheSchemaToo(t *testing.T) {
	l, _ := typesTable(t, 18)
	var zeros, markers []byte
	marked := 0
	for i := range l.Table.Columns {
		col := &l.Table.Columns[i]
		zeros = append(append(zeros, envelope.UnionValue), col.Zero...)
		if col.Absent == nil {
			markers = append(markers, envelope.UnionNull)
			continue
		}
		marked++
		markers = append(append(markers, envelope.UnionValue), col.Absent...)
	}
	decodeAfter(t, l, zeros)
	after := decodeAfter(t, l, markers)
	if marked < 40 {
		t.Errorf("only %d columns can be absent", marked)
	}
	for i, c := range typeCases {
		col := l.Table.Columns[i]
		if v, ok := after[col.Name].(string); ok && !strings.Contains(v, types.Unavailable) {
			t.Errorf("an absent %s reads %q", c.sqlType, v)
		}
		if fixed := map[string]bool{"integer": true, "date": true, "timestamptz": true, "interval": true, "uuid": true, "point": true}[c.sqlType]; fixed && col.Absent != nil {
			t.Errorf("a %s is never out of line, and has a marker", c.sqlType)
		}
	}
}

// P28, P29
func TestSettingsOfTheDatabaseChangeNoValue(t *testing.T) {
	l, row := typesTable(t, 18, "DateStyle = 'German, DMY'", "IntervalStyle = 'iso_8601'", "TimeZone = 'Asia/Kolkata'", "extra_float_digits = 0",
		"bytea_output = 'escape'", "xmloption = 'document'", "quote_all_identifiers = on", "search_path = 'ext, public'")
	checkTypes(t, l, row)
}
