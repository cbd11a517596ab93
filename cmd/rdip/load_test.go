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
