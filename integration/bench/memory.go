package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"rdip/integration/testenv/process"
	"rdip/integration/usage"
)

// Bounds of resident memory, in bytes.
const (
	busyBound = 64 << 20
	idleBound = 32 << 20
)

// idleTime is how long an idle daemon is watched, heartbeats included.
const idleTime = 15 * time.Second

// bound is the most memory that the daemon had resident in one situation, since its start.
type bound struct {
	Title string
	Peak  int64 // bytes
	Limit int64 // bytes
	Rows  int64 // delivered to Kafka meanwhile
}

func (b bound) passed() bool { return b.Peak < b.Limit }

// memory runs the daemon into Kafka in the situations that have a bound.
func (b *bench) memory(ctx context.Context) ([]bound, error) {
	var all []bound
	for _, situation := range []func(context.Context) (bound, error){b.idle, b.largeTable, b.largeTransaction} {
		one, err := situation(ctx)
		if err != nil {
			return all, err
		}
		say("memory: %s: %.1f MiB at most", one.Title, mib(one.Peak))
		all = append(all, one)
	}
	return all, nil
}

// idle is a daemon that follows a log in which nothing happens to its table.
func (b *bench) idle(ctx context.Context) (bound, error) {
	out := bound{Title: fmt.Sprintf("idle for %s", idleTime), Limit: idleBound}
	if err := b.makeTable(ctx, "bench_idle"); err != nil {
		return out, err
	}
	slot := b.name("idle")
	d, err := b.prepare("bench_idle", "bench_idle", slot, "no_data")
	if err != nil {
		return out, err
	}
	if err := d.start(b.rdip); err != nil {
		return out, err
	}
	if err := b.streaming(ctx, d); err != nil {
		return out, errors.Join(err, d.Kill())
	}
	err = sleep(ctx, idleTime)
	if err == nil {
		out.Peak, err = usage.Peak(d.Pid())
	}
	return out, errors.Join(err, d.stop(), b.drop(ctx, slot), os.RemoveAll(d.dir))
}

// streaming waits until the daemon follows the log.
func (b *bench) streaming(ctx context.Context, d *daemon) error {
	for !strings.Contains(process.Tail(d.log(), 100), "state=streaming") {
		select {
		case <-d.Done():
			return d.failed(errors.Join(errors.New("it ended"), d.Err()))
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// largeTable copies a table of the size that the options ask for.
func (b *bench) largeTable(ctx context.Context) (bound, error) {
	out := bound{Limit: busyBound}
	if err := b.makeTable(ctx, "bench_large"); err != nil {
		return out, err
	}
	var size int64
	const step = 250_000
	for first := int64(0); size < b.options.TableBytes; first += step {
		rows := min(step, (b.options.TableBytes-size)/60+1000) // a row takes 80 bytes
		err := b.exec(ctx, `INSERT INTO bench_large SELECT i, 1, md5(i::text), clock_timestamp(), 12.34
			FROM generate_series($1::bigint, $2) i`, first, first+rows-1)
		if err == nil {
			err = b.sql.QueryRow(ctx, "SELECT pg_table_size('bench_large')").Scan(&size)
		}
		if err != nil {
			return out, err
		}
		out.Rows += rows
	}
	out.Title = fmt.Sprintf("copying a table of %d MB", size/1_000_000)
	slot := b.name("large")
	d, err := b.prepare("bench_large", "bench_large", slot, "initial")
	if err != nil {
		return out, err
	}
	s, err := b.toKafka(ctx, d, "bench_large", out.Rows, size)
	out.Peak = s.Peak
	return out, errors.Join(err, b.drop(ctx, slot), b.exec(ctx, "DROP TABLE bench_large CASCADE"))
}

// largeTransaction lets one transaction of many rows pass.
func (b *bench) largeTransaction(ctx context.Context) (bound, error) {
	n := b.options.TransactionRows
	out := bound{Title: fmt.Sprintf("one transaction of %d rows", n), Limit: busyBound, Rows: n}
	if err := b.makeTable(ctx, "bench_transaction"); err != nil {
		return out, err
	}
	err := b.record(ctx, "bench_transaction", "bench_transaction", n, fmt.Sprintf(`INSERT INTO bench_transaction
		SELECT i, 1, md5(i::text), clock_timestamp(), 12.34 FROM generate_series(1, %d) i`, n))
	if err != nil {
		return out, err
	}
	s, err := b.logToKafka(b.streams["bench_transaction"], false)(ctx)
	out.Peak = s.Peak
	return out, err
}

// makeTable makes an empty table like the narrow one, and a publication of the same name.
func (b *bench) makeTable(ctx context.Context, name string) error {
	return b.exec(ctx, fmt.Sprintf("CREATE TABLE %s(LIKE bench INCLUDING ALL); CREATE PUBLICATION %[1]s FOR TABLE %[1]s", name))
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
