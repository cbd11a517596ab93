package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rdip/connect/rest"
)

// flags name the daemon to the commands that ask it.
func (p *pipeline) flags(t *testing.T, d *daemon, args ...string) []string {
	t.Helper()
	return append(args, "--config", p.configFile(), "--url", d.rest(t))
}

// statusOf is a connector's status.
func statusOf(t *testing.T, d *daemon, connector string) rest.ConnectorStatus {
	t.Helper()
	_, body := d.get(t, "/connectors/"+connector+"/status")
	var s rest.ConnectorStatus
	if err := json.Unmarshal([]byte(body), &s); err != nil || s.Rdip == nil {
		t.Fatalf("%v: %s", err, body)
	}
	return s
}

// A paused connector delivers what it has read and no more, keeps its slot, is healthy, and stays paused over a
// restart of the process; resumed, it goes on where it was and repeats nothing.
func TestAPausedConnectorStaysPausedOverARestartAndRepeatsNothingWhenResumed(t *testing.T) {
	p := itemsPipeline(t, 18)
	d := p.streaming(t)
	p.insert(t, 1, 5)
	p.mustHold(t, 5, false)
	if out := p.rdip(t, exitDone, p.flags(t, d, "pause", "shop")...); !strings.Contains(out, "shop  PAUSED") {
		t.Errorf("rdip pause: %s", out)
	}
	p.insert(t, 6, 10)
	if active := p.slot(t, "active"); active != "false" {
		t.Errorf("the slot of a paused connector is active: %q", active)
	}
	if ready, why := d.ready(t); !ready {
		t.Errorf("a paused connector makes the process unhealthy: %s", why)
	}
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}

	d = p.start(t)
	d.waitFor(t, "rdip started")
	if out := p.rdip(t, exitDone, p.flags(t, d, "status")...); !strings.Contains(out, "shop  PAUSED") || !strings.Contains(out, `"lsn"`) {
		t.Errorf("rdip status: %s", out)
	}
	eventually(t, "the status to tell what the slot keeps", func() bool { s := d.status(t); return s.Rdip.RetainedBytes != nil && *s.Rdip.RetainedBytes > 0 })
	p.mustHold(t, 5, false)
	if out := p.rdip(t, exitDone, p.flags(t, d, "resume", "shop")...); !strings.Contains(out, "shop  RUNNING") {
		t.Errorf("rdip resume: %s", out)
	}
	p.mustHold(t, 10, false)
}

// G2: a pause in the middle of a transaction's rows loses nothing; the transaction is whole after the resume.
func TestAPauseInTheMiddleOfATransactionLosesNothing(t *testing.T) {
	p := itemsPipeline(t, 18)
	d := p.streaming(t)
	p.mustHold(t, 0, false)
	const rows = 20000
	p.exec(t, fmt.Sprintf("INSERT INTO items SELECT i, repeat('x', 200) FROM generate_series(1, %d) i", rows))
	eventually(t, "some rows to be acknowledged", func() bool { return d.status(t).Rdip.Records > 1 })
	p.rdip(t, exitDone, p.flags(t, d, "pause", "shop")...)
	p.rdip(t, exitDone, p.flags(t, d, "resume", "shop")...)
	p.mustHold(t, rows, true)
}

// A connector is restarted without the process, and one that failed is restarted once its cause is mended.
func TestAConnectorIsRestartedByItself(t *testing.T) {
	p := itemsPipeline(t, 18)
	host, port := address(t, p.pg)
	var keys []string
	for k, v := range map[string]string{"connector.class": "postgres", "database.hostname": host, "database.port": port, "database.dbname": p.database,
		"database.user": "postgres", "database.sslmode": "disable", "topic.prefix": p.prefix + "_other", "slot.name": p.prefix + "_other",
		"publication.name": p.prefix + "_absent", "publication.autocreate.mode": "disabled"} {
		keys = append(keys, "connectors.other."+k, v)
	}
	p = p.configured(keys...)
	d := p.streaming(t)
	other := func() rest.ConnectorStatus { return statusOf(t, d, "other") }
	eventually(t, "the other connector to fail", func() bool { return other().Connector.State == rest.Failed })
	began := d.status(t).Rdip.Started
	if out := p.rdip(t, exitRuntime, p.flags(t, d, "restart", "other")...); !strings.Contains(out, "FAILED") {
		t.Errorf("rdip restart of what fails again: %s", out)
	}
	p.exec(t, fmt.Sprintf("CREATE PUBLICATION %s_absent FOR TABLE items", p.prefix))
	if out := p.rdip(t, exitDone, p.flags(t, d, "restart", "--only-failed", "other")...); !strings.Contains(out, "RUNNING") {
		t.Errorf("rdip restart: %s", out)
	}
	if now := d.status(t).Rdip.Started; !now.Equal(began) {
		t.Errorf("the connector that runs was started anew, at %v, and before at %v", now, began)
	}
	p.rdip(t, exitDone, p.flags(t, d, "restart", "shop")...)
	if now := d.status(t).Rdip.Started; !now.After(began) {
		t.Errorf("rdip restart began nothing: %v", now)
	}
	p.insert(t, 1, 3)
	p.mustHold(t, 3, false)
}

// D9: SIGHUP applies a changed file, or refuses it as a whole; a connector that it leaves alone is not touched.
func TestAReloadIsAppliedAsAWholeOrRefusedAsAWhole(t *testing.T) {
	p := itemsPipeline(t, 18)
	d := p.streaming(t)
	p.mustHold(t, 0, false)
	began := d.status(t).Rdip.Started

	wrong := p.configured("connectors.shop.topic.prefix", "shop of mine", "memory.budget", "64MiB", "log.level", "debug", "connectors.shop.no.such.key", "1")
	wrong.file(t)
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	d.waitFor(t, "refused as a whole")
	out := p.rdip(t, exitConfiguration, p.flags(t, d, "reload")...)
	for _, word := range []string{"topic.prefix", "no.such.key"} {
		if !strings.Contains(out, word) || !strings.Contains(d.out.String(), word) {
			t.Errorf("%s is not in what was said:\n%s", word, out)
		}
	}
	p.configured("memory.budget", "64MiB", "log.level", "debug", "state.dir", p.keys["state.dir"]+"2").file(t)
	out = p.rdip(t, exitConfiguration, p.flags(t, d, "reload")...)
	for _, word := range []string{"memory.budget", `"67108864", and rdip runs with "33554432"`, "state.dir", "restart rdip"} {
		if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(out, "64MiB", "67108864"), "32MiB", "33554432"), word) {
			t.Errorf("%s is not in what was said:\n%s", word, out)
		}
	}
	if level := p.rdip(t, exitDone, p.flags(t, d, "log-level")...); level != "info\n" {
		t.Errorf("a refused file changed the log level to %s", level)
	}
	if now := d.status(t).Rdip.Started; !now.Equal(began) {
		t.Errorf("a refused file started the connector anew")
	}

	p.configured("log.level", "debug").file(t)
	if out := p.rdip(t, exitDone, p.flags(t, d, "reload")...); !strings.Contains(out, "unchanged: shop") {
		t.Errorf("rdip reload: %s", out)
	}
	if level := p.rdip(t, exitDone, p.flags(t, d, "log-level")...); level != "debug\n" || !d.status(t).Rdip.Started.Equal(began) {
		t.Errorf("the log level is %s; the connector began %v, before %v", level, d.status(t).Rdip.Started, began)
	}
	p.rdip(t, exitDone, p.flags(t, d, "log-level", "error")...)
	p.configured("connectors.shop.skipped.operations", "t,d").file(t)
	if out := p.rdip(t, exitDone, p.flags(t, d, "reload")...); !strings.Contains(out, "restarted: shop") {
		t.Errorf("rdip reload: %s", out)
	}
	p.insert(t, 1, 5)
	p.exec(t, "DELETE FROM items WHERE id = 1")
	p.mustHold(t, 5, false)
	p.converge(t)
	for _, r := range p.records(t, "items") {
		if r.Key == "1" && r.Op == 'd' {
			t.Error("the changed connector still writes deletes")
		}
	}
}

// A connector that is taken out of the file ends, its slot stays, which is told and then warned of; one that is
// added starts.
func TestAReloadStartsWhatIsAddedAndEndsWhatIsTakenOutAndTellsOfItsSlot(t *testing.T) {
	p := itemsPipeline(t, 18)
	d := p.streaming(t)
	p.mustHold(t, 0, false)
	renamed := p.configured()
	for k, v := range p.keys {
		if key, ok := strings.CutPrefix(k, "connectors.shop."); ok {
			delete(renamed.keys, k)
			renamed.keys["connectors.store."+key] = v
		}
	}
	renamed.keys["connectors.store.topic.prefix"] = p.prefix + "_store"
	renamed.keys["connectors.store.slot.name"] = p.prefix + "_store"
	renamed.file(t)
	out := p.rdip(t, exitDone, p.flags(t, d, "reload")...)
	for _, word := range []string{"started: store", "removed: shop", "rdip drop shop"} {
		if !strings.Contains(out, word) {
			t.Errorf("%s is not in what was said:\n%s", word, out)
		}
	}
	eventually(t, "the added connector to run", func() bool { return statusOf(t, d, "store").Connector.State == rest.Running })
	if active := p.slot(t, "active"); active != "false" {
		t.Errorf("the slot of the connector that was taken out is active: %q", active)
	}
	d.waitFor(t, fmt.Sprintf(`slot \"%s\": nobody reads it`, p.prefix))
	if code, _ := d.get(t, "/connectors/shop/status"); code != http.StatusNotFound {
		t.Errorf("the connector that was taken out is still shown: %d", code)
	}

	old := filepath.Join(t.TempDir(), "old.yaml")
	text := ""
	for k, v := range p.keys {
		text += fmt.Sprintf("%s: %q\n", k, v)
	}
	if err := os.WriteFile(old, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.rdip(t, exitDone, "drop", "shop", "--yes", "--config", old, "--url", d.rest(t))
	if left := p.slot(t, "slot_name"); left != "" {
		t.Errorf("rdip drop left slot %s", left)
	}
}

// D9: SIGHUP in the middle of a snapshot: a refused file and one that changes nothing of the connector leave the
// copy alone; one that changes it drains and starts it again, and every row arrives.
func TestAReloadInTheMiddleOfASnapshotLosesNothing(t *testing.T) {
	p := itemsPipeline(t, 18).configured("connectors.shop.snapshot.max.threads", "1")
	const rows = 30000
	p.exec(t, fmt.Sprintf("INSERT INTO items SELECT i, repeat('x', 200) FROM generate_series(1, %d) i", rows))
	d := p.start(t)
	d.waitFor(t, "state=snapshot")
	began := d.status(t).Rdip.Started
	hup := func(p *pipeline, says string) {
		t.Helper()
		p.file(t)
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		d.waitFor(t, says)
	}
	hup(p.configured("connectors.shop.slot.name", "Not Legal"), "refused as a whole")
	hup(p.configured("log.level", "debug"), "1 unchanged")
	if now := d.status(t).Rdip.Started; !now.Equal(began) {
		t.Errorf("the connector was started anew by a file that leaves it as it is")
	}
	hup(p.configured("log.level", "info", "connectors.shop.snapshot.max.threads", "2"), "restarted [shop]")
	p.insert(t, rows+1, rows+3)
	p.mustHold(t, rows+3, true)
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// A table that is added to the configuration is streamed after a reload, without a restart of the process.
func TestAReloadThatAddsATableCapturesIt(t *testing.T) {
	p := itemsPipeline(t, 18).configured("connectors.shop.table.include.list", `public\.items`)
	p.exec(t, "CREATE TABLE more(id int PRIMARY KEY, note text)")
	d := p.streaming(t)
	p.mustHold(t, 0, false)
	p = p.configured("connectors.shop.table.include.list", `public\.items,public\.more`)
	p.file(t)
	p.rdip(t, exitDone, p.flags(t, d, "reload")...)
	eventually(t, "the table to be published", func() bool {
		return p.query(t, fmt.Sprintf("SELECT count(*)::text FROM pg_publication_tables WHERE pubname = '%s'", p.prefix)) == "2"
	})
	p.exec(t, "INSERT INTO more VALUES (1, 'one')")
	eventually(t, "the row of the added table", func() bool { return len(p.records(t, "more")) == 1 })
	p.insert(t, 1, 2)
	p.mustHold(t, 2, false)
}
