package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/IBM/sarama"
	gometrics "github.com/rcrowley/go-metrics"

	"rdip/configs"
	"rdip/connect"
	"rdip/connect/metrics"
	"rdip/connect/notify"
	"rdip/connect/rest"
	"rdip/connect/source"
	"rdip/internal/fault"
	"rdip/offsets"
	"rdip/readers"
	"rdip/readers/postgres"
	"rdip/schema/client"
	"rdip/sinks"
	"rdip/sinks/kafka"
)

// daemon is everything that one process runs: the state, the registry's client, the connectors, the REST
// API, and where asked for the embedded servers.
type daemon struct {
	settings  *settings
	log       *slog.Logger
	embedded  *embeddedServers // nil with real servers
	store     *offsets.Store
	registrar *client.Registrar
	worker    *connect.Worker
	control   *control
	rest      *rest.Server
	hangups   <-chan os.Signal // each asks for a reload; nil: none comes
}

// newDaemon opens the state and prepares the connectors; nothing connects to a source yet. Its caller
// closes it, whatever error comes.
func newDaemon(ctx context.Context, s *settings, log *slog.Logger, level *slog.LevelVar) (*daemon, error) {
	tune(s.worker.MemoryBudget)
	d := &daemon{settings: s, log: log}
	var err error
	if d.store, err = offsets.Open(s.worker.StateDir); err != nil {
		return d, err
	}
	if err = clearSpills(s.worker.StateDir); err != nil {
		return d, err
	}
	if s.worker.Embedded {
		if d.embedded, err = startEmbedded(filepath.Join(s.worker.StateDir, "embedded")); err != nil {
			return d, err
		}
		s.kafka.Brokers, s.registry.URLs = []string{d.embedded.broker.Addr()}, d.embedded.registryURL
		log.Warn("the embedded broker is not durable and outside the delivery guarantees",
			"bootstrap.servers", d.embedded.broker.Addr(), "schema.registry.url", d.embedded.registryURL)
	}
	if d.registrar, err = s.newRegistrar(d.store); err != nil {
		return d, err
	}
	d.worker, err = connect.NewWorker(connect.Options{Version: version, Commit: commit(), Store: d.store, Log: log,
		Memory: s.worker.MemoryBudget}, d.connectors(s)...)
	if err != nil {
		return d, err
	}
	d.control = &control{Worker: d.worker, daemon: d, level: level, settings: s}
	return d, d.listen(ctx)
}

// connectors are those of a configuration, which may be a later one than the daemon was started with.
func (d *daemon) connectors(s *settings) []connect.Connector {
	all := make([]connect.Connector, len(s.connectors))
	for i := range s.connectors {
		c := &s.connectors[i]
		r := &registrar{client: d.registrar}
		all[i] = connect.Connector{Task: d.task(c, s.worker.MemoryBudget/int64(len(s.connectors)), r), Config: c.effective,
			Fingerprint: configs.Fingerprint(c.exact), Survey: d.survey(c), Waiting: r.waiting}
	}
	return all
}

// listen binds the REST API's address.
func (d *daemon) listen(ctx context.Context) error {
	view := d.worker.View()
	registry := metrics.NewRegistry(metrics.Build{Version: version, Commit: commit()}, view)
	token, err := d.settings.token()
	if err != nil {
		return err
	}
	server, err := rest.Listen(ctx, rest.Options{Address: d.settings.worker.RESTListen, Runtime: view, Control: d.control, Token: token,
		Metrics: metrics.Handler(registry), Stale: d.settings.worker.StallTimeout, Log: d.log})
	if err != nil {
		return err
	}
	d.rest = server
	return nil
}

// newRegistrar is the registry's client; nil without a registry, which JSON needs none of.
func (s *settings) newRegistrar(store *offsets.Store) (*client.Registrar, error) {
	if s.registry.URLs == "" {
		return nil, nil
	}
	config, err := s.registryConfig()
	if err != nil {
		return nil, err
	}
	registry, err := client.New(config)
	if err != nil {
		return nil, err
	}
	return client.NewRegistrar(registry, store), nil
}

// tune sets the garbage collector to the byte budget: rows under way, and a fixed part for the rest.
func tune(budget int64) {
	gometrics.UseNilMetrics = true   // sarama keeps histograms a topic otherwise
	sarama.MaxRequestSize = 11 << 27 // 1.4 GiB: max.request.size bounds a record at 1 GiB
	const rest = 8 << 20
	debug.SetMemoryLimit(budget + rest)
}

// task is one connector's task, with so many bytes of memory.
func (d *daemon) task(c *connectorSettings, memory int64, r *registrar) *source.Task {
	log := d.log.With("connector", c.name)
	keys, values := c.source.Formats()
	return &source.Task{
		Name: c.name, Prefix: c.source.Prefix, Kind: "postgresql",
		Envelope: c.source.Envelope(), Naming: c.source.Naming(), Reshape: c.source.Reshape(), SkipUnchanged: c.source.SkipUnchanged(),
		Keys: keys, Values: values,
		Tombstones: c.source.Tombstones, ExtendedHeaders: c.source.Extended,
		Skipped: c.source.Operations(), Own: c.own(), Signals: c.signals(&d.settings.kafka, log), Memory: memory, Errors: c.source.Errors.Errors(),
		SnapshotOnly: c.postgres.SnapshotMode == postgres.SnapshotOnly, NoData: c.postgres.SnapshotMode == postgres.SnapshotNone,
		Reserved: c.postgres.Reserved(), SnapshotLanes: c.postgres.SnapshotThreads, WindowBytes: int(c.postgres.WindowBytes), FlushInterval: d.settings.worker.OffsetInterval,
		DrainTimeout: d.settings.worker.DrainTimeout, RunID: runID(), ExactlyOnce: d.settings.exactlyOnce(c),
		Registrar: r, Store: d.store, Log: log,
		NewReader: func() (readers.Reader, error) { return postgres.New(c.name, c.postgres), nil },
		NewProducer: func(acks sinks.Acks) (sinks.Producer, error) {
			return kafka.New(d.settings.kafkaOf(c), c.topics, acks, func(f fault.Finding) { log.Warn(f.String()) })
		},
	}
}

// runID is a random UUID of one start of a task, as Debezium's runId header has it.
func runID() string {
	a, b := rand.Uint64(), rand.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

// run runs the connectors until ctx ends, and serves their status meanwhile.
func (d *daemon) run(ctx context.Context) error {
	var around sync.WaitGroup
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	around.Go(func() {
		if err := d.rest.Serve(); err != nil {
			d.log.Error("the REST API ended", "error", err)
		}
	})
	around.Go(func() {
		if err := notify.Watch(beside, d.alive); err != nil {
			d.log.Error("systemd's watchdog", "error", err)
		}
	})
	around.Go(func() { showProgress(beside, d.worker.Tasks, d.log) })
	around.Go(func() { d.reloadOnSignal(beside) })
	release := context.AfterFunc(ctx, func() { d.tell(notify.Stopping("delivering what was read")) })
	d.tell(notify.Ready(fmt.Sprintf("%d connectors; status at http://%s", len(d.worker.Tasks()), d.rest.Addr())))
	err := d.worker.Run(ctx)
	release()
	stop()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err = errors.Join(err, d.rest.Close(closing))
	around.Wait()
	return err
}

// alive says whether the process turns: a task's status can be read, no lock is held for ever.
func (d *daemon) alive() error {
	for _, t := range d.worker.Tasks() {
		t.Status()
	}
	return nil
}

// reloadOnSignal reads the configuration again at each SIGHUP that the daemon was given, until ctx ends.
func (d *daemon) reloadOnSignal(ctx context.Context) {
	for {
		select {
		case <-d.hangups:
			_, _ = d.control.Reload(ctx) // it says in the log what became of it
		case <-ctx.Done():
			return
		}
	}
}

func (d *daemon) tell(err error) {
	if err != nil {
		d.log.Warn("systemd cannot be told", "error", err)
	}
}

// close ends what newDaemon began.
func (d *daemon) close() error {
	var errs []error
	if d.rest != nil {
		errs = append(errs, d.rest.Close(context.Background()))
	}
	if d.embedded != nil {
		errs = append(errs, d.embedded.close())
	}
	if d.store != nil {
		errs = append(errs, d.store.Close())
	}
	return errors.Join(errs...)
}
