package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"rdip/connect/rest"
	"rdip/internal/fault"
)

// resumeTables has tables go on that stopped, and waits until they have caught up with the others. One that is read again
// is not waited for.
func (c resumeCommand) resumeTables(ctx context.Context) error {
	a, err := c.api()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	var done rest.Resumed
	request := rest.ResumeRequest{Tables: c.Tables, By: "rdip resume"}
	if err := a.call(ctx, http.MethodPut, "/connectors/"+url.PathEscape(c.Connector)+"/tables/resume", request, &done); err != nil {
		return err
	}
	for _, table := range done.Again {
		fmt.Printf("%s  is read again: rdip snapshot %s shows how far it is\n", table, c.Connector)
	}
	for {
		s, err := a.status(ctx, c.Connector)
		if err == nil {
			var behind []string
			if behind, err = c.caughtUp(s, done.GoOn); err == nil && len(behind) == 0 {
				for _, table := range done.GoOn {
					fmt.Printf("%s  goes on, and has caught up\n", table)
				}
				return nil
			}
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return c.late(c.Connector, s)
		}
	}
}

// caughtUp is which of the tables have not caught up with the others yet. One that has stopped again is an error.
func (c resumeCommand) caughtUp(s *rest.ConnectorStatus, tables []string) (behind []string, err error) {
	switch s.Connector.State {
	case rest.Running:
	case rest.Unassigned: // it gets over an error
		return tables, nil
	default:
		return nil, &fault.Error{Op: "resume tables of", Object: "connector " + c.Connector, Cause: fmt.Errorf("it is %s: %s", s.Connector.State, s.Connector.Trace)}
	}
	for i := range s.Rdip.Tables {
		t := &s.Rdip.Tables[i]
		if !slices.Contains(tables, t.Table) {
			continue
		}
		if t.Stopped != "" {
			return nil, &fault.Error{Op: "resume", Object: "table " + t.Table, Cause: errors.New("it has stopped again: " + t.Stopped), Permanent: true,
				Hint: fmt.Sprintf("mend that, then: rdip resume %s %s", c.Connector, t.Table)}
		}
		if t.CatchingUp {
			behind = append(behind, t.Table)
		}
	}
	return behind, nil
}
