package rest

import (
	"encoding/json"
	"time"

	"rdip/connect/metrics"
)

// Details is what a connector's status says beyond Connect's forms, under "rdip". A size or duration that is
// not known is null; a time that never was is left out.
type Details struct {
	WaitingOn string          `json:"waiting_on,omitempty"`
	Detail    string          `json:"detail,omitempty"`
	Notices   []string        `json:"notices,omitempty"`
	Position  json.RawMessage `json:"position,omitempty"`
	Delivery  string          `json:"delivery"`                  // "at least once" or "exactly once"
	Positions string          `json:"positions_topic,omitempty"` // of exactly once

	LagBytes           *int64 `json:"lag_bytes"`
	LagMillis          *int64 `json:"lag_ms"`
	RetainedBytes      *int64 `json:"retained_bytes"`       // log that the source keeps for us: retained WAL
	RetainedLimitBytes *int64 `json:"retained_limit_bytes"` // null: the source has no limit
	QueueBytes         int64  `json:"queue_bytes"`
	BudgetBytes        int64  `json:"queue_budget_bytes"`

	Started      time.Time `json:"started,omitzero"`
	LastEvent    time.Time `json:"last_event,omitzero"`
	LastWire     time.Time `json:"last_wire,omitzero"`
	LastProgress time.Time `json:"last_progress,omitzero"`

	Events         uint64            `json:"events"`
	Records        uint64            `json:"records"`        // acknowledged
	Bytes          uint64            `json:"bytes"`          // acknowledged
	LatencyP50ms   float64           `json:"latency_p50_ms"` // from commit to acknowledgement: the bound of a bucket
	LatencyP99ms   float64           `json:"latency_p99_ms"`
	Reconnects     uint64            `json:"reconnects"`
	Errors         map[string]uint64 `json:"errors,omitempty"`
	OffsetFailures uint64            `json:"offset_commit_errors"`
	Transactions   uint64            `json:"kafka_transactions,omitempty"` // committed
	CommitP50ms    float64           `json:"kafka_transaction_commit_p50_ms,omitempty"`

	Snapshot SnapshotDetails `json:"snapshot"`
	Tables   []TableDetails  `json:"tables"`
	Stopped  int             `json:"tables_stopped"`
}

// SnapshotDetails is the progress of the whole snapshot.
type SnapshotDetails struct {
	State        SnapshotState `json:"state"`
	Started      time.Time     `json:"started,omitzero"`
	Finished     time.Time     `json:"finished,omitzero"`
	Rows         int64         `json:"rows"`
	RowsExpected *int64        `json:"rows_expected"` // the database's estimate; null if a table has none
	Tables       int           `json:"tables"`
	// While it runs.
	Done          float64 `json:"done,omitempty"` // 0 to 1
	RowsPerSecond float64 `json:"rows_per_second,omitempty"`
	SecondsLeft   *int64  `json:"seconds_left,omitempty"` // an estimate
}

// TableDetails is one captured table.
type TableDetails struct {
	Table        string          `json:"table"`
	Topic        string          `json:"topic,omitempty"`
	Reads        uint64          `json:"reads"`
	Creates      uint64          `json:"creates"`
	Updates      uint64          `json:"updates"`
	Deletes      uint64          `json:"deletes"`
	Truncates    uint64          `json:"truncates"`
	SnapshotRows *int64          `json:"snapshot_rows"`
	RowsExpected *int64          `json:"snapshot_rows_expected"`
	Reading      *ReadingDetails `json:"snapshot,omitempty"`
	Stopped      string          `json:"stopped,omitempty"` // why
	Then         string          `json:"then,omitempty"`    // what to do once that is mended
	StoppedAt    json.RawMessage `json:"stopped_at,omitempty"`

	RetainedBytes   int64  `json:"retained_bytes,omitempty"`   // log that the source keeps for it since it stopped
	NeedsSnapshot   bool   `json:"needs_snapshot,omitempty"`   // it stopped in a snapshot, or was given up
	CatchingUp      bool   `json:"catching_up,omitempty"`      // it goes on from an older place than the others
	DeadLetters     int64  `json:"dead_letters,omitempty"`     // since the process began
	Skipped         int64  `json:"skipped,omitempty"`          // the same, lost since there is no topic for them
	LastUndelivered string `json:"last_undelivered,omitempty"` // why, of the newest of both
}

// ReadingDetails is how a table's snapshot stands.
type ReadingDetails struct {
	State         string  `json:"state"` // queued, running, waiting, paused, failed, finished or stopped
	WaitingOn     string  `json:"waiting_on,omitempty"`
	Chunks        int     `json:"chunks"`
	ChunksDone    int     `json:"chunks_done"`
	RowsPerSecond float64 `json:"rows_per_second"`
	SecondsLeft   *int64  `json:"seconds_left"` // an estimate; null while nothing says how long
}

func (t *Table) reading() *ReadingDetails {
	if t.Reading == "" {
		return nil
	}
	d := &ReadingDetails{State: t.Reading, WaitingOn: t.ReadingWaits, Chunks: t.Chunks, ChunksDone: t.ChunksDone, RowsPerSecond: t.RowsPerSecond}
	d.SecondsLeft = seconds(t.Left)
	return d
}

func (c *Connector) details() *Details {
	s := &c.Stats
	d := &Details{
		WaitingOn: c.WaitingOn, Detail: c.Detail, Notices: c.Notices,
		LagBytes: known(s.LagBytes), LagMillis: millis(s.Lag),
		RetainedBytes: known(s.RetainedBytes), RetainedLimitBytes: known(s.RetainLimitBytes),
		QueueBytes: s.QueueBytes, BudgetBytes: s.BudgetBytes,
		Started: c.Started.UTC(), LastEvent: s.LastEvent.UTC(), LastWire: s.LastWire.UTC(), LastProgress: c.LastProgress.UTC(),
		Records: s.Records, Bytes: s.Bytes, Reconnects: s.Reconnects, OffsetFailures: s.OffsetErrors,
		LatencyP50ms: float64(s.CommitLatency.Quantile(0.5)) / 1e6, LatencyP99ms: float64(s.CommitLatency.Quantile(0.99)) / 1e6,
		Tables: make([]TableDetails, len(s.Tables)),
	}
	if c.Position != "" {
		d.Position = object(c.Position)
	}
	d.Delivery, d.Positions = "at least once", c.Positions
	if c.ExactlyOnce {
		d.Delivery, d.Transactions = "exactly once", s.Transactions.Total()
		d.CommitP50ms = float64(s.Transactions.Quantile(0.5)) / 1e6
	}
	for _, e := range s.Errors {
		if d.Errors == nil {
			d.Errors = make(map[string]uint64, len(s.Errors))
		}
		d.Errors[e.Kind] += e.N
	}
	for i := range s.Tables {
		d.Tables[i] = c.table(&s.Tables[i])
	}
	d.sum(c)
	return d
}

func (c *Connector) table(t *metrics.TableStats) TableDetails {
	text := c.Tables[t.Table]
	d := TableDetails{
		Table: t.Table, Topic: text.Topic,
		Reads: t.Reads, Creates: t.Creates, Updates: t.Updates, Deletes: t.Deletes, Truncates: t.Truncates,
		SnapshotRows: known(t.SnapshotRows), RowsExpected: known(t.SnapshotTotal), Stopped: text.Stopped, Then: text.Then,
	}
	d.Reading = text.reading()
	d.RetainedBytes, d.NeedsSnapshot, d.CatchingUp = text.Retained, text.NeedsSnapshot, text.CatchingUp
	d.DeadLetters, d.Skipped, d.LastUndelivered = text.DeadLetters, text.Skipped, text.LastUndelivered
	if t.Stopped && d.Stopped == "" {
		d.Stopped = "stopped"
	}
	if text.Position != "" {
		d.StoppedAt = object(text.Position)
	}
	return d
}

// sum adds up the tables.
func (d *Details) sum(c *Connector) {
	d.Snapshot = SnapshotDetails{
		State: c.Snapshot.State, Started: c.Snapshot.Started.UTC(), Finished: c.Snapshot.Finished.UTC(),
	}
	if s := &c.Snapshot; s.State == SnapshotRunning {
		d.Snapshot.Done, d.Snapshot.RowsPerSecond, d.Snapshot.SecondsLeft = s.Done, s.RowsPerSecond, seconds(s.Left)
	}
	var expected int64
	whole := true
	for i := range d.Tables {
		t := &d.Tables[i]
		d.Events += t.Reads + t.Creates + t.Updates + t.Deletes + t.Truncates
		if t.Stopped != "" {
			d.Stopped++
		}
		if t.SnapshotRows == nil {
			continue
		}
		d.Snapshot.Tables++
		d.Snapshot.Rows += *t.SnapshotRows
		if t.RowsExpected == nil {
			whole = false
			continue
		}
		expected += *t.RowsExpected
	}
	if whole && d.Snapshot.Tables > 0 {
		d.Snapshot.RowsExpected = &expected
	}
}

func known(n int64) *int64 {
	if n == metrics.Unknown {
		return nil
	}
	return &n
}

// seconds is a time that is left; null while nothing says how long.
func seconds(left time.Duration) *int64 {
	if left < 0 {
		return nil
	}
	s := int64(left.Round(time.Second) / time.Second)
	return &s
}

func millis(d time.Duration) *int64 {
	if d == metrics.Unknown {
		return nil
	}
	ms := d.Milliseconds()
	return &ms
}
