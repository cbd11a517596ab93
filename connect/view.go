package connect

import (
	"math"
	"slices"
	"time"

	"rdip/connect/metrics"
	"rdip/connect/rest"
	"rdip/connect/source"
	"rdip/connect/source/deadletter"
	"rdip/offsets"
	"rdip/snapshot"
)

// View shows a Worker to REST and to metrics. It is safe for concurrent use.
type View struct{ worker *Worker }

var (
	_ rest.Runtime   = (*View)(nil)
	_ metrics.Source = (*View)(nil)
)

// View is the worker as it is shown from now on.
func (w *Worker) View() *View { return &View{worker: w} }

// Info is the process.
func (v *View) Info() rest.Info {
	info := rest.Info{Version: v.worker.options.Version, Commit: v.worker.options.Commit}
	for _, t := range v.worker.Tasks() {
		if s := t.Status(); s.Cluster != "" {
			info.KafkaClusterID = s.Cluster
		}
	}
	return info
}

// Plugins are the connector classes.
func (v *View) Plugins() []rest.Plugin {
	return []rest.Plugin{{Class: "postgres", Type: "source", Version: v.worker.options.Version}}
}

// Snapshot is every connector's counters.
func (v *View) Snapshot() []metrics.ConnectorStats {
	units := v.worker.all()
	out := make([]metrics.ConnectorStats, len(units))
	for i, u := range units {
		out[i] = u.moment(v.worker.begun).stats()
	}
	return out
}

// Connectors is every connector.
func (v *View) Connectors() []rest.Connector {
	units := v.worker.all()
	out := make([]rest.Connector, len(units))
	for i, u := range units {
		out[i] = v.connector(u.moment(v.worker.begun))
	}
	return out
}

// moment is a connector as it is at one moment.
type moment struct {
	Connector
	source.Status
	state  rest.State
	trace  string
	begun  time.Time
	looked looked
}

// moment looks at the task; begun is the worker's, for a task that never ran.
func (u *unit) moment(begun time.Time) *moment {
	u.mu.Lock()
	m := &moment{Connector: u.connector, begun: u.begun, looked: u.looked}
	rests, desired := u.running == nil, u.desired
	starts := rests && u.due
	u.mu.Unlock()
	if m.begun.IsZero() {
		m.begun = begun
	}
	m.Status = m.Task.Status()
	m.state, m.trace = connectState(&m.Status)
	switch {
	case rests && desired == offsets.DesiredPaused:
		m.state = rest.Paused
	case rests && desired == offsets.DesiredStopped:
		m.state = rest.Stopped
	case starts:
		m.state = rest.Unassigned
	}
	return m
}

func (v *View) connector(m *moment) rest.Connector {
	s := &m.Status
	out := rest.Connector{Name: m.Task.Name, Type: "source", State: m.state, Trace: m.trace, Config: m.Config,
		Tasks: []rest.Task{{State: m.state, Trace: m.trace}}, Server: m.Task.Prefix, Position: v.position(m),
		LastProgress: s.LastProgress, Started: m.begun, Stats: m.stats(),
		Snapshot: snapshotOf(s), Tables: map[string]rest.Table{}, WaitingOn: s.WaitingOn,
		ExactlyOnce: s.ExactlyOnce, Positions: s.Positions}
	if m.state == rest.Stopped {
		out.Tasks = nil // as Connect shows a connector that is stopped
	}
	if m.Waiting != nil && out.WaitingOn == "" {
		out.WaitingOn = m.Waiting()
	}
	retained, limit, detail := m.looked.cost(s)
	out.Detail = detail
	for _, n := range append(m.looked.findings(m.Task.Name, retained, limit, holding(s)), s.Notices...) {
		out.Notices = append(out.Notices, n.String())
	}
	readings := map[string]snapshot.TableReport{}
	for _, r := range s.Snapshot.Tables {
		waitsForStopped(&r, s.Tables)
		out.Snapshots = append(out.Snapshots, rest.NewSnapshotStatus(&r))
		readings[r.Table] = r
	}
	for _, t := range s.Tables {
		entry := rest.Table{Topic: t.Topic}
		if r, ok := readings[t.Table]; ok {
			entry.Reading, entry.ReadingWaits = string(r.State), r.Waiting
			entry.Chunks, entry.ChunksDone, entry.RowsPerSecond, entry.Left = r.Chunks, r.ChunksDone, r.RowsPerSecond, r.Left
		}
		if t.Stopped != nil {
			entry.Stopped, entry.Position = t.Stopped.Reason.Error(), t.Stopped.Position
			entry.Then = t.Stopped.Then(m.Task.Name, t.Table)
			entry.Retained, entry.NeedsSnapshot = t.Retained, t.Stopped.InSnapshot
		}
		entry.CatchingUp = t.CatchingUp
		for _, u := range s.Undelivered {
			if u.Table == t.Table {
				undelivered(&entry, &u)
			}
		}
		out.Tables[t.Table] = entry
		if t.Topic != "" {
			out.Topics = append(out.Topics, t.Topic)
		}
	}
	return out
}

// undelivered adds what of a table was not delivered.
func undelivered(t *rest.Table, u *deadletter.Undelivered) {
	if t.LastUndelivered = u.Last; u.Skipped {
		t.Skipped += u.N
	} else {
		t.DeadLetters += u.N
	}
}

// position is the durable one: of a task that does not run, the stored one.
func (v *View) position(m *moment) string {
	if m.Position != "" {
		return m.Position
	}
	record, _, err := v.worker.options.Store.Get(m.Task.Name)
	if err != nil {
		return "" // the task says so when it starts
	}
	return record.Position
}

// connectState is the task's state in Connect's words.
func connectState(s *source.Status) (rest.State, string) {
	trace := ""
	if s.Err != nil {
		trace = s.Err.Error()
	}
	switch s.State {
	case source.StateFailed:
		return rest.Failed, trace
	case source.StateStarting, source.StateRetrying, source.StateStopped:
		return rest.Unassigned, trace
	default:
		return rest.Running, ""
	}
}

func snapshotOf(s *source.Status) rest.Snapshot {
	out := rest.Snapshot{State: rest.SnapshotNone, Started: s.SnapshotStarted, Finished: s.SnapshotFinished,
		Done: s.Snapshot.Done, RowsPerSecond: s.Snapshot.RowsPerSecond, Left: s.Snapshot.Left}
	switch {
	case s.Copies():
		out.State = rest.SnapshotRunning
	case !s.SnapshotFinished.IsZero():
		out.State = rest.SnapshotDone
	}
	return out
}

func (m *moment) stats() metrics.ConnectorStats {
	s := &m.Status
	retained, limit, _ := m.looked.cost(s)
	out := metrics.ConnectorStats{Name: m.Task.Name, State: string(m.state),
		Batches: uint64(s.Counts.Batches), Records: uint64(s.Counts.Records), Bytes: uint64(s.Counts.Bytes),
		LagBytes: s.Source.LagBytes, Lag: lag(s), RetainedBytes: retained, RetainLimitBytes: limit,
		RetainedAlarm: int(alarmOf(retained, limit, m.looked.survey.WarnBytes)), Orphans: len(m.looked.survey.Orphans),
		QueueBytes: s.Held, BudgetBytes: s.Budget, LastEvent: micros(s.Counts.LastCommit), LastWire: s.Source.LastWire,
		CommitLatency: s.Counts.Latency, OffsetCommits: s.Counts.Stores, OffsetErrors: uint64(s.Counts.StoreErrors),
		Transactions: s.Counts.Commits,
		Reconnects:   uint64(s.Retries)}
	for _, u := range s.Undelivered {
		out.Undelivered = append(out.Undelivered, metrics.UndeliveredStats{Table: u.Table, Reason: u.Reason, Skipped: u.Skipped, N: uint64(u.N)})
	}
	for kind, n := range s.Counts.Errors {
		out.Errors = append(out.Errors, metrics.Count{Kind: kind.String(), N: uint64(n)})
	}
	readings := map[string]*snapshot.TableReport{}
	for i := range s.Snapshot.Tables {
		readings[s.Snapshot.Tables[i].Table] = &s.Snapshot.Tables[i]
	}
	for _, table := range s.Tables {
		ts := metrics.TableStats{Table: table.Table, Reads: uint64(table.Reads), Creates: uint64(table.Creates),
			Updates: uint64(table.Updates), Deletes: uint64(table.Deletes), Truncates: uint64(table.Truncates),
			SnapshotRows: metrics.Unknown, SnapshotTotal: metrics.Unknown, SnapshotChunksLeft: metrics.Unknown,
			SnapshotPace: metrics.Unknown, SnapshotSeconds: metrics.Unknown, Stopped: table.Stopped != nil, Retained: table.Retained}
		if r := readings[table.Table]; r != nil {
			reading(&ts, r)
		}
		out.Tables = append(out.Tables, ts)
	}
	return out
}

// reading adds how far a table's snapshot has come.
func reading(ts *metrics.TableStats, r *snapshot.TableReport) {
	ts.SnapshotRows, ts.SnapshotTotal = r.Rows, r.Estimate
	ts.SnapshotPace = int64(math.Round(r.RowsPerSecond))
	switch {
	case r.Done >= 1:
		ts.SnapshotChunksLeft, ts.SnapshotSeconds = 0, 0
	case r.Chunks > 0:
		ts.SnapshotChunksLeft = int64(r.Chunks - r.ChunksDone)
	}
	if r.Done < 1 && r.Left >= 0 && (r.State == "" || r.State == snapshot.ReadingRunning) {
		ts.SnapshotSeconds = int64(r.Left.Round(time.Second) / time.Second)
	}
}

// lag is the age of the newest durable commit while something lies between it and the end of the log.
func lag(s *source.Status) time.Duration {
	switch {
	case s.Source.LagBytes < 0:
		return metrics.Unknown
	case s.Source.LagBytes == 0 || s.Idle:
		return 0
	case s.Counts.LastCommit == 0:
		return metrics.Unknown
	default:
		return max(0, time.Since(micros(s.Counts.LastCommit)))
	}
}

func micros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us)
}

// waitsForStopped says of a table's reading that it waits, where the table has stopped.
func waitsForStopped(r *snapshot.TableReport, tables []source.TableStatus) {
	stopped := slices.ContainsFunc(tables, func(t source.TableStatus) bool { return t.Table == r.Table && t.Stopped != nil })
	if stopped && (r.State == snapshot.ReadingRunning || r.State == snapshot.ReadingQueued) {
		r.State, r.Waiting = snapshot.ReadingWaiting, "the table has stopped: rdip status says why"
	}
}
