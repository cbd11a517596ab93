package main

import (
	"fmt"
	"testing"
	"time"
)

func TestHeartbeatRecordsNeedAnInterval(t *testing.T) {
	var c connectorSettings
	c.source.Own.HeartbeatRecords = true
	where := func(key string) string { return key }
	if f := c.checkOwn(where); len(f) != 1 || f[0].Where != "heartbeat.records.enabled" || f[0].Fix == "" {
		t.Errorf("without an interval: %v", f)
	}
	c.postgres.HeartbeatInterval = time.Second
	if f := c.checkOwn(where); len(f) != 0 || c.own().HeartbeatEvery != time.Second {
		t.Errorf("with one: %v, every %v", f, c.own().HeartbeatEvery)
	}
}

// Debezium's heartbeat.interval.ms: 0 is no heartbeats, and no mistake.
func TestNoIntervalTurnsHeartbeatsOfDebeziumsConfigurationOff(t *testing.T) {
	c := connectorSettings{}
	c.source.Own.HeartbeatRecords, c.source.Own.HeartbeatImplied = true, true
	if f := c.checkOwn(func(key string) string { return key }); len(f) != 0 || c.own().HeartbeatEvery != 0 {
		t.Errorf("%v, every %v", f, c.own().HeartbeatEvery)
	}
}

// K8: dead letters and positions are in topics that nothing else is written to; what the keys alone show is refused before
// anything starts.
func TestDeadLettersAndPositionsHaveTopicsOfTheirOwn(t *testing.T) {
	for _, c := range []struct {
		letters, positions string
		refused            string // the keys
	}{
		{letters: "letters", positions: "positions"},
		{positions: "positions"},
		{letters: "both", positions: "both", refused: "[offsets.storage.topic]"},
		{letters: "shop.transaction", positions: "positions", refused: "[errors.deadletterqueue.topic.name]"},
		{letters: "letters", positions: "shop.transaction", refused: "[offsets.storage.topic]"},
	} {
		s := connectorSettings{positions: c.positions}
		s.source.Prefix, s.source.Own.TransactionMetadata, s.source.Errors.Topic = "shop", true, c.letters
		s.source.Own.TransactionTopic = ".transaction"
		keys := []string{}
		for _, f := range s.checkApart(func(key string) string { return key }) {
			keys = append(keys, f.Where)
		}
		if c.refused == "" {
			c.refused = "[]"
		}
		if fmt.Sprint(keys) != c.refused {
			t.Errorf("%+v: refused are %v", c, keys)
		}
	}
}
