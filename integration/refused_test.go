package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/offsets"
)

// P48, D6, G7: a slot that is dropped under a running stream is not made anew, nor asked for again and
// again: rdip ends, and says what the gap is and how to go on.
func TestADroppedSlotEndsTheDaemonWithTheGapAndTheCommands(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	p.Converge(t)
	harness.Eventually(t, "the slot to be dropped", func() bool {
		return p.Query(t, fmt.Sprintf(`SELECT CASE WHEN pg_terminate_backend(active_pid, 1000) THEN '' ELSE '' END FROM pg_replication_slots WHERE slot_name = '%s'
			UNION ALL SELECT '' LIMIT 1`, p.Prefix)) == "" && p.PG.Exec(t.Context(), p.Database, "SELECT pg_drop_replication_slot('"+p.Prefix+"')") == nil
	})
	p.Insert(t, 1, 1)
	d.MustSay(t, harness.ExitPositionLost, "the slot does not exist any more", "the gap is from the stored position", "rdip offsets reset shop")
	if p.Slot(t, "slot_name") != "" {
		t.Error("the slot was made anew")
	}
}

// O6, P62: a state folder that was restored from an old copy lies behind the slot: rdip refuses, naming both
// positions, and what the topics prove lets it go on without a loss.
func TestARestoredOldStateFolderIsRefusedAndGoesOnFromWhatKafkaProves(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	file := filepath.Join(p.Keys["state.dir"], offsets.FileName)
	run(p, t, func() { p.Insert(t, 1, 3) })
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	run(p, t, func() { p.Insert(t, 4, 6) })
	if err := os.WriteFile(file, old, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Insert(t, 7, 9)
	contents, err := offsets.Dump(p.Keys["state.dir"], offsets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	place := contents.Connectors["shop"].Place
	p.Start(t).MustSay(t, harness.ExitPositionLost, fmt.Sprintf("%X/%X", place>>32, uint32(place)), p.Slot(t, "confirmed_flush_lsn"), "rdip offsets set shop --from-kafka")
	p.Command(t, harness.ExitDone, "offsets", "set", "shop", "--from-kafka", "--config", p.ConfigFile())
	run(p, t, func() { p.MustHold(t, 9, false) })
}

// run starts the daemon, does something, lets it catch up and stops it.
func run(p *harness.Pipeline, t *testing.T, during func()) {
	t.Helper()
	d := p.Streaming(t)
	during()
	p.Converge(t)
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
}

// K11: a position belongs to the Kafka cluster that it was stored for; another one is refused with both
// ids, and accepted when the user says so.
func TestAnotherKafkaClusterIsRefusedWithBothIdsUntilItIsAccepted(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	run(p, t, func() { p.Insert(t, 1, 2) })
	other := testenv.Kafka(t, kafkaserver.Options{})
	swapped := p.Configured("bootstrap.servers", other.Bootstrap())
	swapped.Kafka = other
	swapped.Start(t).MustSay(t, harness.ExitPositionLost, p.Kafka.ID, other.ID, "rdip offsets reset shop", "rdip offsets set shop --accept-cluster")
	p.Command(t, harness.ExitDone, "offsets", "set", "shop", "--accept-cluster", "--config", p.ConfigFile())
	p.Insert(t, 3, 4)
	run(swapped, t, func() {
		harness.Eventually(t, "the new rows to arrive in the other cluster", func() bool { return len(swapped.Records(t, "items")) == 2 })
	})
}

// K11: a topic that was deleted and made anew is another topic, empty of what was delivered.
func TestATopicThatWasMadeAnewIsRefusedWithBothIdsUntilItIsAccepted(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	run(p, t, func() { p.Insert(t, 1, 2) })
	topic := p.Prefix + ".public.items"
	before := topicID(p, t)
	if err := kafkaAdmin(t, p.Kafka).DeleteTopic(topic); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the topic to be gone", func() bool { _, _, ok, err := p.Kafka.Topic(topic); return err == nil && !ok })
	if err := p.Kafka.CreateTopic(topic, 1, nil); err != nil {
		t.Fatal(err)
	}
	p.Insert(t, 3, 4)
	p.Start(t).MustSay(t, harness.ExitPositionLost, topic, before, "was deleted and made anew", "--accept-cluster")
	p.Command(t, harness.ExitDone, "offsets", "set", "shop", "--accept-cluster", "--config", p.ConfigFile())
	run(p, t, func() {
		harness.Eventually(t, "the new rows to arrive in the new topic", func() bool { return len(p.Records(t, "items")) == 2 })
	})
}

// topicID is the id of the topic of items that is stored with the position.
func topicID(p *harness.Pipeline, t *testing.T) string {
	t.Helper()
	contents, err := offsets.Dump(p.Keys["state.dir"], offsets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return contents.Connectors["shop"].Topics[p.Prefix+".public.items"]
}

// R2: a schema that the registry refuses for good stops its table, with both schemas, and no other; the
// source keeps what that table has still to see, and a restart after the fix delivers it.
func TestARefusedSchemaStopsItsTableAloneAndARestartAfterTheFixLosesNothing(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	p.Exec(t, "CREATE TABLE others(id int PRIMARY KEY)", "ALTER TABLE items ADD COLUMN n int")
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	compatibility(p, t, "BACKWARD")
	p.Exec(t, "ALTER TABLE items ALTER COLUMN n TYPE text USING n::text")
	p.Insert(t, 1, 2)
	d.WaitFor(t, "table stopped; the other tables go on")
	d.WaitFor(t, "registered=") // both schemas, whole, in the log
	d.WaitFor(t, "refused=")
	p.Insert(t, 3, 3)
	p.Exec(t, "INSERT INTO others SELECT generate_series(1, 5)")
	harness.Eventually(t, "the other table's rows to arrive", func() bool { return len(p.Records(t, "others")) == 5 })
	var stopped string
	for _, table := range d.Status(t).Rdip.Tables {
		if table.Table == "public.items" {
			stopped = table.Stopped
		} else if table.Stopped != "" {
			t.Errorf("%s stopped too: %s", table.Table, table.Stopped)
		}
	}
	for _, word := range []string{p.Prefix + ".public.items-value", "version 1", "n: earlier records hold int, and it is now [null, string]"} {
		if !strings.Contains(stopped, word) {
			t.Errorf("%s is not in why the table stopped: %s", word, stopped)
		}
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	compatibility(p, t, "NONE")
	p.Insert(t, 4, 4)
	run(p, t, func() {
		p.MustHold(t, 4, false)
		p.Exec(t, "INSERT INTO others VALUES (6)")
		harness.Eventually(t, "the other table's new row to arrive", func() bool { return len(p.Records(t, "others")) >= 6 })
	})
	if n := len(p.Records(t, "others")); n != 6 {
		t.Errorf("the table that had not stopped has %d records, not 6", n)
	}
}

// compatibility sets the level of the subject of items' values.
func compatibility(p *harness.Pipeline, t *testing.T, level string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.Registry+"/config/"+p.Prefix+".public.items-value",
		strings.NewReader(`{"compatibility":"`+level+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("setting the compatibility: %s", resp.Status)
	}
}

// P70, K4: a row above max.row.bytes stops its table by name and size, before it is held in memory. Once that
// is raised, Kafka's own limit stops the table, with the command that raises it; and then the row goes through.
func TestALargeRowIsRefusedByNameAndGoesThroughOnceBothLimitsAreRaised(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	d := p.Configured("connectors.shop.max.row.bytes", "1MiB").Streaming(t)
	p.Exec(t, "INSERT INTO items VALUES (1, 'small')", "INSERT INTO items VALUES (2, repeat('x', 2000000))", "INSERT INTO items VALUES (3, 'small')")
	d.WaitFor(t, "table stopped")
	for _, word := range []string{"public.items", "2000019 bytes", "max.row.bytes: 2097152"} {
		if said := d.Out.String(); !strings.Contains(said, word) {
			t.Errorf("%q is not in:\n%s", word, said)
		}
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	p = p.Configured("connectors.shop.max.row.bytes", "2097152")
	d = p.Start(t)
	d.WaitFor(t, "table stopped")
	topic := p.Prefix + ".public.items"
	if said := d.Out.String(); !strings.Contains(said, "--entity-name "+topic+" --add-config max.message.bytes=") || strings.Contains(said, "xxx") {
		t.Errorf("the command is not told, or row data is:\n%s", said)
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	admin := kafkaAdmin(t, p.Kafka)
	limit := "3000000"
	if err := admin.AlterConfig(sarama.TopicResource, topic, map[string]*string{"max.message.bytes": &limit}, false); err != nil {
		t.Fatal(err)
	}
	p.Streaming(t)
	p.MustHold(t, 3, true)
}
