package postgres

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"rdip/offsets"
)

// The fields are those that PostgresOffsetContext.Loader reads, in the types that it casts to.
func TestAPositionIsInTheTopicWhatDebeziumReads(t *testing.T) {
	for name, c := range map[string]struct {
		place, xid uint64
		micros     int64
		done       bool
		want       offsets.Fields
	}{
		"streaming": {24023128, 571, 1700000000000000, true, offsets.Fields{"lsn": uint64(24023128), "lsn_proc": uint64(24023128), "lsn_commit": uint64(24023128),
			"messageType": "COMMIT", "txId": uint64(571), "ts_usec": int64(1700000000000000)}},
		"no transaction was seen": {24023128, 0, 0, true, offsets.Fields{"lsn": uint64(24023128), "lsn_proc": uint64(24023128), "lsn_commit": uint64(24023128), "messageType": "COMMIT"}},
		"a snapshot is under way": {0, 0, 0, false, offsets.Fields{"snapshot": "INITIAL", "snapshot_completed": false, "last_snapshot_record": false}},
	} {
		if got := (ConnectOffsets{}).Fields(offsets.Position{Place: c.place}, c.xid, c.micros, c.done); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestDebeziumsPositionIsTakenOver(t *testing.T) {
	for value, want := range map[string]struct {
		place       uint64
		notice, err string
	}{
		// as Debezium 3.6 writes it while streaming
		`{"lsn_proc":24023128,"messageType":"INSERT","lsn_commit":24023000,"lsn":24023128,"txId":571,"ts_usec":1700000000000000}`: {24023000, "inside a transaction", ""},
		`{"lsn_proc":24023000,"messageType":"COMMIT","lsn_commit":24023000,"lsn":24023000,"txId":571}`:                            {24023000, "", ""},
		// its snapshot is done, and nothing was streamed
		`{"lsn":24023000,"txId":571,"ts_usec":1,"snapshot":"INITIAL","last_snapshot_record":true,"snapshot_completed":true}`: {24023000, "", ""},
		`{"lsn":24023000,"snapshot":true,"last_snapshot_record":false}`:                                                      {0, "", "snapshot was not complete"},
		`{"lsn":24023000,"snapshot":"INITIAL","snapshot_completed":false}`:                                                   {0, "", "snapshot was not complete"},
		`{"txId":1}`:       {0, "", "no lsn"},
		`{"lsn":"0/16B3"}`: {0, "", "cannot unmarshal"},
	} {
		s := &offsets.TopicState{}
		if err := json.Unmarshal([]byte(value), &s.Fields); err != nil {
			t.Fatal(err)
		}
		text, place, notice, err := ConnectOffsets{}.Position(s)
		if place != want.place || !strings.Contains(notice, want.notice) || (want.notice == "") != (notice == "") || (err == nil) != (want.err == "") || err != nil && !strings.Contains(err.Error(), want.err) {
			t.Errorf("%s: %s %d %q %v", value, text, place, notice, err)
		}
		if err == nil {
			if p, err := decodePosition(text); err != nil || p.Place != place {
				t.Errorf("%s: %q is read as %v, %v", value, text, p, err)
			}
		}
	}
}
