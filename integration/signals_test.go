package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"rdip/integration/harness"
	"rdip/integration/testenv/kafkaserver"
	"rdip/internal/failpoint"
)

// signalsPipeline takes signals from a table that no list names.
func signalsPipeline(t *testing.T, version int) *harness.Pipeline {
	t.Helper()
	p := harness.ItemsPipeline(t, version)
	p.Exec(t, "INSERT INTO items SELECT i, 'row' FROM generate_series(1, 9) i",
		"CREATE TABLE debezium_signal(id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048))",
		"INSERT INTO debezium_signal VALUES ('old', 'execute-snapshot', '{\"data-collections\": [\"public.items\"]}')")
	return p.Configured("connectors.shop.table.include.list", `public\.items`, "connectors.shop.signal.data.collection", "public.debezium_signal",
		"connectors.shop.snapshot.mode", "no_data")
}

func signal(p *harness.Pipeline, t *testing.T, id, kind, data string) {
	t.Helper()
	p.Exec(t, fmt.Sprintf("INSERT INTO debezium_signal VALUES ('%s', '%s', '%s')", id, kind, strings.ReplaceAll(data, "'", "''")))
}

// readsOf waits until the rows of items were read as often as is wanted: "1:2 2:1" and so on, by their keys.
func readsOf(p *harness.Pipeline, t *testing.T, want map[string]int) {
	t.Helper()
	harness.Eventually(t, fmt.Sprintf("items to be read %v", want), func() bool { return fmt.Sprint(readKeys(p, t, "items", "id")) == fmt.Sprint(want) })
}

// The table's rows are signals in Debezium's form. They go to no topic; one that means nothing is a notice, and the
// stream goes on; what it holds from before is not acted upon.
func TestSignalsOfATableAskForSnapshots(t *testing.T) {
	p := signalsPipeline(t, 16)
	d := p.Streaming(t)
	signal(p, t, "one", "execute-snapshot", `{"data-collections": ["PUBLIC\\.it.*"], "type": "incremental", "additional-conditions": [{"data-collection": "public.items", "filter": "id < 2 AND note <> 'x'"}]}`)
	readsOf(p, t, map[string]int{"0": 1, "1": 1})
	for _, s := range [][3]string{
		{"typed", "execute-snapshot", `{"data-collections": 7}`}, {"torn", "execute-snapshot", `{"data-coll`}, {"none", "execute-snapshot", `{}`},
		{"lost", "execute-snapshot", `{"data-collections": ["public.itemz"]}`}, {"wrong", "execute-snapshot", `{"data-collections": ["public.items"], "additional-conditions": [{"data-collection": "public.items", "filter": "nothing = 1"}]}`},
	} {
		signal(p, t, s[0], s[1], s[2])
	}
	words := []string{`"typed"`, `"torn"`, `"none"`, "did you mean public.items", `column "nothing" does not exist`}
	harness.Eventually(t, "notices of what could not be done", func() bool {
		all := strings.Join(d.Status(t).Rdip.Notices, "\n")
		for _, word := range words {
			if !strings.Contains(all, word) {
				return false
			}
		}
		return true
	})
	signal(p, t, "idle", "stop-snapshot", "")
	d.WaitFor(t, `no snapshot is under way`)
	signal(p, t, "said", "log", `{"message": "a word from the database"}`)
	d.WaitFor(t, "a word from the database")
	signal(p, t, "two", "execute-snapshot", `{"data-collections": ["public.items"], "type": "BLOCKING", "additional-conditions": [{"data-collection": "public.items", "filter": "id = 9"}]}`)
	readsOf(p, t, map[string]int{"0": 1, "1": 1, "9": 1})
	d.WaitFor(t, "read as an incremental one")
	p.Insert(t, 20, 21)
	harness.Eventually(t, "the stream to go on", func() bool { return len(p.Records(t, "items")) == 5 })
	if got := p.Records(t, "debezium_signal"); len(got) != 0 {
		t.Errorf("signals went to a topic: %v", got)
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	d = p.Streaming(t)
	p.Insert(t, 22, 22)
	harness.Eventually(t, "the stream to go on after a restart", func() bool { return len(p.Records(t, "items")) == 6 })
	if left := snapshots(d, t)["public.items"]; left.By != "signal two" || left.State != "finished" {
		t.Errorf("the newest snapshot is %+v", left)
	}
}

// A signal table that the lists choose is captured like any other, too; one that they do not choose is in no snapshot.
func TestASignalTableIsAnOrdinaryTableWhereTheListsChooseIt(t *testing.T) {
	p := signalsPipeline(t, 18).Configured("connectors.shop.snapshot.mode", "initial")
	d := p.Streaming(t)
	harness.Eventually(t, "the first snapshot", func() bool { return len(readKeys(p, t, "items", "id")) == 10 })
	if got := p.Records(t, "debezium_signal"); len(got) != 0 {
		t.Errorf("a table of signals alone was copied: %v", got)
	}
	p = p.Configured("connectors.shop.table.include.list", `public\..*`)
	p.File(t)
	p.Command(t, harness.ExitDone, flags(p, t, d, "reload")...)
	harness.Eventually(t, "the signals of before to be read as rows", func() bool { return len(p.Records(t, "debezium_signal")) == 1 })
	signal(p, t, "one", "execute-snapshot", `{"data-collections": ["public.items"], "additional-conditions": [{"data-collection": "public.items", "filter": "id = 4"}]}`)
	readsOf(p, t, map[string]int{"0": 1, "1": 1, "2": 1, "3": 1, "4": 2, "5": 1, "6": 1, "7": 1, "8": 1, "9": 1})
	harness.Eventually(t, "the signal in its topic", func() bool { return len(p.Records(t, "debezium_signal")) == 2 })
}

// D1: kill -9 after a signal was taken, wherever: what it asks for is done, once.
func TestASignalIsActedUponOnceOverAKill(t *testing.T) {
	for _, point := range []string{failpoint.WindowOpened, failpoint.WindowEmitted, failpoint.ChunkStored} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			p := signalsPipeline(t, 18)
			p.Tags = []string{"failpoints"}
			killed := p.Configured()
			killed.Env = []string{"RDIP_FAILPOINT=" + point + ":1"}
			d := killed.Streaming(t)
			signal(p, t, "one", "execute-snapshot", `{"data-collections": ["public.items"]}`)
			<-d.Done
			d = p.Streaming(t)
			harness.Eventually(t, "the snapshot to be finished", func() bool { return snapshots(d, t)["public.items"].State == "finished" })
			asked := snapshots(d, t)["public.items"]
			p.Insert(t, 20, 20)
			harness.Eventually(t, "the stream to be behind the signal", func() bool {
				all := p.Records(t, "items")
				return len(all) > 0 && all[len(all)-1].Key == "20" || len(readKeys(p, t, "items", "id")) == 10
			})
			p.Converge(t)
			if now := snapshots(d, t)["public.items"]; now.State != "finished" || now.Rows != asked.Rows || now.Rows != 10 {
				t.Errorf("the snapshot is %+v, and was %+v", now, asked)
			}
		})
	}
}

// The topic's records are signals where their key is topic.prefix. Where it was read to is remembered: what came
// while rdip was away is acted upon, and nothing twice; what was there before the connector is not.
func TestSignalsOfATopicAskForSnapshots(t *testing.T) {
	p := signalsPipeline(t, 18)
	topic := p.Prefix + "-signal"
	p = p.Configured("connectors.shop.signal.enabled.channels", "source,kafka", "connectors.shop.signal.kafka.bootstrap.servers", p.Kafka.Bootstrap())
	if err := p.Kafka.CreateTopic(topic, 1, nil); err != nil {
		t.Fatal(err)
	}
	settings := kafkaserver.ClientConfig()
	settings.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer([]string{p.Kafka.Bootstrap()}, settings)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	send := func(key, value string) {
		t.Helper()
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(value)}); err != nil {
			t.Fatal(err)
		}
	}
	only := func(id string) string {
		return fmt.Sprintf(`{"id": "k%s", "type": "execute-snapshot", "data": {"data-collections": ["public.items"], "additional-conditions": [{"data-collection": "public.items", "filter": "id = %[1]s"}]}}`, id)
	}
	send(p.Prefix, only("9"))
	d := p.Streaming(t)
	d.WaitFor(t, "the signal topic is read")
	send(p.Prefix, "no JSON")
	d.WaitFor(t, "is no signal")
	send("another", only("8"))
	send(p.Prefix, only("1"))
	readsOf(p, t, map[string]int{"1": 1})
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	send(p.Prefix, only("2"))
	d = p.Streaming(t)
	readsOf(p, t, map[string]int{"1": 1, "2": 1})
	d.Kill()
	p.Streaming(t)
	send(p.Prefix, only("3"))
	readsOf(p, t, map[string]int{"1": 1, "2": 1, "3": 1})
}

// Keys of signals that mean nothing here are refused by name.
func TestSignalsThatCannotBeReadAreRefusedByName(t *testing.T) {
	p := harness.ItemsPipeline(t, 18)
	for name, c := range map[string]struct{ key, value, words string }{
		"the file channel":   {"signal.enabled.channels", "source,file", "the channel file is not supported"},
		"the JMX channel":    {"signal.enabled.channels", "jmx", "the channel jmx is not supported"},
		"another cluster":    {"signal.kafka.bootstrap.servers", "elsewhere:9092", "not in bootstrap.servers"},
		"no schema":          {"signal.data.collection", "signals", "one table as schema.table"},
		"a table that lacks": {"signal.data.collection", "public.absent", "CREATE TABLE"},
	} {
		q := p.Configured("connectors.shop."+c.key, c.value)
		q.File(t)
		code := harness.ExitConfiguration
		if c.value == "public.absent" {
			code = harness.ExitDone
		}
		if out := q.Command(t, code, "check", q.ConfigFile()); !strings.Contains(out, c.words) {
			t.Errorf("%s: rdip check says, without %q:\n%s", name, c.words, out)
		}
	}
}
