package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"rdip/cmd/rdip/internal/shop"
	"rdip/integration/testenv/component"
	"rdip/integration/testenv/pgserver"
	"rdip/internal/fault"
)

const demoDatabase = "shop"

func (c demoCommand) check() error {
	switch {
	case c.Rate <= 0 || c.Rate > 1000:
		return &fault.Error{Kind: fault.Configuration, Op: "use", Object: fmt.Sprintf("--rate %v", c.Rate), Permanent: true,
			Cause: fmt.Errorf("it is not between 0 and 1000 transactions a second"), Hint: "--rate 2"}
	case c.For < 0:
		return &fault.Error{Kind: fault.Configuration, Op: "use", Object: fmt.Sprintf("--for %s", c.For), Permanent: true,
			Cause: fmt.Errorf("it is over before it begins"), Hint: "--for 20s"}
	}
	return nil
}

// startDemoPostgres starts a cluster of the newest PostgreSQL that this machine has; where there is none it
// fetches one, once, and says so.
func startDemoPostgres(ctx context.Context, progress io.Writer) (*pgserver.Server, error) {
	const oldest = 14
	if _, _, ok := component.NewestPostgres(oldest); !ok {
		newest := component.PostgresMajors[len(component.PostgresMajors)-1]
		if err := component.FetchPostgres(ctx, newest, progress); err != nil {
			return nil, err
		}
	}
	return pgserver.Start(ctx, pgserver.Options{})
}

// furnish makes the shop's database.
func furnish(ctx context.Context, pg *pgserver.Server) error {
	if err := pg.CreateDatabase(ctx, demoDatabase); err != nil {
		return err
	}
	return pg.Exec(ctx, demoDatabase, shop.Tables)
}

// trade does the shop's business at its rate, until it is time to end.
func (c demoCommand) trade(ctx context.Context, pg *pgserver.Server) error {
	conn, err := pg.Connect(ctx, demoDatabase)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	s := shop.New(c.Seed)
	var closing <-chan time.Time
	if c.For > 0 {
		closing = time.After(c.For)
	}
	refused := 0
	tick := time.NewTicker(time.Duration(float64(time.Second) / c.Rate))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-closing:
			return nil
		case <-tick.C:
		}
		err := conn.PgConn().Exec(ctx, s.Step()).Close()
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			refused = 0
		case conn.IsClosed() || refused == mostRefused:
			return fmt.Errorf("the shop: %w", err)
		default:
			refused++
			if err := conn.PgConn().Exec(ctx, "ROLLBACK").Close(); err != nil && ctx.Err() == nil {
				return fmt.Errorf("the shop: %w", err)
			}
		}
	}
}

// mostRefused is how many transactions in a row the database may refuse: a visitor who changes the shop's rows
// in psql, as the demo invites to, gets in the way of some.
const mostRefused = 20
