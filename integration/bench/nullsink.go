package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"rdip/integration/testenv/pgserver"
	"rdip/integration/testenv/process"
)

// logToNull runs the null-sink worker over a stream.
func (b *bench) logToNull(s *stream) run {
	return func(ctx context.Context) (sample, error) {
		slot, err := b.copySlot(ctx, s)
		if err != nil {
			return sample{}, err
		}
		j, err := b.job(s.table, s.publication, slot, s.rows)
		if err != nil {
			return sample{}, err
		}
		if err := seed(j.State, s.begin); err != nil {
			return sample{}, err
		}
		out, err := b.toNull(ctx, j, s.bytes())
		return out, errors.Join(err, b.drop(ctx, slot))
	}
}

// snapshotToNull runs the null-sink worker over the narrow table.
func (b *bench) snapshotToNull() run {
	return func(ctx context.Context) (sample, error) {
		slot := b.name("snapshot")
		j, err := b.job(narrowTable, narrow, slot, b.streams[narrow].rows)
		if err != nil {
			return sample{}, err
		}
		j.Snapshot = true
		out, err := b.toNull(ctx, j, b.tableBytes)
		return out, errors.Join(err, b.drop(ctx, slot))
	}
}

func (b *bench) job(table, publication, slot string, rows int64) (job, error) {
	dir := filepath.Join(b.dir, slot)
	j := job{Host: "127.0.0.1", Port: b.pg.Port(), Database: database, User: pgserver.Superuser,
		Table: table, Publication: publication, Slot: slot, Rows: rows,
		State: filepath.Join(dir, "state"), Registry: b.registry.URL(), Report: filepath.Join(dir, "report")}
	if b.options.Profile != "" {
		if err := os.MkdirAll(b.options.Profile, 0o755); err != nil {
			return j, err
		}
		j.Profile = filepath.Join(b.options.Profile, slot+".pprof")
	}
	return j, os.MkdirAll(dir, 0o755)
}

// toNull starts a worker, waits for its report, and stops it.
func (b *bench) toNull(ctx context.Context, j job, bytes int64) (sample, error) {
	dir := filepath.Dir(j.Report)
	log, file := filepath.Join(dir, "log"), filepath.Join(dir, "job")
	text, err := json.Marshal(j)
	if err != nil {
		return sample{}, err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return sample{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return sample{}, err
	}
	m, err := b.meter(j.Rows, bytes, false)
	if err != nil {
		return sample{}, err
	}
	p, err := process.Start(process.Command{Path: self, Args: []string{workerCommand, file}, Log: log})
	if err != nil {
		return sample{}, err
	}
	r, err := awaitReport(ctx, p, j.Report)
	if err != nil {
		return sample{}, errors.Join(fmt.Errorf("null-sink worker: %w; the end of its log:\n%s", err, process.Tail(log, 20)), p.Kill())
	}
	out, err := m.readRunning(time.Unix(0, r.End), p.Pid())
	out.AvroBytes = r.Bytes
	return out, errors.Join(err, p.Stop(syscall.SIGTERM, stopTime), p.Err(), os.RemoveAll(dir))
}

func awaitReport(ctx context.Context, p *process.Process, path string) (report, error) {
	var r report
	for {
		text, err := os.ReadFile(path)
		if err == nil {
			return r, json.Unmarshal(text, &r)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return r, err
		}
		select {
		case <-p.Done():
			return r, errors.Join(errors.New("it ended"), p.Err())
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}
