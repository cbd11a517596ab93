package rest

import (
	"context"
	"net/http"

	"rdip/snapshot"
)

// Snapshots is what a person can ask of a connector's snapshots while it streams: what of it is accepted is stored
// when a method returns. *source.Task is one. The errors are as Control's.
type Snapshots interface {
	AskSnapshot(ctx context.Context, asked []snapshot.Asked, by string) error
	PauseSnapshot(tables ...string) error
	ResumeSnapshot(tables ...string) error
	StopSnapshot(tables ...string) error
}

// SnapshotRequest is the body of POST /connectors/{name}/snapshots, and of PUT .../snapshots/pause, resume and stop,
// which read Tables only: none means all that are under way.
type SnapshotRequest struct {
	Tables []string   `json:"tables"`          // as schema.table
	Where  string     `json:"where,omitempty"` // a predicate in the database's language
	Keys   [][]string `json:"keys,omitempty"`  // a row each: the values of the key's columns, in their order
	By     string     `json:"by,omitempty"`    // who asks, for people
}

// SnapshotStatus is one of GET /connectors/{name}/snapshots: a table that is being read, or was.
type SnapshotStatus struct {
	Table        string  `json:"table"`
	Why          string  `json:"why,omitempty"` // initial, added or asked
	By           string  `json:"by,omitempty"`
	Filtered     bool    `json:"filtered,omitempty"` // only the rows of a predicate
	Keys         int     `json:"keys,omitempty"`     // only the rows of so many keys
	Rows         int64   `json:"rows"`
	RowsExpected *int64  `json:"rows_expected"` // the database's estimate of the whole table; null where it has none
	Share        float64 `json:"done"`          // 0 to 1
	ReadingDetails
}

// NewSnapshotStatus is a table's report as it is shown.
func NewSnapshotStatus(t *snapshot.TableReport) SnapshotStatus {
	s := SnapshotStatus{Table: t.Table, Why: string(t.Why), By: t.By, Filtered: t.Filtered, Keys: t.Keys, Rows: t.Rows, Share: t.Done,
		ReadingDetails: ReadingDetails{State: string(t.State), WaitingOn: t.Waiting, Chunks: t.Chunks, ChunksDone: t.ChunksDone, RowsPerSecond: t.RowsPerSecond}}
	if t.State == "" { // the first snapshot's own report has none
		s.Why, s.State = "initial", string(snapshot.ReadingRunning)
		if t.Done >= 1 {
			s.State = string(snapshot.ReadingFinished)
		}
	}
	if t.Estimate >= 0 {
		s.RowsExpected = &t.Estimate
	}
	s.SecondsLeft = seconds(t.Left)
	return s
}

// snapshotChanges are the paths that change a connector's snapshots.
func (a *api) snapshotChanges(add func(method, path string, answer func(*http.Request) (any, *ErrorMessage), code int)) {
	const path = "/connectors/{name}/snapshots"
	add(http.MethodPost, path, a.snapshots(func(r *http.Request, s Snapshots, asked *SnapshotRequest) error {
		return s.AskSnapshot(r.Context(), asked.parts(), asked.by())
	}), http.StatusAccepted)
	for name, change := range map[string]func(Snapshots, ...string) error{
		"pause": Snapshots.PauseSnapshot, "resume": Snapshots.ResumeSnapshot, "stop": Snapshots.StopSnapshot} {
		add(http.MethodPut, path+"/"+name, a.snapshots(func(_ *http.Request, s Snapshots, asked *SnapshotRequest) error {
			return change(s, asked.Tables...)
		}), http.StatusAccepted)
	}
}

// snapshots decodes the request, finds the connector and has it changed.
func (a *api) snapshots(change func(*http.Request, Snapshots, *SnapshotRequest) error) func(*http.Request) (any, *ErrorMessage) {
	return func(r *http.Request) (any, *ErrorMessage) {
		c, missing := a.connector(r)
		if missing != nil {
			return nil, missing
		}
		var asked SnapshotRequest
		if refused := decode(r, &asked); refused != nil {
			return nil, refused
		}
		if refused := asked.judge(r.Method); refused != nil {
			return nil, refused
		}
		s, err := a.control.Snapshots(c.Name)
		if err == nil {
			err = change(r, s, &asked)
		}
		return nil, problem(err)
	}
}

// judge refuses what no connector can do.
func (s *SnapshotRequest) judge(method string) *ErrorMessage {
	switch {
	case method != http.MethodPost && (s.Where != "" || s.Keys != nil):
		return &ErrorMessage{http.StatusBadRequest, "where and keys are of a snapshot that is asked for: POST"}
	case method != http.MethodPost:
		return nil
	case len(s.Tables) == 0:
		return &ErrorMessage{http.StatusBadRequest, `no table is named: {"tables": ["public.orders"]}`}
	case s.Where != "" && s.Keys != nil:
		return &ErrorMessage{http.StatusBadRequest, "where and keys cannot be asked for together: name the keys in the predicate"}
	case s.Keys != nil && len(s.Tables) != 1:
		return &ErrorMessage{http.StatusBadRequest, "keys are of one table, and several are named"}
	}
	return nil
}

func (s *SnapshotRequest) parts() []snapshot.Asked {
	asked := make([]snapshot.Asked, len(s.Tables))
	for i, table := range s.Tables {
		asked[i] = snapshot.Asked{Table: table, Where: s.Where, Keys: s.Keys}
	}
	return asked
}

func (s *SnapshotRequest) by() string {
	if s.By == "" {
		return "the REST API"
	}
	return s.By
}
