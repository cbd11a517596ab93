package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// G8: what is kept of transactions in progress is part of the connector's share of the memory budget.
func TestMemoryForTransactionsInProgressIsPartOfTheBudget(t *testing.T) {
	for name, c := range map[string]struct {
		worker     string // keys of the process
		connector  string // keys of each connector
		connectors int
		want       int64 // bytes reserved
		refused    string
	}{
		"nothing without streaming":                   {"", "", 1, 0, ""},
		"the default":                                 {"", "streaming: on", 1, 2 << 20, ""},
		"the default gives way to many connectors":    {"memory.budget: 4MiB", "streaming: on", 4, 512 << 10, ""},
		"prepared transactions are kept there, too":   {"", "two.phase: true", 1, 2 << 20, ""},
		"a quarter of the budget, asked for":          {"", "{streaming: on, spill.memory.bytes: 8MiB}", 1, 16 << 20, ""},
		"more than a quarter of the budget":           {"", "{streaming: on, spill.memory.bytes: 9MiB}", 1, 0, "memory.budget: 37748736"},
		"more than a quarter of the share of the two": {"", "{streaming: on, spill.memory.bytes: 8MiB}", 2, 0, "spill.memory.bytes: 4194304, or memory.budget: 67108864"},
		"more, where it is not used":                  {"", "spill.memory.bytes: 9MiB", 1, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			keys := strings.NewReplacer("{", "", "}", "", ", ", "\n    ").Replace(c.connector)
			text := "bootstrap.servers: localhost:9092\nschema.registry.url: http://localhost:8081\n" + c.worker + "\nconnectors:\n"
			for i := range c.connectors {
				text += fmt.Sprintf("  c%d:\n    connector.class: postgres\n    database.hostname: localhost\n    database.user: u\n    database.dbname: d\n    topic.prefix: p%d\n    slot.name: s%d\n    %s\n", i, i, i, keys)
			}
			path := filepath.Join(t.TempDir(), "rdip.yaml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := load(path)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), "spill.memory.bytes") {
					t.Errorf("%v, want %q", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range s.connectors {
				if got := one.postgres.Reserved(); got != c.want {
					t.Errorf("%d bytes are reserved, want %d", got, c.want)
				}
			}
		})
	}
}

// The folder may be a link to a larger disk: what was left there goes, the link stays.
func TestWhatWasLeftOfTransactionsGoesAndTheirFolderStays(t *testing.T) {
	state, disk := t.TempDir(), t.TempDir()
	if err := clearSpills(state); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(disk, "shop", "7.spill")
	for _, err := range []error{os.Mkdir(filepath.Dir(left), 0o700), os.WriteFile(left, []byte("a row"), 0o600), os.Symlink(disk, spillFolder(state)), clearSpills(state)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := os.ReadDir(disk); err != nil || len(entries) != 0 {
		t.Errorf("on the disk are %v, %v", entries, err)
	}
	if to, err := os.Readlink(spillFolder(state)); err != nil || to != disk {
		t.Errorf("the folder leads to %q, %v", to, err)
	}
}
