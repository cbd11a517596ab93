package offsets

import (
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzTopicRecord: the topic of positions may hold what Debezium, Connect's tools or a person have written. A key is
// another's, or is written again as it means; what is taken of a value would be written again with the same meaning; and
// a value of ours that cannot be read is an error, never nothing.
func FuzzTopicRecord(f *testing.F) {
	record, err := EncodeTopicRecord("shop", fullRecord(), Fields{"lsn": 24023128})
	must(f, err)
	of := TopicKey{Connector: "shop", Server: "p", Table: "public.a"}
	table, err := EncodeTopicTable(of, TableSnapshot{OID: 7, Why: WhyInitial, Plan: "{}", Chunks: 3})
	must(f, err)
	key, err := of.Encode()
	must(f, err)
	f.Add([]byte(`["shop",{"server":"p"}]`), record)
	f.Add(key, table)
	f.Add([]byte(`["shop",{"server":"p","topic":"p.public.a"}]`), []byte(`{"rdip_topic_id":"x"}`))
	f.Add([]byte(`["shop",{"server":"p"}]`), []byte(`{"lsn_proc":24023128,"lsn":24023128,"txId":571,"ts_usec":1700000000000000}`))
	f.Add([]byte(`[ "shop" , {"server":"p"} ]`), []byte(`null`))
	f.Add([]byte(`["shop",{"filename":"a"}]`), []byte(`{"position":1}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		k, ok := ParseTopicKey(key)
		if ok {
			text, err := k.Encode()
			if again, ok := ParseTopicKey(text); err != nil || !ok || again != k {
				t.Fatalf("%q is read as %+v, written %s and read as %+v, %v", key, k, text, again, err)
			}
		}
		var s TopicState
		err := s.Add("shop", "p", key, value)
		ours := ok && k.Connector == "shop" && k.Server == "p"
		var fields map[string]json.RawMessage
		switch {
		case !ours:
			if err != nil || s.Ours || len(s.Keys) > 0 {
				t.Fatalf("%q is another's: %+v, %v", key, s, err)
			}
			return
		case err != nil:
			return
		case json.Unmarshal(value, &fields) != nil:
			t.Fatalf("%q was taken for a map", value)
		}
		if own := fields[fieldRecord]; k.Table+k.Topic == "" && len(own) > 0 && string(own) != "null" && !s.Ours {
			t.Fatalf("%q was passed over", value)
		}
		s.writtenAgain(t)
	})
}

// writtenAgain writes the position and the tables and reads them back.
func (s *TopicState) writtenAgain(t *testing.T) {
	t.Helper()
	if s.Ours {
		text, err := EncodeTopicRecord("shop", s.Record, nil)
		var again TopicState
		if err == nil {
			err = again.Add("shop", "p", []byte(`["shop",{"server":"p"}]`), text)
		}
		if err != nil || again.Record.Position != s.Record.Position || again.Record.Place != s.Record.Place || again.Record.Identity != s.Record.Identity {
			t.Fatalf("%+v, and then %+v, %v", s.Record, again.Record, err)
		}
	}
	for table, was := range s.Tables {
		of := TopicKey{Connector: "shop", Server: "p", Table: table}
		key, err := of.Encode()
		must(t, err)
		text, err := EncodeTopicTable(of, was)
		var again TopicState
		if err == nil {
			err = again.Add("shop", "p", key, text)
		}
		if err != nil || !reflect.DeepEqual(normal(again.Tables[table]), normal(was)) {
			t.Fatalf("%+v, and then %+v, %v", was, again.Tables[table], err)
		}
	}
}
