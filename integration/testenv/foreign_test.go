package testenv

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"

	"rdip/integration/testenv/foreign"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/registryserver"
)

const envelopeSchema = `{"type":"record","name":"Envelope","namespace":"shop","fields":[
	{"name":"op","type":"string"},
	{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
	{"name":"photo","type":["null","bytes"],"default":null},
	{"name":"ratio","type":"double"}]}`

// register registers a schema and returns its id.
func register(t *testing.T, r *registryserver.Registry, subject, schema string) uint32 {
	t.Helper()
	body, err := json.Marshal(map[string]string{"schema": schema})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Post(r.URL()+"/subjects/"+subject+"/versions",
		"application/vnd.schemaregistry.v1+json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var registered struct{ ID uint32 }
	if err := json.NewDecoder(answer.Body).Decode(&registered); err != nil || registered.ID == 0 {
		t.Fatalf("registering answered %s (%v)", answer.Status, err)
	}
	return registered.ID
}

func send(t *testing.T, c *kafkaserver.Cluster, messages ...*sarama.ProducerMessage) {
	t.Helper()
	config := kafkaserver.ClientConfig()
	config.Producer.Return.Successes = true
	p, err := sarama.NewSyncProducer([]string{c.Bootstrap()}, config)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.SendMessages(messages); err != nil {
		t.Fatal(err)
	}
}

func framed(id uint32, avro ...byte) sarama.ByteEncoder {
	return append(binary.BigEndian.AppendUint32([]byte{0}, id), avro...)
}

func TestForeignConsumersReadWhatIsInATopic(t *testing.T) {
	kafka, registry := SharedKafka(t), SharedRegistry(t)
	topic := Topic(t, kafka, 1)
	keyID := register(t, registry, topic+"-key", `"int"`)
	valueID := register(t, registry, topic+"-value", envelopeSchema)
	key := framed(keyID, 14)                               // 7
	value := framed(valueID, slices.Concat([]byte{2, 'c'}, // op c
		[]byte{4, 0x04, 0xd2},                    // 12.34
		[]byte{2, 4, 0xff, 0x00},                 // two bytes
		[]byte{0, 0, 0, 0, 0, 0, 0xf0, 0x7f})...) // infinity
	send(t, kafka,
		&sarama.ProducerMessage{Topic: topic, Key: key, Value: value,
			Headers: []sarama.RecordHeader{{Key: []byte("h"), Value: []byte("v")}}},
		&sarama.ProducerMessage{Topic: topic, Key: key})

	t.Run("Confluent's client decodes Avro by the registry's schemas", func(t *testing.T) {
		got := Consume(t, foreign.Request{
			Bootstrap: kafka.Bootstrap(), Registry: registry.URL(), Topics: []string{topic},
		})
		want := []foreign.Record{
			{Topic: topic, Headers: []foreign.Header{{Key: "h", Value: []byte("v")}},
				Key: json.RawMessage("7"), KeyBytes: key, KeySchemaID: int(keyID), Op: "c",
				Value: json.RawMessage(`{"op": "c", "price": "12.34", "photo": "` +
					base64.StdEncoding.EncodeToString([]byte{0xff, 0}) + `", "ratio": "inf"}`),
				ValueBytes: value, ValueSchemaID: int(valueID)},
			{Topic: topic, Offset: 1, Headers: []foreign.Header{}, Key: json.RawMessage("7"), KeyBytes: key,
				KeySchemaID: int(keyID), Value: json.RawMessage("null"), Tombstone: true},
		}
		for i := range got {
			if got[i].TimestampMS == 0 {
				t.Error("a record without a timestamp")
			}
			got[i].TimestampMS = 0
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want -, got +:\n%s", diff)
		}
	})
	t.Run("a record that does not fit its schema fails", func(t *testing.T) {
		broken := Topic(t, kafka, 1)
		send(t, kafka, &sarama.ProducerMessage{Topic: broken, Value: framed(valueID, 2)})
		_, err := foreign.Consume(t.Context(), foreign.Request{
			Bootstrap: kafka.Bootstrap(), Registry: registry.URL(), Topics: []string{broken},
		})
		if err == nil {
			t.Error("a truncated record was decoded")
		}
	})
	t.Run("a topic that does not exist fails", func(t *testing.T) {
		_, err := foreign.Consume(t.Context(), foreign.Request{
			Bootstrap: kafka.Bootstrap(), Format: foreign.Raw, Topics: []string{"unheard_of"},
		})
		if err == nil || !strings.Contains(err.Error(), "UNKNOWN_TOPIC_OR_PART") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("kcat tells lengths and nulls", func(t *testing.T) {
		want := []foreign.Sizes{{Key: len(key), Value: len(value)}, {Offset: 1, Key: len(key), Value: -1}}
		if diff := cmp.Diff(want, KcatSizes(t, kafka.Bootstrap(), topic)); diff != "" {
			t.Errorf("want -, got +:\n%s", diff)
		}
	})
}
