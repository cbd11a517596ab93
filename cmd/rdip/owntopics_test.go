package main

import (
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
