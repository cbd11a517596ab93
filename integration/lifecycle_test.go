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
	"rdip/integration/harness"
)

// flags name the daemon to the commands that ask it.
func flags(p *harness.Pipeline, t *testing.T, d *harness.Daemon, args ...string) []string {
	t.Helper()
	return append(args, "--config", p.ConfigFile(), "--url", d.REST(t))
}

// statusOf is a connector's status.
func statusOf(t *testing.T, d *harness.Daemon, connector string) rest.ConnectorStatus {
	t.Helper()
	_, body := d.Get(t, "/connectors/"+connector+"/status")
	var s rest.ConnectorStatus
	if err := json.Unmarshal([]byte(body), &s); err != nil || s.Rdip == nil {
		t.Fatalf("%v: %s", err, body)
	}
	return s
}

// A paused connector delivers what it has read and no more, keeps its slot, is healthy, and stays paused over a
// restart of the process; resumed, it goes on where it was and repeats nothing.
func TestAPausedConnectorStaysPausedOverARestartAndRepeatsNothingWhenResumed(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	d := p.Streaming(t)
	p.Insert(t, 1, 5)
	p.MustHold(t, 5, false)
	if out := p.Command(t, harness.ExitDone, flags(p, t, d, "pause", "shop")...); !strings.Contains(out, "shop  PAUSED") {
		t.Errorf("rdip pause: %s", out)
	}
	p.Insert(t, 6, 10)
	if active := p.Slot(t, "active"); active != "false" {
		t.Errorf("the slot of a paused connector is active: %q", active)
	}
	if ready, why := d.Ready(t); !ready {
		t.Errorf("a paused connector makes the process unhealthy: %s", why)
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}

	d = p.Start(t)
	d.WaitFor(t, "rdip started")
	if out := p.Command(t, harness.ExitDone, flags(p, t, d, "status")...); !strings.Contains(out, "shop  PAUSED") || !strings.Contains(out, `"lsn"`) {
		t.Errorf("rdip status: %s", out)
	}
	harness.Eventually(t, "the status to tell what the slot keeps", func() bool { s := d.Status(t); return s.Rdip.RetainedBytes != nil && *s.Rdip.RetainedBytes > 0 })
	p.MustHold(t, 5, false)
	if out := p.Command(t, harness.ExitDone, flags(p, t, d, "resume", "shop")...); !strings.Contains(out, "shop  RUNNING") {
		t.Errorf("rdip resume: %s", out)
	}
	p.MustHold(t, 10, false)
}

// G2: a pause in the middle of a transaction's rows loses nothing; the transaction is whole after the resume.
func TestAPauseInTheMiddleOfATransactionLosesNothing(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	const rows = 20000
	p.Exec(t, fmt.Sprintf("INSERT INTO items SELECT i, repeat('x', 200) FROM generate_series(1, %d) i", rows))
	harness.Eventually(t, "some rows to be acknowledged", func() bool { return d.Status(t).Rdip.Records > 1 })
	p.Command(t, harness.ExitDone, flags(p, t, d, "pause", "shop")...)
	p.Command(t, harness.ExitDone, flags(p, t, d, "resume", "shop")...)
	p.MustHold(t, rows, true)
}

// A connector is restarted without the process, and one that failed is restarted once its cause is mended.
func TestAConnectorIsRestartedByItself(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	host, port := harness.Address(t, p.PG)
	var keys []string
	for k, v := range map[string]string{"connector.class": "postgres", "database.hostname": host, "database.port": port, "database.dbname": p.Database,
		"database.user": "postgres", "database.sslmode": "disable", "topic.prefix": p.Prefix + "_other", "slot.name": p.Prefix + "_other",
		"publication.name": p.Prefix + "_absent", "publication.autocreate.mode": "disabled"} {
		keys = append(keys, "connectors.other."+k, v)
	}
	p = p.Configured(keys...)
	d := p.Streaming(t)
	other := func() rest.ConnectorStatus { return statusOf(t, d, "other") }
	harness.Eventually(t, "the other connector to fail", func() bool { return other().Connector.State == rest.Failed })
	began := d.Status(t).Rdip.Started
	if out := p.Command(t, harness.ExitRuntime, flags(p, t, d, "restart", "other")...); !strings.Contains(out, "FAILED") {
		t.Errorf("rdip restart of what fails again: %s", out)
	}
	p.Exec(t, fmt.Sprintf("CREATE PUBLICATION %s_absent FOR TABLE items", p.Prefix))
	if out := p.Command(t, harness.ExitDone, flags(p, t, d, "restart", "--only-failed", "other")...); !strings.Contains(out, "RUNNING") {
		t.Errorf("rdip restart: %s", out)
	}
	if now := d.Status(t).Rdip.Started; !now.Equal(began) {
		t.Errorf("the connector that runs was started anew, at %v, and before at %v", now, began)
	}
	p.Command(t, harness.ExitDone, flags(p, t, d, "restart", "shop")...)
	if now := d.Status(t).Rdip.Started; !now.After(began) {
		t.Errorf("rdip restart began nothing: %v", now)
	}
	p.Insert(t, 1, 3)
	p.MustHold(t, 3, false)
}

// D9: SIGHUP applies a changed file, or refuses it as a whole; a connector that it leaves alone is not touched.
func TestAReloadIsAppliedAsAWholeOrRefusedAsAWhole(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	began := d.Status(t).Rdip.Started

	wrong := p.Configured("connectors.shop.topic.prefix", "shop of mine", "memory.budget", "64MiB", "log.level", "debug", "connectors.shop.no.such.key", "1")
	wrong.File(t)
	if err := d.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	d.WaitFor(t, "refused as a whole")
	out := p.Command(t, harness.ExitConfiguration, flags(p, t, d, "reload")...)
	for _, word := range []string{"topic.prefix", "no.such.key"} {
		if !strings.Contains(out, word) || !strings.Contains(d.Out.String(), word) {
			t.Errorf("%s is not in what was said:\n%s", word, out)
		}
	}
	p.Configured("memory.budget", "64MiB", "log.level", "debug", "state.dir", p.Keys["state.dir"]+"2").File(t)
	out = p.Command(t, harness.ExitConfiguration, flags(p, t, d, "reload")...)
	for _, word := range []string{"memory.budget", `"67108864", and rdip runs with "33554432"`, "state.dir", "restart rdip"} {
		if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(out, "64MiB", "67108864"), "32MiB", "33554432"), word) {
			t.Errorf("%s is not in what was said:\n%s", word, out)
		}
	}
	p.Configured("connectors.shop.slot.name", p.Prefix+"_other").File(t)
	out = p.Command(t, harness.ExitConfiguration, flags(p, t, d, "reload")...)
	for _, word := range []string{"slot.name", p.Prefix + "_other", fmt.Sprintf("belongs to slot %q", p.Prefix), "rdip drop shop"} {
		if !strings.Contains(out, word) {
			t.Errorf("%s is not in what was said:\n%s", word, out)
		}
	}
	if level := p.Command(t, harness.ExitDone, flags(p, t, d, "log-level")...); level != "info\n" {
		t.Errorf("a refused file changed the log level to %s", level)
	}
	if now := d.Status(t).Rdip.Started; !now.Equal(began) {
		t.Errorf("a refused file started the connector anew")
	}

	p.Configured("log.level", "debug").File(t)
	if out := p.Command(t, harness.ExitDone, flags(p, t, d, "reload")...); !strings.Contains(out, "unchanged: shop") {
		t.Errorf("rdip reload: %s", out)
	}
	if level := p.Command(t, harness.ExitDone, flags(p, t, d, "log-level")...); level != "debug\n" || !d.Status(t).Rdip.Started.Equal(began) {
		t.Errorf("the log level is %s; the connector began %v, before %v", level, d.Status(t).Rdip.Started, began)
	}
	p.Command(t, harness.ExitDone, flags(p, t, d, "log-level", "error")...)
	p.Configured("connectors.shop.skipped.operations", "t,d").File(t)
	if out := p.Command(t, harness.ExitDone, flags(p, t, d, "reload")...); !strings.Contains(out, "restarted: shop") {
		t.Errorf("rdip reload: %s", out)
	}
	p.Insert(t, 1, 5)
	p.Exec(t, "DELETE FROM items WHERE id = 1")
	p.MustHold(t, 5, false)
	p.Converge(t)
	for _, r := range p.Records(t, "items") {
		if r.Key == "1" && r.Op == 'd' {
			t.Error("the changed connector still writes deletes")
		}
	}
}

// A connector that is taken out of the file ends, its slot stays, which is told and then warned of; one that is
// added starts.
func TestAReloadStartsWhatIsAddedAndEndsWhatIsTakenOutAndTellsOfItsSlot(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	renamed := p.Configured()
	for k, v := range p.Keys {
		if key, ok := strings.CutPrefix(k, "connectors.shop."); ok {
			delete(renamed.Keys, k)
			renamed.Keys["connectors.store."+key] = v
		}
	}
	renamed.Keys["connectors.store.topic.prefix"] = p.Prefix + "_store"
	renamed.Keys["connectors.store.slot.name"] = p.Prefix + "_store"
	renamed.File(t)
	out := p.Command(t, harness.ExitDone, flags(p, t, d, "reload")...)
	for _, word := range []string{"started: store", "removed: shop", "rdip drop shop"} {
		if !strings.Contains(out, word) {
			t.Errorf("%s is not in what was said:\n%s", word, out)
		}
	}
	harness.Eventually(t, "the added connector to run", func() bool { return statusOf(t, d, "store").Connector.State == rest.Running })
	if active := p.Slot(t, "active"); active != "false" {
		t.Errorf("the slot of the connector that was taken out is active: %q", active)
	}
	d.WaitFor(t, fmt.Sprintf(`slot \"%s\": nobody reads it`, p.Prefix))
	if code, _ := d.Get(t, "/connectors/shop/status"); code != http.StatusNotFound {
		t.Errorf("the connector that was taken out is still shown: %d", code)
	}

	old := filepath.Join(t.TempDir(), "old.yaml")
	text := ""
	for k, v := range p.Keys {
		text += fmt.Sprintf("%s: %q\n", k, v)
	}
	if err := os.WriteFile(old, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Command(t, harness.ExitDone, "drop", "shop", "--yes", "--config", old, "--url", d.REST(t))
	if left := p.Slot(t, "slot_name"); left != "" {
		t.Errorf("rdip drop left slot %s", left)
	}
}

// D9: SIGHUP in the middle of a snapshot: a refused file and one that changes nothing of the connector leave the
// copy alone; one that changes it drains and starts it again, and every row arrives.
func TestAReloadInTheMiddleOfASnapshotLosesNothing(t *testing.T) {
	p := harness.ItemsPipeline(t, 18).Configured("connectors.shop.snapshot.max.threads", "1")
	const rows = 30000
	p.Exec(t, fmt.Sprintf("INSERT INTO items SELECT i, repeat('x', 200) FROM generate_series(1, %d) i", rows))
	d := p.Start(t)
	d.WaitFor(t, "state=snapshot")
	began := d.Status(t).Rdip.Started
	hup := func(p *harness.Pipeline, says string) {
		t.Helper()
		p.File(t)
		if err := d.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		d.WaitFor(t, says)
	}
	hup(p.Configured("connectors.shop.slot.name", "Not Legal"), "refused as a whole")
	hup(p.Configured("log.level", "debug"), "1 unchanged")
	if now := d.Status(t).Rdip.Started; !now.Equal(began) {
		t.Errorf("the connector was started anew by a file that leaves it as it is")
	}
	hup(p.Configured("log.level", "info", "connectors.shop.snapshot.max.threads", "2"), "restarted [shop]")
	p.Insert(t, rows+1, rows+3)
	p.MustHold(t, rows+3, true)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
}

// A table that is added to the configuration is streamed after a reload, without a restart of the process.
func TestAReloadThatAddsATableCapturesIt(t *testing.T) {
	p := harness.ItemsPipeline(t, 18).Configured("connectors.shop.table.include.list", `public\.items`)
	p.Exec(t, "CREATE TABLE more(id int PRIMARY KEY, note text)")
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	p = p.Configured("connectors.shop.table.include.list", `public\.items,public\.more`)
	p.File(t)
	p.Command(t, harness.ExitDone, flags(p, t, d, "reload")...)
	harness.Eventually(t, "the table to be published", func() bool {
		return p.Query(t, fmt.Sprintf("SELECT count(*)::text FROM pg_publication_tables WHERE pubname = '%s'", p.Prefix)) == "2"
	})
	p.Exec(t, "INSERT INTO more VALUES (1, 'one')")
	harness.Eventually(t, "the row of the added table", func() bool { return len(p.Records(t, "more")) == 1 })
	p.Insert(t, 1, 2)
	p.MustHold(t, 2, false)
}
