package integration

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/schema/client"
)

// tailed is Kafka and a registry with golden records in topics of the test's own.
type tailed struct {
	kafka    *kafkaserver.Cluster
	registry string
	prefix   string
}

// newTailed writes what Debezium wrote to one table, under a prefix of the test's own.
func newTailed(t *testing.T, tables ...string) *tailed {
	t.Helper()
	e := &tailed{kafka: testenv.SharedKafka(t), registry: testenv.SharedRegistry(t).URL(), prefix: testenv.Name("tail")}
	golden := readGolden(t)
	registry, err := client.New(client.Config{URLs: e.registry})
	if err != nil {
		t.Fatal(err)
	}
	defer registry.Close()
	for _, table := range tables {
		topic := e.prefix + ".public." + table
		if err := e.kafka.CreateTopic(topic, 1, nil); err != nil {
			t.Fatal(err)
		}
		for _, w := range golden["zoo.public."+table] {
			e.produce(t, &sarama.ProducerMessage{Topic: topic, Headers: headersOf(w),
				Key:   registered(t, registry, topic+"-key", w.KeySchema, w.Key),
				Value: registered(t, registry, topic+"-value", w.ValueSchema, w.Value)})
		}
	}
	return e
}

func headersOf(w wire) (out []sarama.RecordHeader) {
	for _, h := range w.Headers {
		key, value, _ := strings.Cut(h, "=")
		out = append(out, sarama.RecordHeader{Key: []byte(key), Value: []byte(value)})
	}
	return out
}

// registered is a golden payload under the id that its schema has in this registry; nil for null.
func registered(t *testing.T, registry *client.Client, subject, schema string, payload []byte) sarama.Encoder {
	t.Helper()
	if payload == nil {
		return nil
	}
	id, err := registry.Register(t.Context(), subject, schema)
	if err != nil {
		t.Fatal(err)
	}
	out := slices.Clone(payload)
	binary.BigEndian.PutUint32(out[1:], uint32(id))
	return sarama.ByteEncoder(out)
}

func (e *tailed) produce(t *testing.T, m *sarama.ProducerMessage) {
	t.Helper()
	config := kafkaserver.ClientConfig()
	config.Producer.Return.Successes = true
	p, err := sarama.NewSyncProducer(strings.Split(e.kafka.Bootstrap(), ","), config)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, _, err := p.SendMessage(m); err != nil {
		t.Fatal(err)
	}
}

func (e *tailed) topic(table string) string { return e.prefix + ".public." + table }

// tail runs rdip tail on the servers, and gives its lines, its complaints and its exit code.
func (e *tailed) tail(t *testing.T, args ...string) (lines []string, complaints string, code int) {
	t.Helper()
	return tail(t, append(args, "--bootstrap-server", e.kafka.Bootstrap(), "--schema-registry-url", e.registry)...)
}

func tail(t *testing.T, args ...string) (lines []string, complaints string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, harness.Binary(t), append([]string{"tail"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	return slices.Collect(strings.Lines(out.String())), errs.String(), cmd.ProcessState.ExitCode()
}

func TestTailShowsWhatDebeziumWroteToApacheKafka(t *testing.T) {
	e := newTailed(t, "t_full")
	lines, complaints, code := e.tail(t, e.topic("t_full"), "--from-beginning", "--no-follow")
	want := []string{
		"read       id=1  v: one, n: 1.500", "read       id=2  v: two, n: null", "create     id=3  v: three, n: 3.125",
		"update     id=3  v: three → three!", "update     id=3  v: three! → null",
		"delete     id=3  key becomes id=33", "tombstone  id=3", "create     id=33  key was id=3; v: null, n: 3.125",
		"delete     id=33  was v: null, n: 3.125", "tombstone  id=33",
	}
	if code != 0 || len(lines) != len(want) {
		t.Fatalf("exit code %d, %s\n%s", code, complaints, strings.Join(lines, ""))
	}
	for i := range want {
		if !strings.Contains(lines[i], "public.t_full  "+want[i]) {
			t.Errorf("line %d is %q, needed is %q", i, lines[i], want[i])
		}
	}
}

func TestTailGivesJSONThatIsLosslessAndRawThatIsTheBytes(t *testing.T) {
	e := newTailed(t, "t_num")
	lines, _, code := e.tail(t, e.topic("t_num"), "--from-beginning", "--no-follow", "--format", "json")
	golden := readGolden(t)["zoo.public.t_num"]
	if code != 0 || len(lines) != len(golden) {
		t.Fatalf("exit code %d, %d lines for %d records", code, len(lines), len(golden))
	}
	for i, line := range lines {
		var r struct {
			Topic  string
			Offset int
			Key    struct{ ID int }
			Value  *struct {
				Op    string
				After *struct {
					N38 string `json:"n38_10"`
				}
			}
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if r.Topic != e.topic("t_num") || r.Offset != i || (r.Value == nil) != (golden[i].Value == nil) {
			t.Errorf("line %d: %s", i, line)
		}
		if i == 0 && (r.Key.ID != 1 || r.Value.Op != "r" || r.Value.After.N38 != "CUmw9vACMxPESZBOzGdFFQ==") {
			t.Errorf("the first record: %s", line)
		}
	}
	lines, _, code = tail(t, e.topic("t_num"), "--from-beginning", "--max", "1", "--format", "raw", "--bootstrap-server", e.kafka.Bootstrap(),
		"--schema-registry-url", "http://127.0.0.1:1") // raw asks no registry
	if code != 0 || len(lines) != 1 || !strings.HasPrefix(lines[0], e.topic("t_num")+"/0@0\t0000") {
		t.Errorf("raw: exit code %d, %q", code, lines)
	}
}

func TestTailFollowsTopicsOfAPatternUntilItIsStopped(t *testing.T) {
	e := newTailed(t, "t_full", "t_int")
	var out, errs harness.LockedBuffer
	cmd := exec.Command(harness.Binary(t), "tail", e.prefix+".*", "--from-beginning", "--key", "id=1",
		"--bootstrap-server", e.kafka.Bootstrap(), "--schema-registry-url", e.registry)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	harness.Eventually(t, "lines of both topics", func() bool {
		return strings.Contains(out.String(), "public.t_full") && strings.Contains(out.String(), "public.t_int")
	})
	select {
	case <-time.After(time.Second): // it goes on
	case <-t.Context().Done():
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, errs.String())
	}
	for line := range strings.Lines(out.String()) {
		if !strings.Contains(line, "id=1") {
			t.Errorf("a line of another key: %s", line)
		}
	}
}

func TestTailPassesOverWhatDoesNotDecodeAndSaysSo(t *testing.T) {
	e := newTailed(t, "t_full")
	topic := e.topic("t_full")
	e.produce(t, &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("neither Avro nor JSON")})
	lines, complaints, code := e.tail(t, topic, "--from-beginning", "--no-follow")
	if code != 1 || len(lines) != 10 || !strings.Contains(complaints, topic+"/0@10") || !strings.Contains(complaints, "1 of 11") || !strings.Contains(complaints, "--format raw") {
		t.Errorf("exit code %d, %d lines: %s", code, len(lines), complaints)
	}
}

func TestTailsErrorsSayWhatToType(t *testing.T) {
	e := newTailed(t, "t_full")
	topic := e.topic("t_full")
	unknown := e.prefix + ".unknown"
	if err := e.kafka.CreateTopic(unknown, 1, nil); err != nil {
		t.Fatal(err)
	}
	e.produce(t, &sarama.ProducerMessage{Topic: unknown, Value: sarama.ByteEncoder{0, 0x7f, 0, 0, 0, 2}})
	kafka, registry := []string{"--bootstrap-server", e.kafka.Bootstrap()}, []string{"--schema-registry-url", e.registry}
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"a topic that is not there":     {slices.Concat([]string{e.prefix + ".public.t_ful", "--no-follow"}, kafka, registry), 2, []string{"no such topic", "rdip tail " + topic}},
		"a schema id that is not there": {slices.Concat([]string{unknown, "--from-beginning", "--no-follow"}, kafka, registry), 2, []string{"2130706432", unknown + "/0@0", "--schema-registry-url"}},
		"a registry that is away":       {slices.Concat([]string{topic, "--from-beginning", "--no-follow", "--schema-registry-url", "http://127.0.0.1:1"}, kafka), 1, []string{"127.0.0.1:1", "whether it runs"}},
		"a broker that is away":         {slices.Concat([]string{topic, "--bootstrap-server", "127.0.0.1:1"}, registry), 1, []string{"127.0.0.1:1", "brokers run"}},
		"a broker without a port":       {slices.Concat([]string{topic, "--bootstrap-server", "localhost"}, registry), 2, []string{`"localhost"`, "HOST:PORT"}},
		"an expression that is none":    {slices.Concat([]string{"/(/"}, kafka, registry), 2, []string{"missing closing"}},
		"a key that is misspelt":        {slices.Concat([]string{topic, "-X", "security.protocl=SSL"}, kafka, registry), 2, []string{"security.protocol"}},
		"a configuration that is away":  {[]string{topic, "--config", "/nonexistent.yaml"}, 2, []string{"/nonexistent.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, complaints, code := tail(t, c.args...)
			if code != c.code {
				t.Errorf("exit code %d, needed is %d", code, c.code)
			}
			for _, text := range c.says {
				if !strings.Contains(complaints, text) {
					t.Errorf("%q does not say %q", complaints, text)
				}
			}
		})
	}
}

func TestTailLogsInAsTheConfigurationSays(t *testing.T) {
	kafka := testenv.Kafka(t, kafkaserver.Options{Users: map[string]string{"viewer": "secret"}, TLS: true})
	dir := t.TempDir()
	config := dir + "/rdip.yaml"
	text := "bootstrap.servers: " + kafka.SASLTLSBootstrap() + "\nschema.registry.url: http://127.0.0.1:1\nstate.dir: " + dir +
		"\nsecurity.protocol: SASL_SSL\nssl.ca.location: " + kafka.CAFile() + "\nsasl.mechanism: SCRAM-SHA-512\nsasl.username: viewer\nsasl.password: secret" +
		"\nconnectors: {shop: {connector.class: postgres, database: {hostname: localhost, dbname: shop, user: u}, topic.prefix: shop}}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := kafka.CreateTopic("guarded", 1, nil); err != nil {
		t.Fatal(err)
	}
	e := &tailed{kafka: kafka}
	e.produce(t, &sarama.ProducerMessage{Topic: "guarded", Value: sarama.StringEncoder("v")})
	lines, complaints, code := tail(t, "guarded", "--from-beginning", "--max", "1", "--format", "raw", "--config", config)
	if code != 0 || len(lines) != 1 || lines[0] != "guarded/0@0\t-\t76\n" {
		t.Errorf("exit code %d, %q: %s", code, lines, complaints)
	}
}
