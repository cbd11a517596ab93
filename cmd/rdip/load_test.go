package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rdip/configs"
)

func TestTheTableOfKeysAgreesWithTheDefinitions(t *testing.T) {
	var s settings
	var c connectorSettings
	for _, line := range configs.Disagreements(s.workerDefinitions(), c.definitions()) {
		t.Error(line)
	}
}

// The credentials that systemd puts in place are put in a folder of the test's own.
func TestTheShippedExamplesAreValid(t *testing.T) {
	t.Setenv("SHOP_PASSWORD", "x")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"shop.password": "x",
		"kafka.jaas":    `org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="p";`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob("../../configs/examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			here := filepath.Join(t.TempDir(), filepath.Base(file))
			if err := os.WriteFile(here, []byte(strings.ReplaceAll(string(text), "/run/credentials/rdip.service", dir)), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := load(here)
			if err != nil {
				t.Fatal(err)
			}
			if len(s.connectors) == 0 {
				t.Error("it has no connector")
			}
		})
	}
}

// Connect's default of three replicas would refuse the first dead letter of whoever tries rdip on one machine.
func TestTheTopicOfDeadLettersFitsTheEmbeddedBroker(t *testing.T) {
	const keys = "connectors:\n  shop:\n    connector.class: postgres\n    database.hostname: localhost\n    database.user: u\n    database.dbname: d\n    topic.prefix: shop\n    errors.tolerance: all\n    errors.deadletterqueue.topic.name: dead\n"
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"embedded":            {"embedded: true\n" + keys, 1},
		"embedded, and asked": {"embedded: true\n" + keys + "    errors.deadletterqueue.topic.replication.factor: 2\n", 2},
		"Kafka":               {"bootstrap.servers: localhost:9092\nschema.registry.url: http://localhost:8081\n" + keys, 3},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rdip.yaml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := load(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.connectors[0].topics.Apart["dead"].Replication; got != c.want {
				t.Errorf("%d replicas, want %d", got, c.want)
			}
		})
	}
}
