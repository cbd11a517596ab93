package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv/pgserver"
)

// debeziums is a database as a Debezium connector with its defaults leaves it: slot debezium, publication
// dbz_publication of all tables, and topics with what it delivered. rdip with compatibility: debezium stands in for
// it, since it writes the same bytes (TestRecordsAreByteForByteWhatDebeziumWrote); its state folder is not used again.
func debeziums(t *testing.T) *harness.Pipeline {
	t.Helper()
	p := harness.NewPipeline(t, 18)
	p.Exec(t, "CREATE TABLE items (id int PRIMARY KEY, note text)", "INSERT INTO items VALUES (0, 'in the snapshot')",
		"CREATE PUBLICATION dbz_publication FOR ALL TABLES")
	stand := p.Configured("connectors.shop.slot.name", "debezium", "connectors.shop.publication.name", "dbz_publication",
		"connectors.shop.publication.autocreate.mode", "all_tables", "connectors.shop.compatibility", "debezium", "connectors.shop.heartbeat.interval.ms", "0")
	d := stand.Streaming(t)
	p.Exec(t, "INSERT INTO items VALUES (1, 'delivered')")
	stand.MustHold(t, 1, false)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Fatalf("exit code %d", code)
	}
	return p
}

// imported is the configuration that rdip import makes of the connector's JSON and the worker's properties.
func imported(p *harness.Pipeline, t *testing.T) string {
	t.Helper()
	host, port := harness.Address(t, p.PG)
	config := map[string]any{"name": "inventory", "config": map[string]any{
		"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": 1, "plugin.name": "pgoutput",
		"database.hostname": host, "database.port": port, "database.user": pgserver.Superuser, "database.password": "unused", "database.dbname": p.Database,
		"topic.prefix": p.Prefix, "table.include.list": `public\.items`, "max.batch.size": "4096", "heartbeat.interval.ms": "0",
	}}
	body, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"connector.json": string(body), "worker.properties": fmt.Sprintf("bootstrap.servers=%s\ngroup.id=connect\n"+
		"key.converter=io.confluent.connect.avro.AvroConverter\nkey.converter.schema.registry.url=%[2]s\n"+
		"value.converter=io.confluent.connect.avro.AvroConverter\nvalue.converter.schema.registry.url=%[2]s\n", p.Kafka.Bootstrap(), p.Registry)} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := p.Command(t, harness.ExitDone, "import", in("connector.json"), "--worker", in("worker.properties"), "--state-dir", in("state"), "-o", in("rdip.yaml"))
	for _, step := range []string{"RDIP_INVENTORY_DATABASE_PASSWORD", "rdip check", "slot_name = 'debezium'", "rdip offsets set inventory --lsn LSN", "rdip run"} {
		if !strings.Contains(said, step) {
			t.Errorf("rdip import does not say %q:\n%s", step, said)
		}
	}
	f, err := os.OpenFile(in("rdip.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("\nrest.listeners: 127.0.0.1:0\n") // another daemon may have the default
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return in("rdip.yaml")
}

// From Debezium to rdip without a snapshot: what Debezium had confirmed is not written again, and what it had not is,
// into the same topics and under the same schemas. A transaction that was confirmed in part comes whole.
func TestRdipGoesOnWhereDebeziumStood(t *testing.T) {
	for name, c := range map[string]struct {
		confirmed string // the row in whose note is the place that was confirmed
		want      []string
	}{
		"between transactions":                     {"2", []string{"c key{id=3}", "c key{id=4}", "u key{id=0}"}},
		"in the middle of a transaction's changes": {"4", []string{"c key{id=3}", "c key{id=4}", "u key{id=0}"}},
		"everything": {"9", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("RDIP_INVENTORY_DATABASE_PASSWORD", "unused")
			p := debeziums(t)
			const place = "pg_current_wal_insert_lsn()::text"
			p.Exec(t, "CREATE TABLE places (id int PRIMARY KEY, place text)", // not captured by table.include.list
				"INSERT INTO items VALUES (2, 'delivered too')", "INSERT INTO places VALUES (2, "+place+")",
				"BEGIN; INSERT INTO items VALUES (3, 'x'); INSERT INTO places VALUES (4, "+place+"); INSERT INTO items VALUES (4, 'x'); COMMIT",
				"UPDATE items SET note = 'y' WHERE id = 0", "INSERT INTO places VALUES (9, "+place+")")
			p.Exec(t, "SELECT pg_replication_slot_advance('debezium', (SELECT place::pg_lsn FROM places WHERE id = "+c.confirmed+"))")

			file := imported(p, t)
			p.Command(t, harness.ExitDone, "check", file)
			lsn := p.Query(t, "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = 'debezium'")
			p.Command(t, harness.ExitDone, "offsets", "set", "inventory", "--lsn", lsn, "--config", file)
			d := p.StartFile(t, file)
			d.WaitFor(t, "state=streaming")
			p.Exec(t, "INSERT INTO items VALUES (5, 'new')")

			const before = 2 // of Debezium: rows 0 and 1
			schemas := &harness.RegistrySchemas{URL: p.Registry, ByID: map[int32]string{}}
			want := append(slices.Clone(c.want), "c key{id=5}")
			records := await(t, p.Kafka, schemas, p.Prefix+".public.items", before+len(want))
			var got []string
			for _, text := range lines(t, records)[before:] {
				head, _, _ := strings.Cut(text, " after{")
				got = append(got, head)
			}
			if !slices.Equal(got, want) {
				t.Errorf("records\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
			if len(schemas.ByID) != 2 {
				t.Errorf("the topic has %d schemas, not the key's and the value's of before", len(schemas.ByID))
			}
			if said := p.Command(t, harness.ExitDone, "offsets", "show", "inventory", "--config", file, "--url", d.REST(t)); !strings.Contains(said, "lsn") {
				t.Errorf("rdip offsets show: %s", said)
			}
			if code := d.Stop(t); code != harness.ExitDone || strings.Contains(d.Out.String(), "state=snapshot") {
				t.Errorf("exit code %d, or a snapshot was taken:\n%s", code, d.Out.String())
			}
		})
	}
}
