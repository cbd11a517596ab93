package reliability

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"rdip/integration/harness"
	"rdip/integration/judge"
	"rdip/offsets"
)

// once is a pipeline of items that delivers exactly once, with a topic of positions of its own.
func once(t *testing.T) *harness.Pipeline {
	t.Helper()
	p := harness.ItemsPipeline(t, 18)
	return p.Configured("connectors.shop.exactly.once.support", "required", "offset.storage.topic", p.Prefix+".positions")
}

// ends stops a daemon, well.
func ends(t *testing.T, d *harness.Daemon) {
	t.Helper()
	if code := d.Stop(t); code != harness.ExitDone {
		t.Fatalf("exit code %d", code)
	}
}

// position is the newest value of the connector's position in the topic; nil where it has none.
func position(t *testing.T, p *harness.Pipeline) map[string]any {
	t.Helper()
	records, err := p.Kafka.Read(t.Context(), p.Prefix+".positions")
	if err != nil {
		t.Fatal(err)
	}
	var newest []byte
	for _, r := range records {
		if string(r.Key) == fmt.Sprintf(`["shop",{"server":%q}]`, p.Prefix) {
			newest = r.Value
		}
	}
	var value map[string]any
	if err := json.Unmarshal(newest, &value); newest != nil && err != nil {
		t.Fatalf("%s: %v", newest, err)
	}
	return value
}

// O6, G3: the topic of positions is the truth: an old state folder, or none, repeats and loses nothing; Debezium's fields
// are in it; a position set by hand, a reset and a switch of the mode count more.
func TestTheStateFolderIsACopyOfTheTopicOfPositions(t *testing.T) {
	p := once(t)
	file := filepath.Join(p.Keys["state.dir"], offsets.FileName)
	d := p.Streaming(t)
	p.Insert(t, 1, 2)
	p.MustHold(t, 2, false)
	if text := p.Command(t, 0, "status", "--url", d.REST(t)); !strings.Contains(text, "delivery: exactly once; positions in topic "+p.Prefix+".positions") {
		t.Errorf("status says:\n%s", text)
	}
	ends(t, d)
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d = p.Streaming(t)
	p.Insert(t, 3, 4)
	p.MustHold(t, 4, false)
	p.Converge(t)
	ends(t, d)
	if err := os.WriteFile(file, old, 0o600); err != nil {
		t.Fatal(err)
	}
	d = p.Streaming(t)
	p.Insert(t, 5, 5)
	p.MustHold(t, 5, false)
	ends(t, d)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if out := p.Command(t, 0, "offsets", "set", "shop", "--lsn", p.Slot(t, "confirmed_flush_lsn"), "--config", p.File(t)); !strings.Contains(out, "counts more than the one in Kafka") || !strings.Contains(out, file) {
		t.Errorf("offsets set says:\n%s", out)
	}
	if err := os.Remove(file); err != nil { // as it says
		t.Fatal(err)
	}
	d = p.Streaming(t)
	p.Insert(t, 6, 6)
	p.MustHold(t, 6, false)
	p.Converge(t)
	ends(t, d)
	value := position(t, p)
	lsn, commit := value["lsn"], value["lsn_commit"]
	if lsn == nil || lsn != commit || value["lsn_proc"] != lsn || value["messageType"] != "COMMIT" || value["snapshot"] != nil || value["rdip_record"] == nil {
		t.Errorf("the position is %v", value)
	}
	if text := p.Command(t, 0, "offsets", "show", "--state-dir", p.Keys["state.dir"]); !strings.Contains(text, "exactly once (a copy)") {
		t.Errorf("offsets show says:\n%s", text)
	}
	least := p.Configured("connectors.shop.exactly.once.support", "requested")
	d = least.Streaming(t)
	p.Insert(t, 7, 7)
	p.MustHold(t, 7, false)
	p.Converge(t)
	ends(t, d)
	d = p.Streaming(t) // what was delivered at least once is known in the topic before anything else
	p.Insert(t, 8, 8)
	p.MustHold(t, 8, false)
	ends(t, d)
	p.Command(t, 0, "offsets", "reset", "shop", "--yes", "--drop-slot", "--config", p.File(t))
	d = p.Streaming(t)
	harness.Eventually(t, "a new snapshot of all rows", func() bool {
		return len(slices.DeleteFunc(p.Records(t, "items"), func(r judge.Record) bool { return r.Op != 'r' })) == 1+9
	})
	ends(t, d)
}

// K11: a topic of positions that is not the one of the copy stops the connector, until a person has decided.
func TestATopicOfPositionsThatIsAnotherOneStopsTheConnector(t *testing.T) {
	p := once(t)
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	ends(t, d)
	other := p.Configured("offset.storage.topic", p.Prefix+".others")
	d = other.Start(t)
	if code := d.Wait(t, harness.Patience); code != harness.ExitPositionLost {
		t.Errorf("exit code %d:\n%s", code, d.Out.String())
	}
	if text := d.Out.String(); !strings.Contains(text, "has no position of it") || !strings.Contains(text, "--accept-cluster") {
		t.Errorf("it ended with:\n%s", text)
	}
	p.Command(t, 0, "offsets", "set", "shop", "--accept-cluster", "--state-dir", p.Keys["state.dir"])
	d = other.Streaming(t)
	p.Insert(t, 1, 1)
	p.MustHold(t, 1, true)
	ends(t, d)
}

// The position that Debezium has written under Kafka Connect with exactly once is gone on from.
func TestAPositionOfDebeziumsInTheTopicIsGoneOnFrom(t *testing.T) {
	p := once(t)
	p.Exec(t, fmt.Sprintf("CREATE PUBLICATION %q FOR TABLE items", p.Prefix), fmt.Sprintf("SELECT pg_create_logical_replication_slot('%s', 'pgoutput')", p.Prefix))
	p.Insert(t, 1, 1)
	at := p.Query(t, "SELECT (pg_current_wal_insert_lsn() - '0/0')::text")
	p.Insert(t, 2, 2)
	client, err := kgo.NewClient(kgo.SeedBrokers(p.Kafka.Bootstrap()), kgo.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topic := p.Prefix + ".positions"
	if err := p.Kafka.CreateTopic(topic, 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	record := &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, `["shop",{"server":%q}]`, p.Prefix),
		Value: fmt.Appendf(nil, `{"lsn_proc":%s,"messageType":"COMMIT","lsn_commit":%[1]s,"lsn":%[1]s,"txId":571,"ts_usec":1700000000000000}`, at)}
	if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
		t.Fatal(err)
	}
	d := p.Streaming(t)
	d.WaitFor(t, "has a position of Debezium's")
	p.Insert(t, 3, 3)
	harness.Eventually(t, "rows 2 and 3", func() bool { return len(p.Records(t, "items")) == 2 })
	ends(t, d)
	if value := position(t, p); value["rdip_record"] == nil {
		t.Errorf("the position is %v", value)
	}
}

// G2, P25: a table that stops in the middle of a transaction goes on at the very row.
func TestExactlyOnceATableGoesOnAtTheRowAtWhichItStopped(t *testing.T) {
	p := once(t)
	p.Exec(t, "CREATE TABLE bad(id int PRIMARY KEY, n numeric(6,2))")
	d := p.Streaming(t)
	harness.SnapshotDone(t, d)
	p.Exec(t, "INSERT INTO bad VALUES (1, 1)")
	before := position(t, p)["lsn"].(float64)
	at, err := strconv.ParseFloat(p.Query(t, "SELECT (pg_current_wal_insert_lsn() - '0/0')::text"), 64)
	if err != nil {
		t.Fatal(err)
	}
	p.Exec(t,
		"INSERT INTO bad VALUES (2, 2), (3, 3); INSERT INTO items VALUES (1, 'x'); INSERT INTO bad VALUES (4, 'NaN'), (5, 5)",
		"INSERT INTO bad VALUES (6, 6)")
	p.Insert(t, 2, 2)
	p.MustHold(t, 2, false)
	d.WaitFor(t, "table stopped")
	if n := len(p.Records(t, "bad")); n != 3 {
		t.Errorf("%d rows were delivered before the table stopped", n)
	}
	ends(t, d)
	if lsn := position(t, p)["lsn"].(float64); lsn < before || lsn > at {
		t.Errorf("Debezium would go on at %.0f, where it was %.0f, and the transaction in which the table stopped begins behind %.0f", lsn, before, at)
	}
	mended := p.Configured("connectors.shop.decimal.handling.mode", "string")
	d = mended.Streaming(t)
	harness.Eventually(t, "rows 4 to 6", func() bool { return len(p.Records(t, "bad")) >= 6 })
	p.Insert(t, 3, 3)
	p.MustHold(t, 3, false)
	var keys []string
	for _, r := range p.Records(t, "bad") {
		keys = append(keys, r.Key)
	}
	if len(keys) != 6 || len(slices.Compact(slices.Sorted(slices.Values(keys)))) != 6 {
		t.Errorf("the table has the rows %v", keys)
	}
	ends(t, d)
}
