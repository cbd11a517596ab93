// Package rest serves how the connectors of a process are, and takes what a person wants of them, on loopback:
// Kafka Connect's paths and JSON forms, so that what people use with Connect works, with an object "rdip" of our
// own in the status, Prometheus metrics and health. What a connector is stands in the configuration file only.
package rest

import (
	"time"

	"rdip/connect/metrics"
)

// Runtime is what the server shows. Its methods may be called by any goroutine at any time; what they return
// belongs to the caller.
type Runtime interface {
	Info() Info
	// Connectors are all connectors, in the order in which they should be shown.
	Connectors() []Connector
	// Plugins are the connector classes that a configuration may name.
	Plugins() []Plugin
}

// Info is Connect's answer to GET /.
type Info struct {
	Version        string `json:"version"`
	Commit         string `json:"commit"`
	KafkaClusterID string `json:"kafka_cluster_id"`
}

// Plugin is one of Connect's list of plugins.
type Plugin struct {
	Class   string `json:"class"`
	Type    string `json:"type"` // source or sink
	Version string `json:"version"`
}

// State is Connect's state of a connector or task.
type State string

// The states of Kafka Connect.
const (
	Running    State = "RUNNING"
	Paused     State = "PAUSED"
	Stopped    State = "STOPPED"
	Failed     State = "FAILED"
	Unassigned State = "UNASSIGNED" // not started yet, or waiting to be started again
)

// Connector is one connector as the runtime knows it. No text in it may hold a secret or row data.
type Connector struct {
	Name  string
	Type  string // source or sink
	State State
	// Trace is why the connector failed: the error as a user reads it.
	Trace  string
	Tasks  []Task
	Config map[string]string // as configured, secrets replaced; the server masks once more
	Topics []string          // written to since the start
	Server string            // topic.prefix: Debezium's name for the partition of its offsets
	// Position is the durable position as the source's own JSON; "" for none.
	Position string

	// LastProgress is when the connector last had nothing outstanding, or had a batch acknowledged and its
	// position stored; zero for never since Started. With Stats.LastWire it is what readiness is made of.
	LastProgress time.Time
	Started      time.Time // when the connector was (last) started

	// Positions is the topic of positions of a connector that delivers exactly once; ExactlyOnce without it: it is not
	// known yet.
	ExactlyOnce bool
	Positions   string

	Stats metrics.ConnectorStats // its State is not read here

	WaitingOn string   // what it waits for now, for people: a subject, a blocked slot, room in the queue
	Detail    string   // one line of the reader's: slot, publication, timeline
	Notices   []string // what it said at the start and still holds
	Snapshot  Snapshot
	Snapshots []SnapshotStatus // of tables that are read, or were
	// Topic and reason of tables, by schema.table as in Stats.Tables. A table that is missing has neither.
	Tables map[string]Table
}

// Task is one of Connect's tasks.
type Task struct {
	ID    int
	State State
	Trace string // why it failed
}

// SnapshotState says how far an initial snapshot is.
type SnapshotState string

// The states of a snapshot.
const (
	SnapshotNone    SnapshotState = "none" // not asked for
	SnapshotRunning SnapshotState = "running"
	SnapshotDone    SnapshotState = "done"
)

// Snapshot is the snapshot as a whole; the rows of each table are in Stats.
type Snapshot struct {
	State    SnapshotState
	Started  time.Time
	Finished time.Time
	// While it runs: the share that is read, of all tables; the rate; the time that is left, an estimate, below 0 while
	// nothing says how long.
	Done          float64
	RowsPerSecond float64
	Left          time.Duration
}

// Table is what is known of a table beside its counters.
type Table struct {
	Topic    string
	Stopped  string // why it was given up; "" while it runs
	Then     string // what to do once that is mended
	Position string // where it stopped, as the source's own JSON
	Retained int64  // bytes of log that the source keeps for it since then
	// NeedsSnapshot: only a new snapshot brings the stopped table back. CatchingUp: it goes on, from an older place than
	// the others.
	NeedsSnapshot, CatchingUp bool
	DeadLetters, Skipped      int64  // rows that were not delivered, since the process began
	LastUndelivered           string // why, of the newest
	// Its snapshot: how its reading stands (running, waiting, paused ...), "" where none is known of; what it waits
	// for; its parts; its rate; the time that is left, an estimate, below 0 while nothing says how long.
	Reading            string
	ReadingWaits       string
	Chunks, ChunksDone int
	RowsPerSecond      float64
	Left               time.Duration
}
