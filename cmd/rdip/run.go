package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"rdip/configs"
)

type runCommand struct {
	configFile `embed:""`
}

// Run runs the connectors until ctx ends. SIGHUP has it read the configuration again.
func (c runCommand) Run(ctx context.Context) error {
	path, err := c.path()
	if err != nil {
		return err
	}
	s, err := load(path)
	if err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	log, level := logger(s.worker)
	for _, f := range s.notices {
		log.Warn(f.String())
	}
	d, err := newDaemon(ctx, s, log, level)
	if err == nil {
		d.hangups = hangups
		log.Info("rdip started", "version", version, "connectors", len(s.connectors), "state", s.worker.StateDir, "rest", d.rest.Addr())
		err = d.run(ctx)
	}
	return errors.Join(err, d.close())
}

// logger writes to standard error, as text or JSON, from the level on, which can be set meanwhile.
func logger(w configs.Worker) (*slog.Logger, *slog.LevelVar) {
	level := &slog.LevelVar{}
	level.Set(levels[w.LogLevel])
	options := &slog.HandlerOptions{Level: level}
	var out io.Writer = os.Stderr
	if isTerminal(os.Stderr) {
		out = overBar{out}
	}
	if w.LogFormat == configs.LogJSON {
		return slog.New(slog.NewJSONHandler(out, options)), level
	}
	return slog.New(slog.NewTextHandler(out, options)), level
}

var levels = map[configs.LogLevel]slog.Level{configs.LogDebug: slog.LevelDebug, configs.LogInfo: slog.LevelInfo,
	configs.LogWarn: slog.LevelWarn, configs.LogError: slog.LevelError}
