package offsets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Where delivery is exactly once the truth is a compacted topic in Kafka, in Kafka Connect's own form
// (OffsetStorageWriter, JsonConverter without schemas): a key ["connector",{partition}], a value that is a map of
// primitives (OffsetUtils.validateFormat), null for what is gone. A connector has
//
//	["shop",{"server":"PREFIX"}]                       its position: Debezium's fields, and rdip_record
//	["shop",{"server":"PREFIX","table":"public.a"}]    how far the reading of a table has come: rdip_table
//	["shop",{"server":"PREFIX","topic":"PREFIX.a.b"}]  the id of a topic that it has written to: rdip_topic_id
//
// Debezium and Connect's tools read the first; the others mean nothing to them and do no harm.

// TopicKey is a key of the topic of positions. Of Table and Topic at most one is set.
type TopicKey struct {
	Connector, Server string
	Table, Topic      string
}

type topicPartition struct {
	Server string `json:"server"`
	Table  string `json:"table,omitempty"`
	Topic  string `json:"topic,omitempty"`
}

// The fields of a value that are rdip's own.
const (
	fieldRecord = "rdip_record"
	fieldTable  = "rdip_table"
	fieldTopic  = "rdip_topic_id"
)

// Encode is the key as Connect writes it, byte for byte.
func (k TopicKey) Encode() ([]byte, error) {
	return marshal([]any{k.Connector, topicPartition{k.Server, k.Table, k.Topic}})
}

// ParseTopicKey reads a key; ok is false for one that is not of this form, such as one of another connector class.
func ParseTopicKey(text []byte) (k TopicKey, ok bool) {
	var parts []json.RawMessage
	if json.Unmarshal(text, &parts) != nil || len(parts) != 2 || json.Unmarshal(parts[0], &k.Connector) != nil {
		return TopicKey{}, false
	}
	var p topicPartition
	if unmarshalStrict(parts[1], &p) != nil || k.Connector == "" || p.Server == "" || p.Table != "" && p.Topic != "" {
		return TopicKey{}, false
	}
	k.Server, k.Table, k.Topic = p.Server, p.Table, p.Topic
	return k, true
}

// Fields are what a value holds beside rdip's own: Debezium's, of a position.
type Fields map[string]any

// EncodeTopicRecord is the value of a connector's position. The ids of topics are records of their own.
func EncodeTopicRecord(connector string, r Record, fields Fields) ([]byte, error) {
	r.Format, r.Topics = Format, nil
	text, err := encodeRecord(connector, r)
	if err != nil {
		return nil, err
	}
	return encodeFields(fieldRecord, string(text), fields)
}

// EncodeTopicTable is the value of a table.
func EncodeTopicTable(k TopicKey, t TableSnapshot) ([]byte, error) {
	text, err := encodeTableSnapshot(snapshotKey(k.Connector, k.Table), t)
	if err != nil {
		return nil, err
	}
	return encodeFields(fieldTable, string(text), nil)
}

// EncodeTopicID is the value of a topic.
func EncodeTopicID(id string) ([]byte, error) { return encodeFields(fieldTopic, id, nil) }

func encodeFields(own, text string, fields Fields) ([]byte, error) {
	all := map[string]any{own: text}
	for name, value := range fields {
		all[name] = value
	}
	return marshal(all)
}

// TopicState is what the topic has of one connector.
type TopicState struct {
	// Ours: Record and Tables are what this program wrote. False where only Fields are there, Debezium's, or nothing.
	Ours   bool
	Record Record
	Tables map[string]TableSnapshot
	Fields map[string]json.RawMessage // of the position; nil where there is none
	Keys   []TopicKey                 // every key that has a value
}

// Add takes up one record of the topic, whose value is not null. Keys of others are passed over. Of a value that cannot
// be read, which is an error, the key is kept: it can be overwritten all the same.
func (s *TopicState) Add(connector, server string, key, value []byte) error {
	k, ok := ParseTopicKey(key)
	if !ok || k.Connector != connector || k.Server != server {
		return nil
	}
	var fields map[string]json.RawMessage
	err := json.Unmarshal(value, &fields)
	if err == nil && fields == nil { // Connect's null
		return nil
	}
	s.Keys = append(s.Keys, k)
	switch {
	case err != nil:
	case k.Table != "":
		err = s.addTable(k, fields)
	case k.Topic != "":
		err = s.addTopic(k, fields)
	default:
		err = s.addRecord(k, fields)
	}
	if err != nil {
		return fmt.Errorf("the value of %s: %w", key, err)
	}
	return nil
}

func (s *TopicState) addRecord(k TopicKey, fields map[string]json.RawMessage) error {
	s.Fields = fields
	text, ours, err := ownText(fields, fieldRecord)
	if err != nil || !ours {
		return err
	}
	r, err := decodeRecord(k.Connector, text)
	if err != nil {
		return err
	}
	r.Topics = s.Record.Topics
	s.Record, s.Ours = r, true
	return nil
}

func (s *TopicState) addTable(k TopicKey, fields map[string]json.RawMessage) error {
	text, ours, err := ownText(fields, fieldTable)
	if err != nil || !ours {
		return err
	}
	t, err := decodeTableSnapshot(snapshotKey(k.Connector, k.Table), text)
	if err != nil {
		return err
	}
	if s.Tables == nil {
		s.Tables = map[string]TableSnapshot{}
	}
	s.Tables[k.Table] = t
	return nil
}

func (s *TopicState) addTopic(k TopicKey, fields map[string]json.RawMessage) error {
	text, ours, err := ownText(fields, fieldTopic)
	if err != nil || !ours {
		return err
	}
	if len(text) == 0 {
		return errors.New("an empty topic id")
	}
	if s.Record.Topics == nil {
		s.Record.Topics = map[string]string{}
	}
	s.Record.Topics[k.Topic] = string(text)
	return nil
}

// ownText is the text of one of rdip's own fields.
func ownText(fields map[string]json.RawMessage, name string) (text []byte, ours bool, err error) {
	raw, ours := fields[name]
	if !ours || bytes.Equal(raw, []byte("null")) {
		return nil, false, nil
	}
	var s string
	err = json.Unmarshal(raw, &s)
	return []byte(s), true, err
}
