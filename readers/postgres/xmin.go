package postgres

import (
	"context"
	"sync/atomic"
	"time"

	"rdip/envelope"
)

// xmin is the oldest transaction of the catalog that the slot keeps the server from forgetting, for source.xmin
// (xmin.fetch.interval.ms). It is asked for now and then on a session of its own; what cannot be asked stays as
// it was, and stops nothing.
type xmin struct{ seen atomic.Uint64 }

const xminSQL = `SELECT coalesce((SELECT s.catalog_xmin::text::int8 FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = $1::text), 0)`

// run asks until ctx ends.
func (x *xmin) run(ctx context.Context, cfg *Config) {
	session := &catalogSession{cfg: cfg}
	defer session.close()
	for ctx.Err() == nil {
		if err := x.ask(ctx, session, cfg); err != nil {
			session.close()
		}
		_ = pause(ctx, cfg.XminInterval)
	}
}

func (x *xmin) ask(ctx context.Context, q querier, cfg *Config) error {
	ctx, cancel := context.WithTimeout(ctx, max(cfg.XminInterval, 10*time.Second))
	defer cancel()
	var n int64
	if err := q.QueryRow(ctx, xminSQL, cfg.SlotName).Scan(&n); err != nil {
		return err
	}
	x.seen.Store(uint64(n))
	return nil
}

// of is source.xmin of an event: 0 for none, as a snapshot's rows have it.
func (x *xmin) of(e *envelope.Event) uint64 {
	if x == nil || e.Mark != envelope.Streamed {
		return 0
	}
	return x.seen.Load()
}
