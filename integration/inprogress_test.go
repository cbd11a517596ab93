package integration

import (
	"testing"
)

// P33, P34, P37: the keys work from a configuration file: a large transaction is received in progress, a prepared
// one at PREPARE, and the topic has each row once.
func TestTransactionsInProgressArriveOnceCommitted(t *testing.T) {
	p := itemsPipeline(t, 18).configured("connectors.shop.streaming", "on", "connectors.shop.two.phase", "true",
		"connectors.shop.spill.memory.bytes", "4096", "connectors.shop.spill.max.bytes", "64MiB")
	d := p.streaming(t)
	p.exec(t, "BEGIN; INSERT INTO items SELECT i, repeat('x', 200) FROM generate_series(1, 3000) i; SAVEPOINT a; "+
		"INSERT INTO items SELECT i, repeat('y', 200) FROM generate_series(3001, 6000) i; ROLLBACK TO a; COMMIT")
	p.exec(t, "BEGIN; INSERT INTO items VALUES (3001, 'prepared'); PREPARE TRANSACTION '"+p.prefix+"'", "COMMIT PREPARED '"+p.prefix+"'")
	eventually(t, "every row to arrive", func() bool { return len(p.records(t, "items")) >= 3001 })
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	p.mustHold(t, 3001, true)
}
