package postgres

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"rdip/configs"
	"rdip/envelope"
	"rdip/integration/testenv"
	"rdip/integration/testenv/pgserver"
	"rdip/readers/postgres/types"
	"rdip/schema"
)

// goldenFolder is what Debezium wrote; its README says how.
const goldenFolder = "../../integration/testdata/golden"

// goldenTables are the tables of its setup.sql that had a snapshot.
var goldenTables = []string{
	"public.t_int", "public.t_num", "public.t_text", "public.t_bool_bytes", "public.t_time", "public.t_misc", "public.t_arr",
	"public.t_defaults", "public.t_composite", "public.t_nokey", "public.t_full", "public.t_change", "public.t_toast",
	"public.t_trunc", "other.t_sch",
}

// goldenRecord is a line of its records.
type goldenRecord struct {
	Value struct {
		Hex  string `json:"hex"`
		Avro struct {
			Op     string       `json:"op"`
			Source goldenSource `json:"source"`
		} `json:"avro_json"`
	} `json:"value"`
}

type goldenSource struct {
	Micros   map[string]int64  `json:"ts_us"`
	Snapshot map[string]string `json:"snapshot"`
	TxID     map[string]uint64 `json:"txId"`
	LSN      map[string]uint64 `json:"lsn"`
	Sequence map[string]string `json:"sequence"`
}

func readGolden(t *testing.T, topic string) []goldenRecord {
	t.Helper()
	file, err := os.Open(filepath.Join(goldenFolder, "records", topic+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out []goldenRecord
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var r goldenRecord
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// event is the golden source block's facts as a reader hands them over.
func (s goldenSource) event(t *testing.T) (*envelope.Transaction, *envelope.Event) {
	t.Helper()
	var sequence []*string
	if err := json.Unmarshal([]byte(s.Sequence["string"]), &sequence); err != nil {
		t.Fatal(err)
	}
	tx := &envelope.Transaction{ID: s.TxID["long"], Micros: s.Micros["long"]}
	if sequence[0] != nil {
		previous, err := strconv.ParseUint(*sequence[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		tx.Previous = previous
	}
	for mark := envelope.Streamed; mark <= envelope.Incremental; mark++ {
		if mark.String() == s.Snapshot["string"] {
			return tx, &envelope.Event{Mark: mark, Place: s.LSN["long"]}
		}
	}
	t.Fatalf("snapshot mark %q is not one of Debezium's", s.Snapshot["string"])
	return nil, nil
}

// goldenConfig is the connector that wrote the golden records.
func goldenConfig() *Config {
	return &Config{Prefix: "zoo", Version: "3.6.3.Final", Database: "golden_open", Debezium: true}
}

// pinned opens a session with the connector's settings.
func pinned(t testing.TB, server *pgserver.Server, database string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(server.DSN(pgserver.Superuser, database))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range sessionSettings {
		config.RuntimeParams[key] = value
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func execFile(t testing.TB, server *pgserver.Server, database, path string) {
	t.Helper()
	script, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Exec(t.Context(), database, string(script)); err != nil {
		t.Fatal(err)
	}
}

// wireRows is a table's rows in their physical order, as COPY and pgoutput would send their columns.
func wireRows(t testing.TB, conn *pgx.Conn, tab *schema.Table) []envelope.Row {
	t.Helper()
	names := make([]string, len(tab.Columns))
	for i := range tab.Columns {
		names[i] = pgx.Identifier{tab.Columns[i].Name}.Sanitize()
	}
	rows, err := conn.Query(t.Context(), "SELECT "+strings.Join(names, ",")+" FROM "+pgx.Identifier{tab.Schema, tab.Name}.Sanitize()+" ORDER BY ctid",
		pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []envelope.Row
	for rows.Next() {
		row := make(envelope.Row, len(names))
		for i, raw := range rows.RawValues() {
			if raw != nil {
				row[i] = envelope.Value{Wire: bytes.Clone(raw), State: envelope.Present}
			}
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// appendRow appends a row as Debezium writes it: a null where there is a default is the default.
func appendRow(t testing.TB, dst []byte, l *envelope.Layout, row envelope.Row) []byte {
	t.Helper()
	for i := range l.Table.Columns {
		col := &l.Table.Columns[i]
		value, null := byte(envelope.UnionValue), byte(envelope.UnionNull)
		if col.Default != nil {
			value, null = null, value
		}
		switch {
		case col.Omitted:
			continue
		case row[i].State == envelope.Null && col.Default != nil:
			dst = append(append(dst, value), col.DefaultValue...)
			continue
		case row[i].State == envelope.Null:
			dst = append(dst, null)
			continue
		case col.Nullable:
			dst = append(dst, value)
		}
		var err error
		if dst, err = l.Columns[i](dst, row[i].Wire); err != nil {
			t.Fatalf("%s.%s: %v", l.Table.ID(), col.Name, err)
		}
	}
	return dst
}

// catalogOn is a catalog of the database that conn is of, whatever the configuration calls it.
func catalogOn(cfg *Config, conn *pgx.Conn) *catalog {
	c, to, there := newCatalog(cfg, conn), *cfg, conn.Config()
	to.Hostname, to.Port, to.Database, to.User = there.Host, int(there.Port), there.Database, there.User
	c.types = types.NewCatalog(&cfg.Types, cfg.Debezium, conn, to.moneyDigits)
	return c
}

func layoutsOf(t testing.TB, cfg *Config, conn *pgx.Conn) map[string]*envelope.Layout {
	t.Helper()
	c := catalogOn(cfg, conn)
	tables, err := c.tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	layouts := map[string]*envelope.Layout{}
	for _, tab := range tables {
		l, err := c.layout(t.Context(), tab.relation())
		if err != nil {
			t.Fatal(err)
		}
		layouts[tab.ID()] = l
	}
	return layouts
}

// G10, P8, P25 to P30
func TestRowsAndSourceBlocksHaveTheBytesThatDebeziumWrote(t *testing.T) {
	for _, version := range []int{15, 18} {
		t.Run("PostgreSQL "+strconv.Itoa(version), func(t *testing.T) {
			server := testenv.SharedPostgres(t, version)
			database := testenv.Database(t, server)
			execFile(t, server, database, filepath.Join(goldenFolder, "setup.sql"))
			conn := pinned(t, server, database)
			layouts := layoutsOf(t, goldenConfig(), conn)
			for _, id := range goldenTables {
				compareWithGolden(t, conn, id, layouts[id])
			}
		})
	}
}

func compareWithGolden(t *testing.T, conn *pgx.Conn, id string, l *envelope.Layout) {
	if l == nil {
		t.Errorf("%s has no layout", id)
		return
	}
	rows := wireRows(t, conn, l.Table)
	if len(rows) == 0 {
		t.Errorf("%s has no rows", id)
	}
	records := readGolden(t, "zoo."+id)
	for i, row := range rows {
		payload, err := hex.DecodeString(records[i].Value.Hex)
		if err != nil || records[i].Value.Avro.Op != "r" {
			t.Fatalf("%s: golden record %d is not of the snapshot: %v", id, i, err)
		}
		want := appendRow(t, []byte{envelope.UnionNull, envelope.UnionValue}, l, row)
		tx, event := records[i].Value.Avro.Source.event(t)
		want = l.Source(want, tx, event)
		if got := payload[5:min(5+len(want), len(payload))]; !bytes.Equal(want, got) {
			t.Errorf("%s row %d:\n  ours     %x\n  Debezium %x", id, i, want, got)
		}
	}
	for _, record := range records { // the stream's source blocks too
		if record.Value.Hex == "" {
			continue
		}
		payload, _ := hex.DecodeString(record.Value.Hex)
		tx, event := record.Value.Avro.Source.event(t)
		if block := l.Source(nil, tx, event); !bytes.Contains(payload, block) {
			t.Errorf("%s: the source block %x is not in %x", id, block, payload)
		}
	}
}

func TestSchemasAreThoseThatDebeziumRegistered(t *testing.T) {
	server := testenv.SharedPostgres(t, 15)
	database := testenv.Database(t, server)
	execFile(t, server, database, filepath.Join(goldenFolder, "setup.sql"))
	layouts := layoutsOf(t, goldenConfig(), pinned(t, server, database))
	for _, id := range goldenTables {
		l := layouts[id]
		sameSchema(t, "zoo."+id+"-value", schema.ValueSchema("zoo."+id, l.Table, l.SourceSchema))
		if l.Table.HasKey() {
			sameSchema(t, "zoo."+id+"-key", schema.KeySchema("zoo."+id, l.Table))
		} else if id != "public.t_nokey" {
			t.Errorf("%s has no key", id)
		}
	}
}

func sameSchema(t *testing.T, subject, ours string) {
	t.Helper()
	path := filepath.Join(goldenFolder, "schemas", subject+".avsc")
	golden, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		golden, err = os.ReadFile(strings.TrimSuffix(path, ".avsc") + ".v1.avsc")
	}
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := json.Unmarshal(golden, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(ours), &got); err != nil {
		t.Fatalf("%s: %v in %s", subject, err, ours)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%s:\n  ours     %s\n  Debezium %s", subject, ours, golden)
	}
}

// Tests of filters need patterns as a configuration has them.
func patterns(t testing.TB, text string) configs.Patterns {
	t.Helper()
	p, err := configs.ParsePatterns(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
