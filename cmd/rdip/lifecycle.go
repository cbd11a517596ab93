package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"rdip/configs"
	"rdip/connect/rest"
	"rdip/internal/fault"
)

// daemonFlags say which daemon is meant.
type daemonFlags struct {
	Config  string        `short:"c" type:"path" help:"Configuration file of the daemon, for its address and token."`
	URL     string        `help:"Address of the daemon's REST API, such as http://127.0.0.1:8083."`
	Timeout time.Duration `default:"60s" help:"How long to wait until it is done."`
}

// api is the daemon that the flags mean.
func (f daemonFlags) api() (*api, error) {
	var w configs.Worker
	w.Definition()
	if f.Config != "" {
		file, findings := configs.Load(f.Config)
		if file == nil {
			return nil, findings.Err()
		}
		w = workerOf(file)
	}
	token, err := readToken(w)
	if err != nil {
		return nil, err
	}
	address := w.RESTListen
	if f.URL != "" {
		address = f.URL
	}
	a := newAPI(address)
	a.token, a.client.Timeout = token, f.Timeout
	return a, nil
}

type pauseCommand struct {
	daemonFlags `embed:""`
	Connector   string `arg:"" help:"The connector."`
}

// Run pauses a connector and waits until all that it read is delivered.
func (c pauseCommand) Run(ctx context.Context) error {
	return c.ask(ctx, c.Connector, http.MethodPut, "/pause", func(s *rest.ConnectorStatus) bool { return s.Connector.State == rest.Paused })
}

type stopCommand struct {
	daemonFlags `embed:""`
	Connector   string `arg:"" help:"The connector."`
}

// Run stops a connector and waits until all that it read is delivered.
func (c stopCommand) Run(ctx context.Context) error {
	return c.ask(ctx, c.Connector, http.MethodPut, "/stop", func(s *rest.ConnectorStatus) bool { return s.Connector.State == rest.Stopped })
}

type resumeCommand struct {
	daemonFlags `embed:""`
	Connector   string   `arg:"" help:"The connector."`
	Tables      []string `arg:"" optional:"" help:"Tables of it that stopped, as schema.table: they go on, while the connector runs."`
}

// Run resumes a connector that was paused or stopped, and waits until it runs; or tables of one that runs.
func (c resumeCommand) Run(ctx context.Context) error {
	if len(c.Tables) > 0 {
		return c.resumeTables(ctx)
	}
	return c.ask(ctx, c.Connector, http.MethodPut, "/resume", hasBegun(time.Time{}))
}

type restartCommand struct {
	daemonFlags `embed:""`
	OnlyFailed  bool   `help:"Only if it has failed."`
	Connector   string `arg:"" help:"The connector."`
}

// Run restarts one connector without the others, and waits until it runs again.
func (c restartCommand) Run(ctx context.Context) error {
	a, err := c.api()
	if err != nil {
		return err
	}
	before, err := a.status(ctx, c.Connector)
	if err != nil {
		return err
	}
	switch state := before.Connector.State; {
	case state == rest.Paused || state == rest.Stopped:
		return &fault.Error{Kind: fault.Configuration, Op: "restart connector", Object: c.Connector, Cause: fmt.Errorf("it is %s", state),
			Hint: "rdip resume " + c.Connector, Permanent: true}
	case c.OnlyFailed && state != rest.Failed:
		fmt.Printf("%s  %s, and has not failed: it is left as it is\n", c.Connector, state)
		return nil
	}
	return c.ask(ctx, c.Connector, http.MethodPost, fmt.Sprintf("/restart?includeTasks=true&onlyFailed=%t", c.OnlyFailed), hasBegun(before.Rdip.Started))
}

// hasBegun is true once a connector runs, or has failed, in a run that began after a moment.
func hasBegun(after time.Time) func(*rest.ConnectorStatus) bool {
	return func(s *rest.ConnectorStatus) bool {
		running := s.Connector.State == rest.Running || s.Connector.State == rest.Failed
		return running && (s.Rdip == nil || s.Rdip.Started.After(after))
	}
}

// status is a connector's.
func (a *api) status(ctx context.Context, connector string) (*rest.ConnectorStatus, error) {
	var s rest.ConnectorStatus
	if err := a.get(ctx, "/connectors/"+url.PathEscape(connector)+"/status", &s); err != nil {
		return nil, err
	}
	if s.Rdip == nil {
		s.Rdip = &rest.Details{}
	}
	return &s, nil
}

// ask sends a request about a connector and waits until its status is as it should be. A connector that then
// has failed is an error with its reason.
func (f daemonFlags) ask(ctx context.Context, connector, method, path string, done func(*rest.ConnectorStatus) bool) error {
	a, err := f.api()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	if err := a.call(ctx, method, "/connectors/"+url.PathEscape(connector)+path, nil, nil); err != nil {
		return err
	}
	for {
		s, err := a.status(ctx, connector)
		switch {
		case err == nil && done(s):
			fmt.Printf("%s  %s\n", connector, s.Connector.State)
			if s.Connector.State == rest.Failed {
				return &fault.Error{Op: "run connector", Object: connector, Cause: fmt.Errorf("%s", s.Connector.Trace), Permanent: true}
			}
			return nil
		case err != nil && ctx.Err() == nil:
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return f.late(connector, s)
		}
	}
}

// late says how a connector is that did not get where it should in time. What was asked for stays asked for.
func (f daemonFlags) late(connector string, s *rest.ConnectorStatus) error {
	e := &fault.Error{Op: "wait for connector", Object: connector, Cause: fmt.Errorf("it was asked for, and is not done after %v", f.Timeout),
		Hint: "rdip status " + connector + " shows how it is"}
	if s != nil {
		e.Cause = fmt.Errorf("it was asked for, and is not done after %v: it is %s %s", f.Timeout, s.Connector.State, s.Connector.Trace)
	}
	return e
}
