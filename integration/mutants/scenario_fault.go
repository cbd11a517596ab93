package mutants

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/workload"
)

// faultScenarios are of brokers that go away, and of rows that somebody refuses.
func faultScenarios() []scenario {
	return []scenario{
		{"broker frozen", "the broker is frozen while rows are written, the daemon killed meanwhile, and the broker goes on", brokerFrozen},
		{"connections cut", "connections to the broker break again and again, and the same rows are changed meanwhile", connectionsCut},
		{"row refused", "a row is larger than max.row.bytes: its table stops, and goes on once more is allowed", rowRefused},
		{"dead letters", "rows are too large for their topic, and become dead letters", deadLetters},
		{"topic shrunk", "max.message.bytes of a topic becomes less than a row while the daemon runs, and more again", topicShrunk},
	}
}

func brokerFrozen(t *testing.T, binary string) {
	r := begin(t, binary)
	d := r.Streaming(t)
	w := workload.Start(t, r.PG, r.Database, r.Seed, 3*time.Millisecond)
	time.Sleep(300 * time.Millisecond)
	if err := r.Kafka.Pause(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	w.Finish(t)
	time.Sleep(1500 * time.Millisecond) // for whoever thinks that this is safe
	d.Kill()
	if err := r.Kafka.Resume(); err != nil {
		t.Fatal(err)
	}
	r.ConfirmedIsDurable(t)
	if !t.Failed() {
		again(t, r)
	}
}

// connectionsCut has a broker of its own, which it reaches through a proxy.
func connectionsCut(t *testing.T, binary string) {
	kafka := testenv.Kafka(t, kafkaserver.Options{Proxied: true})
	r := with(harness.RunBetween(t, testenv.SharedPostgres(t, 18), kafka), binary, "bootstrap.servers", kafka.ProxiedBootstrap())
	d := r.Streaming(t)
	for n := range 4 {
		r.Converge(t) // nothing is under way
		kafka.Brokers[0].Proxy().Cut()
		for range 5 {
			r.Exec(t, fmt.Sprintf("UPDATE single SET version = nextval('versions'), amount = %d WHERE id <= 100", n))
			time.Sleep(50 * time.Millisecond)
		}
		kafka.Brokers[0].Proxy().Pass()
	}
	conclude(t, r, d)
}

// wideRow is larger than 1 MiB, and stays so in the log.
const wideRow = "UPDATE wide SET version = nextval('versions'), note = 'large', body = (SELECT string_agg(md5(i::text || random()::text), '') FROM generate_series(1, 50000) i) WHERE id = 1"

func rowRefused(t *testing.T, binary string) {
	r := begin(t, binary, "connectors.shop.max.row.bytes", "1MiB", "connectors.shop.topic.creation.default.max.message.bytes", "16777216")
	d := r.Streaming(t)
	r.Converge(t)
	r.Exec(t, wideRow, "UPDATE wide SET version = nextval('versions'), note = 'behind it' WHERE id = 2")
	soon(3*time.Second, func() bool { return strings.Contains(d.Out.String(), "table stopped") })
	r.Exec(t, "UPDATE single SET version = nextval('versions') WHERE id % 10 = 0")
	time.Sleep(time.Second) // for a slot that is not held
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	r.ConfirmedIsDurable(t)
	if t.Failed() {
		return
	}
	r.Setup = r.With("connectors.shop.max.row.bytes", "16MiB")
	d = r.Streaming(t)
	conclude(t, r, d)
}

// topicShrunk lowers a topic's limit behind the daemon's back, and raises it again.
func topicShrunk(t *testing.T, binary string) {
	r := begin(t, binary, "compression.type", "none")
	d := r.Streaming(t)
	r.Converge(t)
	topic := r.Prefix + ".public.wide"
	limit(t, r, topic, "20000")
	r.Exec(t, "UPDATE wide SET version = nextval('versions'), note = 'large', body = repeat(md5(id::text), 1000) WHERE id = 1")
	time.Sleep(1500 * time.Millisecond) // for whoever thinks that it arrived
	limit(t, r, topic, "1048588")
	select {
	case <-d.Done:
	case <-time.After(500 * time.Millisecond):
		d.Kill()
	}
	again(t, r)
}

func limit(t *testing.T, r *harness.Run, topic, bytes string) {
	t.Helper()
	client, err := sarama.NewClient([]string{r.Kafka.Bootstrap()}, kafkaserver.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	if err := admin.AlterConfig(sarama.TopicResource, topic, map[string]*string{"max.message.bytes": &bytes}, false); err != nil {
		t.Fatal(err)
	}
}

// deadLetters has changes before, between and behind those that are dead letters, of the same rows too.
func deadLetters(t *testing.T, binary string) {
	r := begin(t, binary, "compression.type", "none", "connectors.shop.topic.creation.default.max.message.bytes", "20000", "connectors.shop.errors.tolerance", "all",
		"connectors.shop.errors.deadletterqueue.topic.name", testenv.Name("letters"), "connectors.shop.errors.deadletterqueue.topic.replication.factor", "1",
		"connectors.shop.errors.deadletterqueue.context.headers.enable", "true")
	d := r.Streaming(t)
	r.Converge(t)
	const large = "UPDATE wide SET version = nextval('versions'), note = 'large', body = repeat(md5(id::text), 1000) WHERE id IN (1, 2)"
	r.Exec(t, "UPDATE wide SET version = nextval('versions'), note = 'before' WHERE id <= 4", large,
		"UPDATE wide SET version = nextval('versions'), note = 'the body stays' WHERE id = 1",
		"DO 'BEGIN "+strings.ReplaceAll("UPDATE single SET version = nextval('versions') WHERE id <= 3; "+large+"; UPDATE wide SET version = nextval('versions'), note = 'with it' WHERE id = 3;", "'", "''")+" END'",
		"INSERT INTO wide VALUES (900, nextval('versions'), 'made large', repeat(md5('900'), 1000)), (901, nextval('versions'), 'made small', 'small')",
		"DELETE FROM wide WHERE id = 2", "UPDATE wide SET version = nextval('versions'), note = 'behind' WHERE id <= 4")
	conclude(t, r, d)
}
