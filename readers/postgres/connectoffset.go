package postgres

import (
	"encoding/json"
	"errors"
	"fmt"

	"rdip/offsets"
)

// ConnectOffsets is a position as Debezium keeps it in Kafka Connect's topic of offsets (PostgresOffsetContext), so that
// each goes on from where the other stopped.
type ConnectOffsets struct{}

// Fields are Debezium's. Our positions are ends of transactions, for which it has the LSN behind the commit record in all
// three of its places, and messageType COMMIT, so that it does not look for that LSN among the events that follow
// (WalPositionLocator). While the first snapshot is not complete it would begin that anew, as it does with its own.
func (ConnectOffsets) Fields(p offsets.Position, xid uint64, micros int64, snapshotDone bool) offsets.Fields {
	f := offsets.Fields{}
	if p.Place > 0 {
		f["lsn"], f["lsn_proc"], f["lsn_commit"], f["messageType"] = p.Place, p.Place, p.Place, "COMMIT"
	}
	if xid > 0 {
		f["txId"] = xid
	}
	if micros > 0 {
		f["ts_usec"] = micros
	}
	if !snapshotDone {
		f["snapshot"], f["snapshot_completed"], f["last_snapshot_record"] = "INITIAL", false, false
	}
	return f
}

// debeziumOffset is what of Debezium's fields says where to go on.
type debeziumOffset struct {
	LSN       uint64 `json:"lsn"`
	Processed uint64 `json:"lsn_proc"`
	Commit    uint64 `json:"lsn_commit"`
	Snapshot  any    `json:"snapshot"`
	Completed *bool  `json:"snapshot_completed"`
	Last      bool   `json:"last_snapshot_record"`
}

// Position is where Debezium's own position goes on here: behind the last commit that it had delivered. Its snapshot
// must be complete.
func (ConnectOffsets) Position(s *offsets.TopicState) (text string, place uint64, notice string, err error) {
	all, err := json.Marshal(s.Fields)
	if err != nil {
		return "", 0, "", err
	}
	var o debeziumOffset
	if err := json.Unmarshal(all, &o); err != nil {
		return "", 0, "", err
	}
	running := o.Snapshot != nil && o.Snapshot != false && !o.Last && (o.Completed == nil || !*o.Completed)
	place = o.Commit
	if place == 0 {
		place = o.Processed
	}
	if place == 0 {
		place = o.LSN
	}
	switch {
	case running:
		return "", 0, "", errors.New("its snapshot was not complete")
	case place == 0:
		return "", 0, "", errors.New("it has no lsn")
	case o.LSN > place:
		notice = fmt.Sprintf("Debezium stopped at %s, inside a transaction: its events before that come again", lsnText(o.LSN))
	}
	return encodePosition(offsets.Position{Place: place}), place, notice, nil
}
