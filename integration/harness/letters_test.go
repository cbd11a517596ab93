package harness

import (
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"rdip/integration/judge"
	"rdip/integration/testenv/kafkaserver"
)

func letter(value string, headers ...string) kafkaserver.Record {
	k := kafkaserver.Record{Value: []byte(value)}
	for i := 0; i < len(headers); i += 2 {
		k.Headers = append(k.Headers, sarama.RecordHeader{Key: []byte(headers[i]), Value: []byte(headers[i+1])})
	}
	return k
}

// D8: a dead letter says all that its row's record would have said to a judge.
func TestADeadLetterIsReadAsTheChangeThatItIs(t *testing.T) {
	const value = `{"table":"public.wide","op":"u","before":{"id":"5"},"after":{"id":"5","version":"9","note":null},"unavailable":["body"]}`
	table := judge.Table{Name: "wide", Keys: []string{"id"}}
	of, r, err := letterOf(letter(value, "__rdip.table", "public.wide", "__rdip.op", "u", "__rdip.transaction", "77"), table)
	if err != nil || of != "public.wide" || r.Op != 'u' || r.Key != "5" || r.Tx != 77 || r.Before["id"] != "5" || r.After["version"] != "9" ||
		r.After["body"] != judge.Unavailable || r.Fields != "body,id,note,version" {
		t.Errorf("of %s: %v, after %v, columns %s: %v", of, r, r.After, r.Fields, err)
	}
	for name, k := range map[string]kafkaserver.Record{
		"no row":             letter("", "__rdip.op", "u", "__rdip.transaction", "77"),
		"no transaction":     letter(value, "__rdip.op", "u"),
		"another op outside": letter(value, "__rdip.op", "c", "__rdip.transaction", "77"),
	} {
		if _, r, err := letterOf(k, table); err == nil {
			t.Errorf("%s: it was read as %v", name, r)
		}
	}
}

func TestRecordsOfJsonConverterAreReadAsThoseOfAvro(t *testing.T) {
	const key, value = `{"id":5}`, `{"before":null,"after":{"id":5,"x1__2":null,"note":"text"},"source":{"txId":7,"lsn":9},"transaction":{"id":"7:1","total_order":3,"data_collection_order":1},"op":"c"}`
	reader, table := NewTopicReader(""), judge.Table{Name: "t", Keys: []string{"id"}}
	for name, wrapped := range map[string]func(payload string) []byte{
		"without schemas": func(payload string) []byte { return []byte(payload) },
		"with schemas":    func(payload string) []byte { return []byte(`{"schema":{"type":"struct"},"payload":` + payload + `}`) },
	} {
		r, err := reader.record(kafkaserver.Record{Key: wrapped(key), Value: wrapped(value)}, table, nil)
		if err != nil || r.Op != 'c' || r.Key != "5" || r.Tx != 7 || r.LSN != 9 || r.Number != 3 || r.After["note"] != "text" || r.Fields != "id,note,x1__2" {
			t.Errorf("%s: %v, after %v, columns %s: %v", name, r, r.After, r.Fields, err)
		}
		if _, err := reader.record(kafkaserver.Record{Key: wrapped(`{"id":6}`), Value: wrapped(value)}, table, nil); err == nil || !strings.Contains(err.Error(), "the key of") {
			t.Errorf("%s: a record under another key: %v", name, err)
		}
	}
}
