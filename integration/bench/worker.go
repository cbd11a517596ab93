package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"

	"rdip/configs"
	"rdip/connect/source"
	"rdip/connect/source/records"
	"rdip/offsets"
	"rdip/readers"
	"rdip/readers/postgres"
	"rdip/schema/client"
	"rdip/sinks"
	"rdip/sinks/null"
)

// workerCommand is the first argument of a program that is the null-sink worker; the second is its job.
const workerCommand = "null-sink-worker"

// job is what a worker is told: the daemon's configuration where it is not the default.
type job struct {
	Host, Database, User, Table, Publication, Slot string
	Port                                           int
	Snapshot                                       bool // copy the table, in place of following the log
	Rows                                           int64
	State, Registry                                string
	Report                                         string // file that appears once the rows were taken
	Profile                                        string // file of a CPU profile up to then, "" for none
}

// report is what a worker says of itself.
type report struct {
	End   int64 // when the last row was taken, ns since 1970 UTC
	Bytes int64 // of keys and values
}

// workerMain is the part of `rdip run` between the configuration and the sink: the same task, reader,
// registry client and store, with the producer that keeps nothing. It goes on until SIGTERM.
func workerMain(path string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := work(ctx, path); err != nil {
		fmt.Fprintln(os.Stderr, "bench worker:", err)
		return 1
	}
	return 0
}

func work(ctx context.Context, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	var w configs.Worker
	w.Definition() // fills the defaults in
	debug.SetMemoryLimit(w.MemoryBudget + 8<<20)
	store, err := offsets.Open(j.State)
	if err != nil {
		return err
	}
	registry, err := client.New(client.Config{URLs: j.Registry})
	if err != nil {
		return errors.Join(err, store.Close())
	}
	defer registry.Close()
	done, err := j.profile()
	if err != nil {
		return errors.Join(err, store.Close())
	}
	include, err := configs.ParsePatterns("public." + j.Table)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	task := j.task(w, store, client.NewRegistrar(registry, store), j.reader(include), done)
	return errors.Join(task.Run(ctx), store.Close())
}

// task is the daemon's, but for its producer.
func (j *job) task(w configs.Worker, store *offsets.Store, registrar records.Registrar, pg postgres.Config, done func(*null.Producer)) *source.Task {
	var s source.Config
	s.Definition()
	s.Prefix = j.Slot
	return &source.Task{
		Name: connector, Prefix: s.Prefix, Kind: "postgresql",
		Envelope: s.Envelope(), Tombstones: s.Tombstones, ExtendedHeaders: s.Extended, Skipped: s.Operations(),
		Memory: w.MemoryBudget, SnapshotLanes: pg.SnapshotThreads, FlushInterval: w.OffsetInterval,
		DrainTimeout: w.DrainTimeout, RunID: "bench", Registrar: registrar, Store: store,
		Log:       slog.New(slog.NewTextHandler(os.Stderr, nil)),
		NewReader: func() (readers.Reader, error) { return postgres.New(connector, pg), nil },
		NewProducer: func(acks sinks.Acks) (sinks.Producer, error) {
			return &target{Producer: null.New(1, acks), rows: j.Rows, done: done}, nil
		},
	}
}

func (j *job) reader(include configs.Patterns) postgres.Config {
	var c postgres.Config
	c.Definition()
	c.Prefix, c.Version = j.Slot, "bench"
	c.Hostname, c.Port, c.Database, c.User = j.Host, j.Port, j.Database, j.User
	c.SSLMode = postgres.SSLDisable
	c.SlotName, c.PublicationName = j.Slot, j.Publication
	c.TableInclude = include
	if !j.Snapshot {
		c.SnapshotMode = postgres.SnapshotNone
	}
	return c
}

// profile starts a CPU profile, where one is asked for, and gives what is to be called with the last row.
func (j *job) profile() (func(*null.Producer), error) {
	stop := func() error { return nil }
	if j.Profile != "" {
		f, err := os.Create(j.Profile)
		if err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, err
		}
		stop = func() error {
			pprof.StopCPUProfile()
			return f.Close()
		}
	}
	return func(p *null.Producer) {
		r := report{End: time.Now().UnixNano(), Bytes: p.Bytes()}
		if err := errors.Join(stop(), writeReport(j.Report, r)); err != nil {
			fmt.Fprintln(os.Stderr, "bench worker:", err)
			os.Exit(1)
		}
	}, nil
}

// writeReport makes the file appear whole.
func writeReport(path string, r report) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	partial := filepath.Join(filepath.Dir(path), "report.partial")
	if err := os.WriteFile(partial, text, 0o600); err != nil {
		return err
	}
	return os.Rename(partial, path)
}

// target is a null producer that says when it has taken so many rows.
type target struct {
	*null.Producer
	rows int64
	done func(*null.Producer)
	once sync.Once
}

func (t *target) Send(ctx context.Context, b *sinks.Batch) error {
	err := t.Producer.Send(ctx, b)
	if t.Records() >= t.rows {
		t.once.Do(func() { t.done(t.Producer) })
	}
	return err
}
