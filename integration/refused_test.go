package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/offsets"
)

// P48, D6, G7: a slot that is dropped under a running stream is not made anew, nor asked for again and
// again: rdip ends, and says what the gap is and how to go on.
func TestADroppedSlotEndsTheDaemonWithTheGapAndTheCommands(t *testing.T) {
	p := itemsPipeline(t, 18)
	d := p.streaming(t)
	p.mustHold(t, 0, false)
	p.converge(t)
	eventually(t, "the slot to be dropped", func() bool {
		return p.query(t, fmt.Sprintf(`SELECT CASE WHEN pg_terminate_backend(active_pid, 1000) THEN '' ELSE '' END FROM pg_replication_slots WHERE slot_name = '%s'
			UNION ALL SELECT '' LIMIT 1`, p.prefix)) == "" && p.pg.Exec(t.Context(), p.database, "SELECT pg_drop_replication_slot('"+p.prefix+"')") == nil
	})
	p.insert(t, 1, 1)
	d.mustSay(t, exitPositionLost, "the slot does not exist any more", "the gap is from the stored position", "rdip offsets reset shop")
	if p.slot(t, "slot_name") != "" {
		t.Error("the slot was made anew")
	}
}

// O6, P62: a state folder that was restored from an old copy lies behind the slot: rdip refuses, naming both
// positions, and what the topics prove lets it go on without a loss.
func TestARestoredOldStateFolderIsRefusedAndGoesOnFromWhatKafkaProves(t *testing.T) {
	p := itemsPipeline(t, 18)
	file := filepath.Join(p.keys["state.dir"], offsets.FileName)
	p.run(t, func() { p.insert(t, 1, 3) })
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p.run(t, func() { p.insert(t, 4, 6) })
	if err := os.WriteFile(file, old, 0o600); err != nil {
		t.Fatal(err)
	}
	p.insert(t, 7, 9)
	contents, err := offsets.Dump(p.keys["state.dir"], offsets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	place := contents.Connectors["shop"].Place
	p.start(t).mustSay(t, exitPositionLost, fmt.Sprintf("%X/%X", place>>32, uint32(place)), p.slot(t, "confirmed_flush_lsn"), "rdip offsets set shop --from-kafka")
	p.rdip(t, exitDone, "offsets", "set", "shop", "--from-kafka", "--config", p.configFile())
	p.run(t, func() { p.mustHold(t, 9, false) })
}

// run starts the daemon, does something, lets it catch up and stops it.
func (p *pipeline) run(t *testing.T, during func()) {
	t.Helper()
	d := p.streaming(t)
	during()
	p.converge(t)
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// K11: a position belongs to the Kafka cluster that it was stored for; another one is refused with both
// ids, and accepted when the user says so.
func TestAnotherKafkaClusterIsRefusedWithBothIdsUntilItIsAccepted(t *testing.T) {
	p := itemsPipeline(t, 18)
	p.run(t, func() { p.insert(t, 1, 2) })
	other := testenv.Kafka(t, kafkaserver.Options{})
	swapped := p.configured("bootstrap.servers", other.Bootstrap())
	swapped.kafka = other
	swapped.start(t).mustSay(t, exitPositionLost, p.kafka.ID, other.ID, "rdip offsets reset shop", "rdip offsets set shop --accept-cluster")
	p.rdip(t, exitDone, "offsets", "set", "shop", "--accept-cluster", "--config", p.configFile())
	p.insert(t, 3, 4)
	swapped.run(t, func() {
		eventually(t, "the new rows to arrive in the other cluster", func() bool { return len(swapped.records(t, "items")) == 2 })
	})
}

// K11: a topic that was deleted and made anew is another topic, empty of what was delivered.
func TestATopicThatWasMadeAnewIsRefusedWithBothIdsUntilItIsAccepted(t *testing.T) {
	p := itemsPipeline(t, 18)
	p.run(t, func() { p.insert(t, 1, 2) })
	topic := p.prefix + ".public.items"
	before := p.topicID(t)
	if err := kafkaAdmin(t, p.kafka).DeleteTopic(topic); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the topic to be gone", func() bool { _, _, ok, err := p.kafka.Topic(topic); return err == nil && !ok })
	if err := p.kafka.CreateTopic(topic, 1, nil); err != nil {
		t.Fatal(err)
	}
	p.insert(t, 3, 4)
	p.start(t).mustSay(t, exitPositionLost, topic, before, "was deleted and made anew", "--accept-cluster")
	p.rdip(t, exitDone, "offsets", "set", "shop", "--accept-cluster", "--config", p.configFile())
	p.run(t, func() {
		eventually(t, "the new rows to arrive in the new topic", func() bool { return len(p.records(t, "items")) == 2 })
	})
}

// topicID is the id of the topic of items that is stored with the position.
func (p *pipeline) topicID(t *testing.T) string {
	t.Helper()
	contents, err := offsets.Dump(p.keys["state.dir"], offsets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return contents.Connectors["shop"].Topics[p.prefix+".public.items"]
}

// R2: a schema that the registry refuses for good stops its table, with both schemas, and no other; the
// source keeps what that table has still to see, and a restart after the fix delivers it.
func TestARefusedSchemaStopsItsTableAloneAndARestartAfterTheFixLosesNothing(t *testing.T) {
	p := itemsPipeline(t, 18)
	p.exec(t, "CREATE TABLE others(id int PRIMARY KEY)", "ALTER TABLE items ADD COLUMN n int")
	d := p.streaming(t)
	p.mustHold(t, 0, false)
	p.compatibility(t, "BACKWARD")
	p.exec(t, "ALTER TABLE items ALTER COLUMN n TYPE text USING n::text")
	p.insert(t, 1, 2)
	d.waitFor(t, "table stopped; the other tables go on")
	d.waitFor(t, "registered=") // both schemas, whole, in the log
	d.waitFor(t, "refused=")
	p.insert(t, 3, 3)
	p.exec(t, "INSERT INTO others SELECT generate_series(1, 5)")
	eventually(t, "the other table's rows to arrive", func() bool { return len(p.records(t, "others")) == 5 })
	var stopped string
	for _, table := range d.status(t).Rdip.Tables {
		if table.Table == "public.items" {
			stopped = table.Stopped
		} else if table.Stopped != "" {
			t.Errorf("%s stopped too: %s", table.Table, table.Stopped)
		}
	}
	for _, word := range []string{p.prefix + ".public.items-value", "version 1", "n: earlier records hold int, and it is now [null, string]"} {
		if !strings.Contains(stopped, word) {
			t.Errorf("%s is not in why the table stopped: %s", word, stopped)
		}
	}
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	p.compatibility(t, "NONE")
	p.insert(t, 4, 4)
	p.run(t, func() {
		p.mustHold(t, 4, false)
		p.exec(t, "INSERT INTO others VALUES (6)")
		eventually(t, "the other table's new row to arrive", func() bool { return len(p.records(t, "others")) >= 6 })
	})
	if n := len(p.records(t, "others")); n != 6 {
		t.Errorf("the table that had not stopped has %d records, not 6", n)
	}
}

// compatibility sets the level of the subject of items' values.
func (p *pipeline) compatibility(t *testing.T, level string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.registry+"/config/"+p.prefix+".public.items-value",
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
	p := itemsPipeline(t, 18)
	d := p.configured("connectors.shop.max.row.bytes", "1MiB").streaming(t)
	p.exec(t, "INSERT INTO items VALUES (1, 'small')", "INSERT INTO items VALUES (2, repeat('x', 2000000))", "INSERT INTO items VALUES (3, 'small')")
	d.waitFor(t, "table stopped")
	for _, word := range []string{"public.items", "2000019 bytes", "max.row.bytes: 2097152"} {
		if said := d.out.String(); !strings.Contains(said, word) {
			t.Errorf("%q is not in:\n%s", word, said)
		}
	}
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	p = p.configured("connectors.shop.max.row.bytes", "2097152")
	d = p.start(t)
	d.waitFor(t, "table stopped")
	topic := p.prefix + ".public.items"
	if said := d.out.String(); !strings.Contains(said, "--entity-name "+topic+" --add-config max.message.bytes=") || strings.Contains(said, "xxx") {
		t.Errorf("the command is not told, or row data is:\n%s", said)
	}
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	admin := kafkaAdmin(t, p.kafka)
	limit := "3000000"
	if err := admin.AlterConfig(sarama.TopicResource, topic, map[string]*string{"max.message.bytes": &limit}, false); err != nil {
		t.Fatal(err)
	}
	p.streaming(t)
	p.mustHold(t, 3, true)
}
