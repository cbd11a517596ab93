package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"rdip/integration/testenv/kafkaserver"
	"rdip/internal/failpoint"
)

// signalsPipeline takes signals from a table that no list names.
func signalsPipeline(t *testing.T, version int) *pipeline {
	t.Helper()
	p := itemsPipeline(t, version)
	p.exec(t, "INSERT INTO items SELECT i, 'row' FROM generate_series(1, 9) i",
		"CREATE TABLE debezium_signal(id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048))",
		"INSERT INTO debezium_signal VALUES ('old', 'execute-snapshot', '{\"data-collections\": [\"public.items\"]}')")
	return p.configured("connectors.shop.table.include.list", `public\.items`, "connectors.shop.signal.data.collection", "public.debezium_signal",
		"connectors.shop.snapshot.mode", "no_data")
}

func (p *pipeline) signal(t *testing.T, id, kind, data string) {
	t.Helper()
	p.exec(t, fmt.Sprintf("INSERT INTO debezium_signal VALUES ('%s', '%s', '%s')", id, kind, strings.ReplaceAll(data, "'", "''")))
}

// readsOf waits until the rows of items were read as often as is wanted: "1:2 2:1" and so on, by their keys.
func (p *pipeline) readsOf(t *testing.T, want map[string]int) {
	t.Helper()
	eventually(t, fmt.Sprintf("items to be read %v", want), func() bool { return fmt.Sprint(p.readKeys(t, "items", "id")) == fmt.Sprint(want) })
}

// The table's rows are signals in Debezium's form. They go to no topic; one that means nothing is a notice, and the
// stream goes on; what it holds from before is not acted upon.
func TestSignalsOfATableAskForSnapshots(t *testing.T) {
	p := signalsPipeline(t, 16)
	d := p.streaming(t)
	p.signal(t, "one", "execute-snapshot", `{"data-collections": ["PUBLIC\\.it.*"], "type": "incremental", "additional-conditions": [{"data-collection": "public.items", "filter": "id < 2 AND note <> 'x'"}]}`)
	p.readsOf(t, map[string]int{"0": 1, "1": 1})
	for _, s := range [][3]string{
		{"typed", "execute-snapshot", `{"data-collections": 7}`}, {"torn", "execute-snapshot", `{"data-coll`}, {"none", "execute-snapshot", `{}`},
		{"lost", "execute-snapshot", `{"data-collections": ["public.itemz"]}`}, {"wrong", "execute-snapshot", `{"data-collections": ["public.items"], "additional-conditions": [{"data-collection": "public.items", "filter": "nothing = 1"}]}`},
	} {
		p.signal(t, s[0], s[1], s[2])
	}
	words := []string{`"typed"`, `"torn"`, `"none"`, "did you mean public.items", `column "nothing" does not exist`}
	eventually(t, "notices of what could not be done", func() bool {
		all := strings.Join(d.status(t).Rdip.Notices, "\n")
		for _, word := range words {
			if !strings.Contains(all, word) {
				return false
			}
		}
		return true
	})
	p.signal(t, "idle", "stop-snapshot", "")
	d.waitFor(t, `no snapshot is under way`)
	p.signal(t, "said", "log", `{"message": "a word from the database"}`)
	d.waitFor(t, "a word from the database")
	p.signal(t, "two", "execute-snapshot", `{"data-collections": ["public.items"], "type": "BLOCKING", "additional-conditions": [{"data-collection": "public.items", "filter": "id = 9"}]}`)
	p.readsOf(t, map[string]int{"0": 1, "1": 1, "9": 1})
	d.waitFor(t, "read as an incremental one")
	p.insert(t, 20, 21)
	eventually(t, "the stream to go on", func() bool { return len(p.records(t, "items")) == 5 })
	if got := p.records(t, "debezium_signal"); len(got) != 0 {
		t.Errorf("signals went to a topic: %v", got)
	}
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	d = p.streaming(t)
	p.insert(t, 22, 22)
	eventually(t, "the stream to go on after a restart", func() bool { return len(p.records(t, "items")) == 6 })
	if left := d.snapshots(t)["public.items"]; left.By != "signal two" || left.State != "finished" {
		t.Errorf("the newest snapshot is %+v", left)
	}
}

// A signal table that the lists choose is captured like any other, too; one that they do not choose is in no snapshot.
func TestASignalTableIsAnOrdinaryTableWhereTheListsChooseIt(t *testing.T) {
	p := signalsPipeline(t, 18).configured("connectors.shop.snapshot.mode", "initial")
	d := p.streaming(t)
	eventually(t, "the first snapshot", func() bool { return len(p.readKeys(t, "items", "id")) == 10 })
	if got := p.records(t, "debezium_signal"); len(got) != 0 {
		t.Errorf("a table of signals alone was copied: %v", got)
	}
	p = p.configured("connectors.shop.table.include.list", `public\..*`)
	p.file(t)
	p.rdip(t, exitDone, p.flags(t, d, "reload")...)
	eventually(t, "the signals of before to be read as rows", func() bool { return len(p.records(t, "debezium_signal")) == 1 })
	p.signal(t, "one", "execute-snapshot", `{"data-collections": ["public.items"], "additional-conditions": [{"data-collection": "public.items", "filter": "id = 4"}]}`)
	p.readsOf(t, map[string]int{"0": 1, "1": 1, "2": 1, "3": 1, "4": 2, "5": 1, "6": 1, "7": 1, "8": 1, "9": 1})
	eventually(t, "the signal in its topic", func() bool { return len(p.records(t, "debezium_signal")) == 2 })
}

// D1: kill -9 after a signal was taken, wherever: what it asks for is done, once.
func TestASignalIsActedUponOnceOverAKill(t *testing.T) {
	for _, point := range []string{failpoint.WindowOpened, failpoint.WindowEmitted, failpoint.ChunkStored} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			p := signalsPipeline(t, 18)
			p.tags = []string{"failpoints"}
			killed := p.configured()
			killed.env = []string{"RDIP_FAILPOINT=" + point + ":1"}
			d := killed.streaming(t)
			p.signal(t, "one", "execute-snapshot", `{"data-collections": ["public.items"]}`)
			<-d.done
			d = p.streaming(t)
			eventually(t, "the snapshot to be finished", func() bool { return d.snapshots(t)["public.items"].State == "finished" })
			asked := d.snapshots(t)["public.items"]
			p.insert(t, 20, 20)
			eventually(t, "the stream to be behind the signal", func() bool {
				all := p.records(t, "items")
				return len(all) > 0 && all[len(all)-1].Key == "20" || len(p.readKeys(t, "items", "id")) == 10
			})
			p.converge(t)
			if now := d.snapshots(t)["public.items"]; now.State != "finished" || now.Rows != asked.Rows || now.Rows != 10 {
				t.Errorf("the snapshot is %+v, and was %+v", now, asked)
			}
		})
	}
}

// The topic's records are signals where their key is topic.prefix. Where it was read to is remembered: what came
// while rdip was away is acted upon, and nothing twice; what was there before the connector is not.
func TestSignalsOfATopicAskForSnapshots(t *testing.T) {
	p := signalsPipeline(t, 18)
	topic := p.prefix + "-signal"
	p = p.configured("connectors.shop.signal.enabled.channels", "source,kafka", "connectors.shop.signal.kafka.bootstrap.servers", p.kafka.Bootstrap())
	if err := p.kafka.CreateTopic(topic, 1, nil); err != nil {
		t.Fatal(err)
	}
	settings := kafkaserver.ClientConfig()
	settings.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer([]string{p.kafka.Bootstrap()}, settings)
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
	send(p.prefix, only("9"))
	d := p.streaming(t)
	d.waitFor(t, "the signal topic is read")
	send(p.prefix, "no JSON")
	d.waitFor(t, "is no signal")
	send("another", only("8"))
	send(p.prefix, only("1"))
	p.readsOf(t, map[string]int{"1": 1})
	if code := d.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	send(p.prefix, only("2"))
	d = p.streaming(t)
	p.readsOf(t, map[string]int{"1": 1, "2": 1})
	d.kill()
	p.streaming(t)
	send(p.prefix, only("3"))
	p.readsOf(t, map[string]int{"1": 1, "2": 1, "3": 1})
}

// Keys of signals that mean nothing here are refused by name.
func TestSignalsThatCannotBeReadAreRefusedByName(t *testing.T) {
	p := itemsPipeline(t, 18)
	for name, c := range map[string]struct{ key, value, words string }{
		"the file channel":   {"signal.enabled.channels", "source,file", "the channel file is not supported"},
		"the JMX channel":    {"signal.enabled.channels", "jmx", "the channel jmx is not supported"},
		"another cluster":    {"signal.kafka.bootstrap.servers", "elsewhere:9092", "not in bootstrap.servers"},
		"no schema":          {"signal.data.collection", "signals", "one table as schema.table"},
		"a table that lacks": {"signal.data.collection", "public.absent", "CREATE TABLE"},
	} {
		q := p.configured("connectors.shop."+c.key, c.value)
		q.file(t)
		code := exitConfiguration
		if c.value == "public.absent" {
			code = exitDone
		}
		if out := q.rdip(t, code, "check", q.configFile()); !strings.Contains(out, c.words) {
			t.Errorf("%s: rdip check says, without %q:\n%s", name, c.words, out)
		}
	}
}
