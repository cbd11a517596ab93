package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"rdip/connect/rest"
)

type reloadCommand struct {
	daemonFlags `embed:""`
}

// Run has the daemon read its configuration again. It is applied as a whole, or refused as a whole with every
// finding; the exit code is then that of a wrong configuration.
func (c reloadCommand) Run(ctx context.Context) error {
	a, err := c.api()
	if err != nil {
		return err
	}
	var done rest.Reloaded
	if err := a.call(ctx, http.MethodPut, "/admin/reload", nil, &done); err != nil {
		return err
	}
	for _, part := range []struct {
		what  string
		names []string
	}{{"unchanged", done.Unchanged}, {"restarted", done.Restarted}, {"started", done.Started}, {"removed", done.Removed}} {
		if len(part.names) > 0 {
			fmt.Printf("%s: %s\n", part.what, strings.Join(part.names, ", "))
		}
	}
	for _, n := range done.Notices {
		fmt.Println(n)
	}
	return nil
}

type logLevelCommand struct {
	daemonFlags `embed:""`
	Level       string `arg:"" optional:"" enum:"debug,info,warn,error," default:"" help:"debug, info, warn or error; without it the level is shown."`
}

// Run shows or sets what a running daemon logs, until its next reload or start.
func (c logLevelCommand) Run(ctx context.Context) error {
	a, err := c.api()
	if err != nil {
		return err
	}
	if c.Level != "" {
		if err := a.call(ctx, http.MethodPut, "/admin/loggers/root", rest.LoggerLevel{Level: strings.ToUpper(c.Level)}, nil); err != nil {
			return err
		}
	}
	var level rest.LoggerLevel
	if err := a.get(ctx, "/admin/loggers/root", &level); err != nil {
		return err
	}
	fmt.Println(strings.ToLower(level.Level))
	return nil
}
