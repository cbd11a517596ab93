package integration

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"rdip/envelope/decode"
	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
)

// wide is a table with a column a typeRow, c0 and so on beside its key.
type wide struct {
	prefix string
	read   wire // its row from the snapshot
	made   wire // the same row, deleted and inserted again while rdip runs
	change decode.Change
}

// captureWide runs rdip on the wide table, with Debezium's defaults for every type.
func captureWide(t *testing.T, version int, prefix, compatibility string, rows []typeRow) wide {
	t.Helper()
	return captureModes(t, testenv.SharedPostgres(t, version), typesSQL, prefix, rows, "compatibility", compatibility)
}

// captureModes runs rdip on the wide table: its row from the snapshot, then deleted and inserted again. options are
// keys of the connector and their values.
func captureModes(t *testing.T, pg *pgserver.Server, types, prefix string, rows []typeRow, options ...string) wide {
	t.Helper()
	kafka, registry := testenv.SharedKafka(t), testenv.SharedRegistry(t)
	database := testenv.Database(t, pg)
	execute(t, pg, database, types)
	execute(t, pg, database, wideTable(rows))
	insert := wideRow(rows)
	execute(t, pg, database, insert)
	s := harness.NewSetup(t, pg, database, kafka.Bootstrap(), registry.URL(), prefix).With("connectors.shop.extended.headers.enabled", "false")
	for i := 0; i < len(options); i += 2 {
		s = s.With("connectors.shop."+options[i], options[i+1])
	}
	unsettle(t, pg, database)
	run := s.Start(t)
	run.WaitFor(t, "state=streaming")
	execute(t, pg, database, "DELETE FROM wide; "+insert)
	schemas := &harness.RegistrySchemas{URL: registry.URL(), ByID: map[int32]string{}}
	records := await(t, kafka, schemas, prefix+".public.wide", 4) // r, d, its tombstone, c
	if code := run.Stop(t); code != 0 {
		t.Fatalf("rdip ended with exit code %d", code)
	}
	w := wide{prefix: prefix, read: records[0], made: records[3]}
	key, value := native(t, w.read.Key, w.read.KeySchema), native(t, w.read.Value, w.read.ValueSchema)
	w.change, _ = decode.ChangeOf(&key, &value, nil)
	return w
}

// checkAgreement compares the row that the snapshot wrote with the one of the stream, and wants no null in it.
func checkAgreement(t *testing.T, w wide, rows []typeRow) {
	t.Helper()
	if w.read.ValueSchema != w.made.ValueSchema {
		t.Errorf("the schemas differ:\n%s\n%s", w.read.ValueSchema, w.made.ValueSchema)
	}
	if !bytes.Equal(w.read.Key, w.made.Key) {
		t.Errorf("the keys differ: %x and %x", w.read.Key, w.made.Key)
	}
	if read, made := afterBytes(t, w.read), afterBytes(t, w.made); !bytes.Equal(read, made) {
		t.Errorf("the rows differ in %s", differing(t, w, rows))
	}
	for _, c := range w.change.After {
		if c.Value.IsNull() {
			t.Errorf("column %s is null", c.Name)
		}
	}
}

// unsettle gives the database settings under which values are written in other ways (P29).
func unsettle(t *testing.T, pg *pgserver.Server, database string) {
	t.Helper()
	for _, setting := range []string{"DateStyle = 'German, DMY'", "IntervalStyle = 'sql_standard'", "TimeZone = 'Asia/Kathmandu'", "extra_float_digits = -3", "bytea_output = 'escape'"} {
		execute(t, pg, database, fmt.Sprintf("ALTER DATABASE %q SET %s", database, setting))
	}
}

func wideTable(rows []typeRow) string {
	columns := make([]string, len(rows))
	for i, r := range rows {
		columns[i] = fmt.Sprintf("c%d %s", i, r.sql)
	}
	return "CREATE TABLE wide (id int PRIMARY KEY, " + strings.Join(columns, ", ") + ")"
}

func wideRow(rows []typeRow) string {
	values := make([]string, len(rows))
	for i, r := range rows {
		values[i] = r.literal
	}
	return "SET TimeZone = 'UTC'; SET DateStyle = ISO; INSERT INTO wide VALUES (1, " + strings.Join(values, ", ") + ")"
}

// G10, P25 to P30
func TestSnapshotAndStreamRenderOneRowToTheSameBytes(t *testing.T) {
	rows := append(append([]typeRow(nil), documented...), extremes...)
	for _, version := range []int{15, 18} {
		for _, compatibility := range []string{"rdip", "debezium"} {
			t.Run(fmt.Sprintf("PostgreSQL %d, compatibility %s", version, compatibility), func(t *testing.T) {
				rows := rows
				if compatibility == "debezium" {
					rows = flattened(rows)
				}
				w := captureWide(t, version, fmt.Sprintf("wide_%s%d", compatibility, version), compatibility, rows)
				checkAgreement(t, w, rows)
				if compatibility == "rdip" && len(w.change.After) != len(rows)+1 {
					t.Errorf("the row has %d columns, the table %d", len(w.change.After), len(rows)+1)
				}
			})
		}
	}
}

// differing names the columns that snapshot and stream wrote differently.
func differing(t *testing.T, w wide, rows []typeRow) string {
	t.Helper()
	key, value := native(t, w.made.Key, w.made.KeySchema), native(t, w.made.Value, w.made.ValueSchema)
	made, _ := decode.ChangeOf(&key, &value, nil)
	var out []string
	for i, c := range w.change.After {
		if !c.Value.Equal(&made.After[i].Value) {
			name := c.Name
			if i > 0 && len(w.change.After) == len(rows)+1 {
				name = rows[i-1].sql
			}
			out = append(out, fmt.Sprintf("%s: r %s, c %s", name, c.Value.Text(), made.After[i].Value.Text()))
		}
	}
	return strings.Join(out, "\n")
}
