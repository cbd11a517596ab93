package source

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/sinks"
)

// plainForm is a form in which Debezium's lsn is the place.
type plainForm struct{}

func (plainForm) Fields(p offsets.Position, _ uint64, _ int64, _ bool) offsets.Fields {
	return offsets.Fields{"lsn": p.Place}
}

func (plainForm) Position(s *offsets.TopicState) (string, uint64, string, error) {
	var place uint64
	err := json.Unmarshal(s.Fields["lsn"], &place)
	return text(at(place)), place, "", err
}

// O6, K11: which of the file and the topic of positions is true.
func TestTheTopicIsTheTruthUnlessTheFileWasWrittenLater(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	record := func(place uint64, exactly, byHand bool) offsets.Record {
		return offsets.Record{Identity: "server", SnapshotStarted: began, Position: text(at(place)), Place: place, ExactlyOnce: exactly, ByHand: byHand,
			Topics: map[string]string{"positions": "id"}}
	}
	other := func(r offsets.Record) offsets.Record {
		r.SnapshotStarted = began.Add(time.Hour)
		return r
	}
	type topic struct {
		place    uint64
		debezium bool
	}
	for name, c := range map[string]struct {
		file      *offsets.Record
		forgotten bool
		id        string // of the topic; "" as the file knows it
		topic     *topic
		place     uint64 // that is gone on from
		write     bool
		lost      string // or why it stops
	}{
		"nothing anywhere":          {write: true},
		"the state folder was lost": {topic: &topic{place: 50}, place: 50},
		"a copy that is behind, after a kill or of an old backup": {file: ptr(record(30, true, false)), topic: &topic{place: 50}, place: 50},
		"a copy that is ahead cannot be, and the topic wins":      {file: ptr(record(70, true, false)), topic: &topic{place: 50}, place: 50},
		"set by hand, back":                                                {file: ptr(record(30, true, true)), topic: &topic{place: 50}, place: 30, write: true},
		"set by hand, ahead":                                               {file: ptr(record(70, true, true)), topic: &topic{place: 50}, place: 70, write: true},
		"at least once since, and further":                                 {file: ptr(record(70, false, false)), topic: &topic{place: 50}, place: 70, write: true},
		"at least once since, from an older copy":                          {file: ptr(record(30, false, false)), topic: &topic{place: 50}, place: 50},
		"at least once since, in a snapshot":                               {file: ptr(record(50, false, false)), topic: &topic{place: 50}, place: 50, write: true},
		"at least once since, with another snapshot":                       {file: ptr(other(record(30, false, false))), topic: &topic{place: 50}, place: 30, write: true},
		"at least once so far":                                             {file: ptr(record(30, false, false)), place: 30, write: true},
		"reset":                                                            {forgotten: true, topic: &topic{place: 50}, write: true},
		"reset, then at least once":                                        {file: ptr(record(30, false, false)), forgotten: true, topic: &topic{place: 50}, place: 30, write: true},
		"K11: the topic has no position":                                   {file: ptr(record(30, true, false)), lost: "has no position of it"},
		"K11: the topic was made anew":                                     {file: ptr(record(30, true, false)), id: "another", topic: &topic{place: 50}, lost: "made anew"},
		"the topic was made anew, and that was accepted":                   {file: ptr(offsets.Record{Position: text(at(30)), Place: 30, ExactlyOnce: true, ByHand: true}), id: "another", place: 30, write: true},
		"Debezium was here, and we never":                                  {topic: &topic{place: 50, debezium: true}, place: 50, write: true},
		"Debezium went on from ours":                                       {file: ptr(record(30, true, false)), topic: &topic{place: 50, debezium: true}, place: 50, write: true},
		"Debezium was here, and at least once is ahead of it":              {file: ptr(record(70, false, false)), topic: &topic{place: 50, debezium: true}, place: 70, write: true},
		"Debezium was here, and a person has set another position by hand": {file: ptr(record(30, false, true)), topic: &topic{place: 50, debezium: true}, place: 30, write: true},
	} {
		t.Run(name, func(t *testing.T) {
			k := &known{connector: "shop", topic: sinks.Topic{Name: "positions", ID: "id"}, forgotten: c.forgotten, form: plainForm{}}
			if c.id != "" {
				k.topic.ID = c.id
			}
			if c.file != nil {
				k.stored, k.record = true, *c.file
			}
			if c.topic != nil {
				var value []byte
				var err error
				switch {
				case c.topic.debezium:
					value, err = json.Marshal(map[string]any{"lsn": c.topic.place})
				default:
					value, err = offsets.EncodeTopicRecord("shop", record(c.topic.place, true, false), nil)
				}
				key, keyErr := offsets.TopicKey{Connector: "shop", Server: "p"}.Encode()
				if err != nil || keyErr != nil {
					t.Fatal(err, keyErr)
				}
				if err := k.inTopic.Add("shop", "p", key, value); err != nil {
					t.Fatal(err)
				}
			}
			chosen, err := k.choose()
			if c.lost != "" {
				if fault.KindOf(err) != fault.PositionLost || !fault.IsPermanent(err) || !strings.Contains(err.Error(), c.lost) {
					t.Fatalf("got %+v, %v", chosen, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if chosen.record.Place != c.place || chosen.write != c.write {
				t.Errorf("goes on from %d (the topic is written first: %v), want %d (%v)", chosen.record.Place, chosen.write, c.place, c.write)
			}
			if c.forgotten && c.file == nil && len(k.stale(chosen)) != 1 {
				t.Errorf("%v goes from the topic, which is to forget the connector", k.stale(chosen))
			}
		})
	}
}

// K11: what is void, since a person has reset the connector or set its position, need not be read, so that both mend a topic
// that cannot be.
func TestARecordThatCannotBeReadStopsNobodyWhoHasSaidThatItIsVoid(t *testing.T) {
	key, err := offsets.TopicKey{Connector: "shop", Server: "p"}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	table, err := offsets.TopicKey{Connector: "shop", Server: "p", Table: "public.a"}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"of a newer rdip": `{"lsn":1,"rdip_record":"newer"}`, "no JSON": `nothing`} {
		for what, c := range map[string]struct {
			before func(*offsets.Store) error
			place  uint64 // that is gone on from
			stale  int    // of two keys
			lost   bool
		}{
			"not":   {before: func(*offsets.Store) error { return nil }, lost: true},
			"reset": {before: func(s *offsets.Store) error { return s.Delete("shop") }, stale: 2},
			"set by hand": {before: func(s *offsets.Store) error {
				return s.Replace("shop", offsets.Record{Position: text(at(30)), Place: 30, ByHand: true})
			}, place: 30, stale: 1},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				store := openStore(t)
				if err := c.before(store); err != nil {
					t.Fatal(err)
				}
				g := newLedger(t, store)
				g.task.Prefix, g.task.ExactlyOnce = "p", &ExactlyOnce{Form: plainForm{}}
				r := &run{task: g.task, ledger: g}
				k, err := r.known(sinks.Topic{Name: "positions"}, []sinks.Record{{Key: key, Value: []byte(value)}, {Key: table, Value: []byte(value)}})
				if c.lost {
					if fault.KindOf(err) != fault.PositionLost || !strings.Contains(err.Error(), "rdip offsets reset shop") {
						t.Fatalf("got %+v, %v", k, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				chosen, err := k.choose()
				if err != nil || chosen.record.Place != c.place || !chosen.write {
					t.Fatalf("goes on with %+v, %v", chosen, err)
				}
				if stale := k.stale(chosen); len(stale) != c.stale {
					t.Errorf("%v go from the topic", stale)
				}
			})
		}
	}
}

func ptr[T any](v T) *T { return &v }
