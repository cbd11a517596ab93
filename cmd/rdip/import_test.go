package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// imported is the file that a translation writes, and what it says to do next.
func imported(t *testing.T, connector, worker string) (x *translation, text, next string) {
	t.Helper()
	c, err := readConnector(connector, "")
	if err != nil {
		t.Fatal(err)
	}
	shared := map[string]string{}
	if worker != "" {
		w, err := readWorker(worker)
		if err != nil {
			t.Fatal(err)
		}
		shared = w.Keys
	}
	x = newTranslation(c.Name, c.Keys, shared)
	var file, todo bytes.Buffer
	x.write(&file, connector, t.TempDir())
	x.next(&todo, "rdip.yaml")
	return x, file.String(), todo.String()
}

func TestAnImportedConnectorIsAConfigurationThatLoads(t *testing.T) {
	x, text, next := imported(t, "testdata/import/inventory.json", "")
	if x.refused != 0 {
		t.Fatalf("%d keys are refused:\n%s", x.refused, text)
	}
	for name := range x.variables {
		t.Setenv(name, "svc:value")
	}
	path := filepath.Join(t.TempDir(), "rdip.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := load(path)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	c := s.connectors[0]
	if c.name != "inventory" || c.postgres.SlotName != "inventory_slot" || c.source.Prefix != "dbserver1" || string(c.source.Compatibility) != "debezium" {
		t.Errorf("the connector is %+v", c)
	}
	if s.registry.URLs != "http://localhost:8081" || !strings.Contains(text, "compression.type: \"lz4\"") {
		t.Errorf("the worker's keys are not at the top:\n%s", text)
	}
	for _, secret := range []string{"hunter2", "s3cret"} {
		if strings.Contains(text+next, secret) {
			t.Errorf("%q was copied", secret)
		}
	}
	for _, want := range []string{"# NO EFFECT: max.queue.size: \"8192\"", "memory.budget", "# NO EFFECT: tasks.max: \"1\""} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	for _, want := range []string{"RDIP_INVENTORY_DATABASE_PASSWORD", "slot_name = 'inventory_slot'", "rdip offsets set inventory --lsn"} {
		if !strings.Contains(next, want) {
			t.Errorf("%q is not among the next steps:\n%s", want, next)
		}
	}
}

func TestWhatCannotBeKeptStandsInTheFileWithItsReason(t *testing.T) {
	x, text, _ := imported(t, "testdata/import/refused.json", "")
	if x.refused != 4 {
		t.Errorf("%d keys are refused, want 4", x.refused)
	}
	for _, want := range []string{
		"# REFUSED: plugin.name: \"decoderbufs\"", "# REFUSED: converters: \"isbn\"",
		"# REFUSED: table.inclde.list: \"public.orders\"", "rename it to table.include.list",
		"# REFUSED: database.initial.statements", "database.password: \"${env:RDIP_SHOP_DATABASE_PASSWORD}\"",
		"slot.name: \"debezium\"", "publication.name: \"dbz_publication\"", "publication.autocreate.mode: \"all_tables\"",
		"# No converter is named here", "database.sslmode", "bootstrap.servers: \"localhost:9092\"",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
}

func TestTheWorkersFileGivesBrokersAndRegistry(t *testing.T) {
	worker := filepath.Join(t.TempDir(), "worker.properties")
	if err := os.WriteFile(worker, []byte("bootstrap.servers=k1:9092,k2:9092\nkey.converter=org.apache.kafka.connect.storage.StringConverter\n"+
		"value.converter=io.confluent.connect.avro.AvroConverter\nvalue.converter.schema.registry.url=http\\://localhost\\:8085\n"+
		"group.id=connect\noffset.storage.topic=offsets\nproducer.linger.ms=5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, text, _ := imported(t, "testdata/import/inventory.json", worker)
	for _, want := range []string{`bootstrap.servers: "k1:9092,k2:9092"`, `linger.ms: "5"`, `# NO EFFECT: group.id`, `offset.storage.topic: "offsets"`, `schema.registry.url: "http://localhost:8081"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
}

// D7: a transactional id is a connector's. Connect's workers have one for all, which Connect itself does not use.
func TestATransactionalIDIsKeptWhereItIsTheConnectorsAlone(t *testing.T) {
	for name, c := range map[string]struct {
		worker, connector string
		want, not         string
	}{
		"of the worker's producers": {"producer.transactional.id=all-of-us\n", "", `# NO EFFECT: producer.transactional.id: "all-of-us"; Connect gives each task`, "\ntransactional.id:"},
		"of the worker":             {"transactional.id=all-of-us\n", "", `# NO EFFECT: producer.transactional.id: "all-of-us"; Connect gives each task`, "\ntransactional.id:"},
		"of the connector":          {"producer.transactional.id=all-of-us\n", `,"producer.override.transactional.id":"mine"`, "\ntransactional.id: \"mine\"\n", "transactional.id: \"all-of-us\"\n"},
		"of nobody":                 {"producer.linger.ms=5\n", "", `linger.ms: "5"`, "transactional.id"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			worker, connector := filepath.Join(dir, "worker.properties"), filepath.Join(dir, "inventory.json")
			for file, text := range map[string]string{worker: "bootstrap.servers=k1:9092\n" + c.worker,
				connector: `{"name":"inventory","config":{"connector.class":"io.debezium.connector.postgresql.PostgresConnector","database.hostname":"db","database.dbname":"inv","topic.prefix":"inv"` + c.connector + `}}`} {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			x, text, _ := imported(t, connector, worker)
			if !strings.Contains(text, c.want) || strings.Contains(text, c.not) || x.refused != 0 {
				t.Errorf("%q is not in, or %q is in, or of %d refused keys:\n%s", c.want, c.not, x.refused, text)
			}
		})
	}
}

func TestAFileThatIsNoConfigurationIsRefusedByName(t *testing.T) {
	for name, body := range map[string]string{"empty": " ", "broken JSON": `{"name": `, "a nested value": `{"config": {"a": {"b": 1}}}`, "a list as config": `{"config": []}`} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.json")
			if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := readForeign(path); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestAnImportedConnectorOfExactlyOnceGoesOnFromItsTopicOfPositions(t *testing.T) {
	dir := t.TempDir()
	worker, connector := filepath.Join(dir, "worker.properties"), filepath.Join(dir, "inventory.json")
	for file, text := range map[string]string{
		worker:    "bootstrap.servers=k1:9092\ngroup.id=connect\noffset.storage.topic=offsets\nexactly.once.source.support=enabled\n",
		connector: `{"name":"inventory","config":{"connector.class":"io.debezium.connector.postgresql.PostgresConnector","database.hostname":"db","database.dbname":"inv","topic.prefix":"inv","exactly.once.support":"required","transaction.boundary":"poll","transaction.boundary.interval.ms":"200"}}`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x, text, next := imported(t, connector, worker)
	if x.refused != 0 {
		t.Errorf("%d keys are refused:\n%s", x.refused, text)
	}
	for _, want := range []string{`exactly.once.source.support: "enabled"`, `offset.storage.topic: "offsets"`, `exactly.once.support: "required"`, `transaction.boundary: "poll"`, `transaction.boundary.interval.ms: "200"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	if want := "topic offsets has its position (connector inventory, topic.prefix inv)"; !strings.Contains(next, want) {
		t.Errorf("%q is not among the next steps:\n%s", want, next)
	}
}
