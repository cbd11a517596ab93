package rest

import (
	"context"
	"net/http"
)

// Tables is what a person can ask of a connector's tables that stopped, while it streams. *source.Task is one. The errors
// are as Control's.
type Tables interface {
	// ResumeTables has tables go on after what stopped them is mended: goOn from their own places, again from a new
	// snapshot.
	ResumeTables(ctx context.Context, tables []string, by string) (goOn, again []string, err error)
}

// ResumeRequest is the body of PUT /connectors/{name}/tables/resume.
type ResumeRequest struct {
	Tables []string `json:"tables"`       // as schema.table
	By     string   `json:"by,omitempty"` // who asks, for people
}

// Resumed is the answer to it: what becomes of the tables. That they went on is no promise that they do not stop again.
type Resumed struct {
	GoOn  []string `json:"go_on"` // from their own places
	Again []string `json:"again"` // they are read again in windows: they stopped in a snapshot, or were given up
}

// resumeTables has the stream begin again for tables that stopped.
func (a *api) resumeTables(r *http.Request) (any, *ErrorMessage) {
	c, missing := a.connector(r)
	if missing != nil {
		return nil, missing
	}
	var asked ResumeRequest
	if refused := decode(r, &asked); refused != nil {
		return nil, refused
	}
	if len(asked.Tables) == 0 {
		return nil, &ErrorMessage{http.StatusBadRequest, `no table is named: {"tables": ["public.orders"]}`}
	}
	if asked.By == "" {
		asked.By = "the REST API"
	}
	tables, err := a.control.Tables(c.Name)
	if err != nil {
		return nil, problem(err)
	}
	goOn, again, err := tables.ResumeTables(r.Context(), asked.Tables, asked.By)
	if err != nil {
		return nil, problem(err)
	}
	return Resumed{GoOn: orEmpty(goOn), Again: orEmpty(again)}, nil
}
