package postgres

import (
	"strings"
	"testing"
	"time"

	"rdip/configs"
	"rdip/internal/fault"
)

// decodeSection reads a section with the keys that are required, and what is given.
func decodeSection(t *testing.T, keys map[string]string) (*Config, fault.Findings) {
	t.Helper()
	all := map[string]string{"database.hostname": "localhost", "database.dbname": "shop", "database.user": "rdip"}
	for key, value := range keys {
		all[key] = value
	}
	var c Config
	section := configs.FromMap("test", "shop", all)
	findings := configs.Decode(section, c.Definition())
	return &c, append(findings, c.Check(section.Where)...)
}

func TestDefaultsAreSafe(t *testing.T) {
	c, findings := decodeSection(t, nil)
	if err := findings.Err(); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]SSLMode{"db.example.com": SSLVerifyFull, "10.0.0.5": SSLVerifyFull, "127.0.0.1": SSLDisable,
		"localhost": SSLDisable, "/var/run/postgresql": SSLDisable} {
		if c.Hostname = host; c.sslMode() != want {
			t.Errorf("to %s: %s, want %s", host, c.sslMode(), want)
		}
	}
	if c.PublicationMode != PublicationFiltered || c.SnapshotMode != SnapshotInitial || c.Port != 5432 || c.HeartbeatInterval != 10*time.Second {
		t.Errorf("%+v", c)
	}
}

func TestKeysThatExistingConnectorsHaveAreUnderstood(t *testing.T) {
	c, findings := decodeSection(t, map[string]string{
		"database.sslmode": "verify_full", "snapshot.mode": "never", "slot.retry.delay.ms": "10000", "table.include.list": `public\.a,public\.b`,
		"publication.autocreate.mode": "ALL_TABLES", "heartbeat.interval.ms": "0", "database.password": "sesame",
	})
	if err := findings.Err(); err != nil {
		t.Fatal(err)
	}
	if c.SnapshotMode != SnapshotNone || c.SlotRetryDelay != 10*time.Second || c.PublicationMode != PublicationAllTables || c.HeartbeatInterval != 0 || !c.TableInclude.Match("public.b") {
		t.Errorf("%+v", c)
	}
}

func TestWhatCannotWorkIsRefusedByName(t *testing.T) {
	cases := map[string]struct {
		keys map[string]string
		want string
	}{
		"a slot name that the server refuses":  {map[string]string{"slot.name": "Shop-1"}, "slot.name"},
		"a publication name that would be cut": {map[string]string{"publication.name": strings.Repeat("é", 32)}, "publication.name"},
		"a fallback to plaintext":              {map[string]string{"database.sslmode": "prefer"}, "database.sslmode"},
		"two lists of tables":                  {map[string]string{"table.include.list": "a.b", "table.exclude.list": "a.c"}, "table.exclude.list"},
		"two lists of schemas":                 {map[string]string{"schema.include.list": "a", "schema.exclude.list": "b"}, "schema.exclude.list"},
		"a certificate without its key":        {map[string]string{"database.sslcert": "c.pem"}, "database.sslkey"},
		"a key without its certificate":        {map[string]string{"database.sslkey": "k.pem"}, "database.sslcert"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, findings := decodeSection(t, c.keys); findings.Err() == nil || !strings.Contains(findings.Err().Error(), c.want) {
				t.Errorf("found %v, want something about %s", findings, c.want)
			}
		})
	}
}
