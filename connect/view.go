package connect

import (
	"time"

	"rdip/connect/metrics"
	"rdip/connect/rest"
	"rdip/connect/source"
)

// View shows a Worker to REST and to metrics. It is safe for concurrent use.
type View struct {
	worker *Worker
	begun  time.Time
}

var (
	_ rest.Runtime   = (*View)(nil)
	_ metrics.Source = (*View)(nil)
)

// View is the worker as it is shown from now on.
func (w *Worker) View() *View { return &View{worker: w, begun: time.Now()} }

// Info is the process.
func (v *View) Info() rest.Info {
	info := rest.Info{Version: v.worker.Version, Commit: v.worker.Commit}
	for _, c := range v.worker.Connectors {
		if s := c.Task.Status(); s.Cluster != "" {
			info.KafkaClusterID = s.Cluster
		}
	}
	return info
}

// Plugins are the connector classes.
func (v *View) Plugins() []rest.Plugin {
	return []rest.Plugin{{Class: "postgres", Type: "source", Version: v.worker.Version}}
}

// Snapshot is every connector's counters.
func (v *View) Snapshot() []metrics.ConnectorStats {
	out := make([]metrics.ConnectorStats, len(v.worker.Connectors))
	for i, c := range v.worker.Connectors {
		s := c.Task.Status()
		out[i] = stats(c.Task, &s)
	}
	return out
}

// Connectors is every connector.
func (v *View) Connectors() []rest.Connector {
	out := make([]rest.Connector, len(v.worker.Connectors))
	for i, c := range v.worker.Connectors {
		out[i] = v.connector(c)
	}
	return out
}

func (v *View) connector(c Connector) rest.Connector {
	s := c.Task.Status()
	state, trace := connectState(&s)
	out := rest.Connector{Name: c.Task.Name, Type: "source", State: state, Trace: trace, Config: c.Config,
		Tasks: []rest.Task{{State: state, Trace: trace}}, Server: c.Task.Prefix, Position: s.Position,
		LastProgress: s.LastProgress, Started: v.begun, Stats: stats(c.Task, &s), Detail: s.Source.Detail,
		Snapshot: snapshotOf(&s), Tables: map[string]rest.Table{}, WaitingOn: s.WaitingOn}
	if v.worker.Waiting != nil && out.WaitingOn == "" {
		out.WaitingOn = v.worker.Waiting(c.Task.Prefix)
	}
	for _, n := range s.Notices {
		out.Notices = append(out.Notices, n.String())
	}
	for _, t := range s.Tables {
		entry := rest.Table{Topic: t.Topic}
		if t.Stopped != nil {
			entry.Stopped, entry.Position = t.Stopped.Reason.Error(), t.Stopped.Position
		}
		out.Tables[t.Table] = entry
		if t.Topic != "" {
			out.Topics = append(out.Topics, t.Topic)
		}
	}
	return out
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
	out := rest.Snapshot{State: rest.SnapshotNone, Started: s.SnapshotStarted, Finished: s.SnapshotFinished, Repeated: s.Repeated}
	switch {
	case s.State == source.StateSnapshot:
		out.State = rest.SnapshotRunning
	case !s.SnapshotFinished.IsZero():
		out.State = rest.SnapshotDone
	}
	return out
}

func stats(t *source.Task, s *source.Status) metrics.ConnectorStats {
	state, _ := connectState(s)
	out := metrics.ConnectorStats{Name: t.Name, State: string(state),
		Batches: uint64(s.Counts.Batches), Records: uint64(s.Counts.Records), Bytes: uint64(s.Counts.Bytes),
		LagBytes: s.Source.LagBytes, Lag: lag(s), RetainedBytes: s.Source.RetainedBytes, RetainLimitBytes: s.Source.RetainLimit,
		QueueBytes: s.Held, BudgetBytes: s.Budget, LastEvent: micros(s.Counts.LastCommit), LastWire: s.Source.LastWire,
		CommitLatency: s.Counts.Latency, OffsetCommits: s.Counts.Stores, OffsetErrors: uint64(s.Counts.StoreErrors),
		Reconnects: uint64(s.Retries)}
	for kind, n := range s.Counts.Errors {
		out.Errors = append(out.Errors, metrics.Count{Kind: kind.String(), N: uint64(n)})
	}
	rows := map[string][2]int64{}
	for _, r := range s.Snapshot.Tables {
		rows[r.Table] = [2]int64{r.Rows, r.Estimate}
	}
	for _, table := range s.Tables {
		ts := metrics.TableStats{Table: table.Table, Reads: uint64(table.Reads), Creates: uint64(table.Creates),
			Updates: uint64(table.Updates), Deletes: uint64(table.Deletes), Truncates: uint64(table.Truncates),
			SnapshotRows: metrics.Unknown, SnapshotTotal: metrics.Unknown, Stopped: table.Stopped != nil}
		if r, ok := rows[table.Table]; ok {
			ts.SnapshotRows, ts.SnapshotTotal = r[0], r[1]
		}
		out.Tables = append(out.Tables, ts)
	}
	return out
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
