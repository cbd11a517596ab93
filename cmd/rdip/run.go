package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"rdip/configs"
)

type runCommand struct {
	Config string `arg:"" help:"Configuration file (YAML)." type:"path"`
}

// Run runs the connectors until ctx ends.
func (c runCommand) Run(ctx context.Context) error {
	s, err := load(c.Config)
	if err != nil {
		return err
	}
	log := logger(s.worker)
	for _, f := range s.notices {
		log.Warn(f.String())
	}
	d, err := newDaemon(ctx, s, log)
	if err == nil {
		log.Info("rdip started", "version", version, "connectors", len(s.connectors), "state", s.worker.StateDir, "rest", d.rest.Addr())
		err = d.run(ctx)
	}
	return errors.Join(err, d.close())
}

// logger writes to standard error, as text or JSON.
func logger(w configs.Worker) *slog.Logger {
	options := &slog.HandlerOptions{Level: levels[w.LogLevel]}
	if w.LogFormat == configs.LogJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}

var levels = map[configs.LogLevel]slog.Level{configs.LogDebug: slog.LevelDebug, configs.LogInfo: slog.LevelInfo,
	configs.LogWarn: slog.LevelWarn, configs.LogError: slog.LevelError}
