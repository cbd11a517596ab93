package offsets

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestKeysOfTheTopicOfPositionsAreWhatConnectWrites(t *testing.T) {
	for want, k := range map[string]TopicKey{
		`["shop",{"server":"shop.eu"}]`:                            {Connector: "shop", Server: "shop.eu"},
		`["shop",{"server":"p","table":"public.a<b"}]`:             {Connector: "shop", Server: "p", Table: "public.a<b"},
		`["käufe \"1\"",{"server":"p","topic":"p.public.orders"}]`: {Connector: `käufe "1"`, Server: "p", Topic: "p.public.orders"},
	} {
		got, err := k.Encode()
		if err != nil || string(got) != want {
			t.Errorf("%+v is written as %s, %v, and should be %s", k, got, err, want)
		}
		if back, ok := ParseTopicKey(got); !ok || back != k {
			t.Errorf("%s is read as %+v, %v", got, back, ok)
		}
	}
}

func TestKeysThatAreNotOursArePassedOver(t *testing.T) {
	for _, key := range []string{"", "x", "[]", `["shop"]`, `["shop",null]`, `["shop",{"filename":"x"}]`, `["shop",{"server":""}]`,
		`["shop",{"server":"p","database":"d"}]`, `[1,{"server":"p"}]`, `["shop",{"server":"p","table":"a","topic":"b"}]`, `["",{"server":"p"}]`} {
		if k, ok := ParseTopicKey([]byte(key)); ok {
			t.Errorf("%s is read as %+v", key, k)
		}
		var s TopicState
		if err := s.Add("shop", "p", []byte(key), []byte("no JSON")); err != nil || s.Ours || len(s.Keys) > 0 {
			t.Errorf("%s became %+v, %v", key, s, err)
		}
	}
}

// What is written is a flat map of primitives (Connect's OffsetUtils.validateFormat), and comes back as it was.
func TestAStateComesBackFromTheTopicAsItWas(t *testing.T) {
	want := fullRecord()
	want.Format, want.ExactlyOnce, want.Updated = Format, true, time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC)
	table := TableSnapshot{Format: Format, OID: 7, Why: WhyInitial, Plan: `{"parts":3}`, Chunks: 3, Rest: &ChunkRest{Index: 2, Text: `{"keys":5}`}, Owed: [][]string{{"1", "a\"b"}}, Rows: 9}
	table.Done.Add(1)
	position := TopicKey{Connector: "shop", Server: "p"}
	of := TopicKey{Connector: "shop", Server: "p", Table: "public.orders"}
	values := map[TopicKey][]byte{}
	var err error
	values[position], err = EncodeTopicRecord("shop", want, Fields{"lsn": uint64(24023128), "messageType": "COMMIT", "snapshot_completed": true})
	must(t, err)
	values[of], err = EncodeTopicTable(of, table)
	must(t, err)
	for topic, id := range want.Topics {
		values[TopicKey{Connector: "shop", Server: "p", Topic: topic}], err = EncodeTopicID(id)
		must(t, err)
	}
	var got TopicState
	for k, value := range values {
		key, err := k.Encode()
		must(t, err)
		var flat map[string]any
		must(t, json.Unmarshal(value, &flat))
		for name, v := range flat {
			switch v.(type) {
			case string, float64, bool:
			default:
				t.Errorf("%s of %s is no primitive: %v", name, key, v)
			}
		}
		must(t, got.Add("shop", "p", key, value))
		must(t, got.Add("shop", "other", key, value)) // another connector's
	}
	if !got.Ours || !reflect.DeepEqual(got.Record, want) || len(got.Keys) != len(values) || string(got.Fields["lsn"]) != "24023128" {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if !reflect.DeepEqual(got.Tables, map[string]TableSnapshot{"public.orders": table}) {
		t.Errorf("tables: %+v", got.Tables)
	}
}

// Debezium's own record has none of our fields.
func TestARecordOfDebeziumsIsKnownAsSuch(t *testing.T) {
	var s TopicState
	must(t, s.Add("shop", "p", []byte(`["shop",{"server":"p"}]`), []byte(`{"lsn_proc":24023128,"lsn":24023128,"txId":571,"ts_usec":1700000000000000}`)))
	if s.Ours || string(s.Fields["lsn_proc"]) != "24023128" {
		t.Errorf("got %+v", s)
	}
}

func TestWhatCannotBeReadInTheTopicIsAnErrorAndNeverNothing(t *testing.T) {
	record, err := EncodeTopicRecord("shop", fullRecord(), nil)
	must(t, err)
	for name, value := range map[string][]byte{
		"no JSON": []byte("{"), "a list": []byte("[1]"), "a record of another connector": nil, "a changed record": []byte(`{"rdip_record":"{}\ncrc32c 00000000\n"}`),
		"a record that is no text": []byte(`{"rdip_record":1}`),
	} {
		key := []byte(`["shop",{"server":"p"}]`)
		connector := "shop"
		if value == nil {
			value, key, connector = record, []byte(`["shoq",{"server":"p"}]`), "shoq"
		}
		var s TopicState
		if err := s.Add(connector, "p", key, value); err == nil {
			t.Errorf("%s: read as %+v", name, s)
		}
	}
}

func TestAForgottenConnectorIsMarkedWhateverTheFileKnewOfIt(t *testing.T) {
	s := open(t, stateDir(t))
	for name, c := range map[string]struct{ exactly, inTopic, unknown bool }{"shop": {exactly: true}, "old": {}, "since at least once": {inTopic: true}, "in an empty folder": {unknown: true}} {
		r := fullRecord()
		r.ExactlyOnce, r.InTopic = c.exactly, c.inTopic
		if !c.unknown {
			must(t, s.Put(name, r))
		}
		must(t, s.Delete(name))
		if got, err := s.Forgotten(name); err != nil || !got {
			t.Errorf("%s: forgotten %v, %v", name, got, err)
		}
	}
	must(t, s.Delete("shop")) // again: the mark stays
	if got, _ := s.Forgotten("shop"); !got {
		t.Error("the mark is gone")
	}
	must(t, s.Remember("shop"))
	if got, err := s.Forgotten("shop"); got || err != nil {
		t.Errorf("still forgotten: %v", err)
	}
}

func TestEveryKeyOfTheTopicSurvives(t *testing.T) {
	name := rapid.StringMatching(`[^\x00\x{d800}-\x{dfff}]{1,20}`)
	rapid.Check(t, func(t *rapid.T) {
		k := TopicKey{Connector: name.Draw(t, "connector"), Server: name.Draw(t, "server")}
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 1:
			k.Table = name.Draw(t, "table")
		case 2:
			k.Topic = name.Draw(t, "topic")
		}
		text, err := k.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, ok := ParseTopicKey(text); !ok || back != k {
			t.Fatalf("%+v became %s, and that %+v, %v", k, text, back, ok)
		}
	})
}
