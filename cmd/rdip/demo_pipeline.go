package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"rdip/cmd/rdip/internal/lines"
	"rdip/connect/source"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
	"rdip/sinks/kafka/consume"
)

// demoConfig is the configuration of the demo's connector. It goes the way of any other.
const demoConfig = `embedded: true
state.dir: %q
rest.listeners: 127.0.0.1:0
offset.flush.interval.ms: 200
connectors:
  shop:
    connector.class: postgres
    database: {hostname: 127.0.0.1, port: %d, dbname: %s, user: %s, sslmode: disable}
    topic.prefix: shop
    table.include.list: public.*
`

// demoPipeline is rdip's own daemon in this process, and a consumer of its topics.
type demoPipeline struct {
	dir     string
	log     *os.File // nil where the log is shown
	daemon  *daemon
	source  *consume.Consumer
	stop    context.CancelFunc
	running chan struct{} // closed when the daemon has ended
	err     error         // then: why
}

// startPipeline writes a configuration, starts the daemon on it and begins to read what comes.
func startPipeline(ctx context.Context, pg *pgserver.Server, verbose bool) (_ *demoPipeline, err error) {
	p := &demoPipeline{stop: func() {}, running: make(chan struct{})}
	close(p.running)
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	// Named as the server's folder is, which has a later start sweep both if this process is killed.
	if p.dir, err = os.MkdirTemp("/tmp", fmt.Sprintf("rdip-demo-%d-", os.Getpid())); err != nil {
		return nil, err
	}
	s, err := p.configure(pg)
	if err != nil {
		return nil, err
	}
	log, level, err := p.logger(s, verbose)
	if err != nil {
		return nil, err
	}
	if p.daemon, err = newDaemon(ctx, s, log, level); err != nil {
		return nil, err
	}
	every, err := consume.ParsePattern("shop.*")
	if err != nil {
		return nil, err
	}
	p.source, err = consume.Open(ctx, &s.kafka, consume.Options{Topics: []consume.Pattern{every}, FromBeginning: true,
		Follow: true, Await: true, Refresh: 100 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	p.run()
	return p, nil
}

func (p *demoPipeline) configure(pg *pgserver.Server) (*settings, error) {
	path := filepath.Join(p.dir, "shop.yaml")
	text := fmt.Sprintf(demoConfig, filepath.Join(p.dir, "state"), pg.Port(), demoDatabase, pgserver.Superuser)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return load(path)
}

// logger keeps the log in a file, for the case that something fails, unless it is to be shown.
func (p *demoPipeline) logger(s *settings, verbose bool) (*slog.Logger, *slog.LevelVar, error) {
	if verbose {
		log, level := logger(s.worker)
		return log, level, nil
	}
	level := &slog.LevelVar{}
	var err error
	if p.log, err = os.Create(filepath.Join(p.dir, "log")); err != nil {
		return nil, nil, err
	}
	return slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: level})), level, nil
}

// run starts the connectors. They outlive the caller's context until close, which drains them.
func (p *demoPipeline) run() {
	ctx, stop := context.WithCancel(context.Background())
	p.stop, p.running = stop, make(chan struct{})
	go func() {
		defer close(p.running)
		p.err = p.daemon.run(ctx)
	}()
}

// ready waits until the snapshot is copied and the log is followed.
func (p *demoPipeline) ready(ctx context.Context) error {
	for {
		s := p.daemon.worker.Tasks()[0].Status()
		switch s.State {
		case source.StateStreaming:
			return nil
		case source.StateFailed, source.StateRetrying:
			return &fault.Error{Op: "capture", Object: "the shop", Cause: fmt.Errorf("%w\n%s", s.Err, p.tail())}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.running:
			return &fault.Error{Op: "capture", Object: "the shop", Cause: fmt.Errorf("%w\n%s", p.err, p.tail())}
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tail is the end of the log, where it was not shown.
func (p *demoPipeline) tail() string {
	if p.log == nil {
		return ""
	}
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	const shown = 4 << 10
	return string(text[max(0, len(text)-shown):])
}

func (p *demoPipeline) printer(out io.Writer, tally *lines.Tally) (*lines.Printer, error) {
	decoder, err := p.daemon.settings.decoder()
	if err != nil {
		return nil, err
	}
	printer := &lines.Printer{Out: out, Format: lines.Text, Colour: isColourful(os.Stdout), Decoder: decoder, Tally: tally}
	printer.Reserve("public.order_items", "order_id=10,line=1")
	return printer, nil
}

// introduce says what runs where, and what to try in a second terminal.
func (p *demoPipeline) introduce(printer *lines.Printer, pg *pgserver.Server) {
	broker, registry := p.daemon.embedded.broker.Addr(), p.daemon.embedded.registryURL
	for _, line := range []string{
		fmt.Sprintf("PostgreSQL %d, a broker and a schema registry run in a temporary folder until Ctrl-C. In another terminal:", pg.Version()),
		"  " + os.Args[0] + " tail 'shop.*' --from-beginning --bootstrap-server " + broker + " --schema-registry-url " + registry,
		"  kcat -b " + broker + " -L    (the broker: embedded, for trying, not durable)",
		"  curl " + registry + "/subjects    (the schema registry)",
		"  curl http://" + p.daemon.rest.Addr().String() + "/connectors/shop/status",
		"  psql '" + pg.DSN(pgserver.Superuser, demoDatabase) + "'    (your own changes)",
		"Next: README.md (your own database in five minutes), docs/DELIVERY.md (what is guaranteed), docs/TYPES.md.",
		"",
	} {
		printer.Title(line)
	}
}

const (
	// quiet is how long nothing may come, after the shop has closed, until all of it is taken to be here.
	quiet = 500 * time.Millisecond
	// patience bounds the wait for it.
	patience = 5 * time.Second
)

// print shows events while the shop is open, and then until the last of them are here; ctx ends it at once.
func (p *demoPipeline) print(ctx, open context.Context, printer *lines.Printer) error {
	for open.Err() == nil {
		if err := p.printNext(ctx, open, printer); err != nil {
			return err
		}
	}
	for deadline := time.Now().Add(patience); ctx.Err() == nil && time.Now().Before(deadline); {
		wait, cancel := context.WithTimeout(ctx, quiet)
		err := p.printNext(ctx, wait, printer)
		came := wait.Err() == nil
		cancel()
		if err != nil || !came {
			return err
		}
	}
	return nil
}

// printNext shows one record, if it comes before wait ends.
func (p *demoPipeline) printNext(ctx, wait context.Context, printer *lines.Printer) error {
	r, err := p.source.Next(wait)
	if err == nil {
		err = printer.Print(ctx, r, time.Now())
	}
	if wait.Err() != nil && errors.Is(err, wait.Err()) {
		return nil
	}
	return err
}

// close drains the daemon and removes its folder.
func (p *demoPipeline) close() error {
	var errs []error
	if p.source != nil {
		errs = append(errs, p.source.Close())
	}
	p.stop()
	<-p.running
	errs = append(errs, p.err)
	if p.daemon != nil {
		errs = append(errs, p.daemon.close())
	}
	if p.log != nil {
		errs = append(errs, p.log.Close())
	}
	if p.dir != "" {
		errs = append(errs, os.RemoveAll(p.dir))
	}
	return errors.Join(errs...)
}
