package integration

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"rdip/integration/harness"
)

// P33, P34, P37: the keys work from a configuration file: a large transaction is received in progress, a prepared
// one at PREPARE, and the topic has each row once.
func TestTransactionsInProgressArriveOnceCommitted(t *testing.T) {
	p := harness.ItemsPipeline(t, 18).Configured("connectors.shop.streaming", "on", "connectors.shop.two.phase", "true",
		"connectors.shop.spill.memory.bytes", "4096", "connectors.shop.spill.max.bytes", "64MiB")
	d := p.Streaming(t)
	p.Exec(t, "BEGIN; INSERT INTO items SELECT i, repeat('x', 200) FROM generate_series(1, 3000) i; SAVEPOINT a; "+
		"INSERT INTO items SELECT i, repeat('y', 200) FROM generate_series(3001, 6000) i; ROLLBACK TO a; COMMIT")
	p.Exec(t, "BEGIN; INSERT INTO items VALUES (3001, 'prepared'); PREPARE TRANSACTION '"+p.Prefix+"'", "COMMIT PREPARED '"+p.Prefix+"'")
	harness.Eventually(t, "every row to arrive", func() bool { return len(p.Records(t, "items")) >= 3001 })
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	p.MustHold(t, 3001, true)
}

// P33: files hold rows: those of a killed daemon are gone with its next start, whatever the connector is then, and with rdip
// drop.
func TestWhatAKilledDaemonHasSpilledDoesNotStay(t *testing.T) {
	for name, after := range map[string]func(p *harness.Pipeline, t *testing.T){
		"started without streaming": func(p *harness.Pipeline, t *testing.T) { p.Configured("connectors.shop.streaming", "off").Streaming(t) },
		"started without the connector": func(p *harness.Pipeline, t *testing.T) {
			text, err := os.ReadFile(p.File(t))
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "rdip.yaml")
			if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("connectors.shop."), []byte("connectors.other.")), 0o600); err != nil {
				t.Fatal(err)
			}
			p.StartFile(t, path).WaitFor(t, "rdip started")
		},
		"dropped": func(p *harness.Pipeline, t *testing.T) {
			harness.Eventually(t, "the slot to be let go", func() bool { return p.Slot(t, "active") == "false" })
			p.Command(t, harness.ExitDone, "drop", "shop", "--yes", "--config", p.File(t))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := harness.ItemsPipeline(t, 18).Configured("connectors.shop.streaming", "on", "connectors.shop.spill.memory.bytes", "0")
			d := p.Streaming(t)
			conn, err := p.PG.Connect(t.Context(), p.Database)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			execOn(t, conn, "BEGIN")
			execOn(t, conn, "INSERT INTO items SELECT i, repeat('x', 200) FROM generate_series(1, 3000) i")
			harness.Eventually(t, "it to be in a file", func() bool { return len(spillFiles(t, p)) == 1 })
			d.Kill()
			execOn(t, conn, "ROLLBACK")
			after(p, t)
			if left := spillFiles(t, p); len(left) != 0 {
				t.Errorf("%v are left", left)
			}
			if name == "dropped" {
				if _, err := os.Stat(filepath.Join(p.Keys["state.dir"], "spill", "shop")); !os.IsNotExist(err) {
					t.Errorf("the folder is left: %v", err)
				}
			}
		})
	}
}
