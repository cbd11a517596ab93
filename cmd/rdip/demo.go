package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"rdip/cmd/rdip/internal/lines"
	"rdip/integration/testenv/pgserver"
)

type demoCommand struct {
	For     time.Duration `placeholder:"20s" help:"End after this long; without it, with Ctrl-C."`
	Rate    float64       `default:"2" placeholder:"N" help:"Transactions a second of the shop's business."`
	Seed    uint64        `default:"1" placeholder:"N" help:"Another seed is another shop; the same one does the same again."`
	Verbose bool          `short:"v" help:"Show rdip's own log too, on standard error."`
}

// Run shows a shop's changes on their way, and leaves nothing behind but a cache of fetched servers.
func (c demoCommand) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	// A terminal that is closed, or a reader of the lines that is gone, ends the demo like Ctrl-C does: there
	// are servers to stop and folders to remove.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	signal.Ignore(syscall.SIGPIPE)
	tally := &lines.Tally{}
	err := c.show(ctx, os.Stdout, tally)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) || errors.Is(err, syscall.EPIPE) {
		err = nil // it was ended, by its user or the reader of its lines
	}
	if err == nil || tally.Events() > 0 {
		fmt.Println(tally.Summary())
	}
	return err
}

// show starts the servers, the pipeline and the shop, and prints events until it is time to end; it returns
// when all of them are gone.
func (c demoCommand) show(ctx context.Context, out io.Writer, tally *lines.Tally) (err error) {
	pg, err := startDemoPostgres(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.Close()) }()
	if err := furnish(ctx, pg); err != nil {
		return err
	}
	pipeline, err := startPipeline(ctx, pg, c.Verbose)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pipeline.close()) }()
	p, err := pipeline.printer(out, tally)
	if err != nil {
		return err
	}
	pipeline.introduce(p, pg)
	return c.business(ctx, pg, pipeline, p)
}

// business runs the shop beside the printing of what comes of it.
func (c demoCommand) business(ctx context.Context, pg *pgserver.Server, pipeline *demoPipeline, p *lines.Printer) error {
	open, closed := context.WithCancelCause(ctx)
	defer closed(nil)
	traded := make(chan error, 1)
	go func() {
		err := pipeline.ready(open)
		if err == nil {
			err = c.trade(open, pg)
		}
		closed(err)
		traded <- err
	}()
	err := pipeline.print(ctx, open, p)
	closed(err)
	return errors.Join(<-traded, err)
}
