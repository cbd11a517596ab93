package integration

import (
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
