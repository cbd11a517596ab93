package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	database = "bench"
	// narrowTable is the table of the limits: a key, four columns, about 70 bytes as text.
	narrowTable = "bench"
)

// Names of the streams.
const (
	narrow = "narrow" // inserts of narrow rows, 100 a transaction
	wide   = "wide"   // updates of wide rows under REPLICA IDENTITY FULL, 100 a transaction
	single = "single" // inserts of narrow rows, 1 a transaction
)

// stream is a piece of log that every candidate reads: through a copy of the slot keep, which was made before
// the first of its rows and which nobody reads.
type stream struct {
	table, publication, keep string
	rows                     int64
	begin, end               uint64 // places in the log: what the slot has confirmed, and behind the last row
}

func (s *stream) bytes() int64 { return int64(s.end - s.begin) }

// schemaSQL makes the tables, their publications, and the procedures that fill them. A wide row has about 293
// bytes as text.
const schemaSQL = `
CREATE TABLE bench(id bigint PRIMARY KEY, a int, b text, c timestamp, d numeric(12,2));
CREATE TABLE bench_single(LIKE bench INCLUDING ALL);
CREATE TABLE bench_wide(id bigint PRIMARY KEY, a int, b text, c timestamp, d numeric(12,2),
	e text, f text, g uuid, h boolean, i double precision);
ALTER TABLE bench_wide REPLICA IDENTITY FULL;
CREATE PUBLICATION narrow FOR TABLE bench;
CREATE PUBLICATION single FOR TABLE bench_single;
CREATE PUBLICATION wide FOR TABLE bench_wide;

CREATE PROCEDURE fill(target text, first bigint, n bigint, per int) LANGUAGE plpgsql AS $$
BEGIN
	FOR k IN 0..(n/per-1) LOOP
		EXECUTE format('INSERT INTO %I SELECT i, (i*7919)%%1000003, substr(md5(i::text),1,16+(i%%17)::int),
			clock_timestamp()::timestamp, (i%%1000000)/100.0 FROM generate_series($1,$2) i', target)
			USING first+k*per, first+k*per+per-1;
		COMMIT;
	END LOOP;
END $$;

CREATE PROCEDURE touch(n bigint, per int) LANGUAGE plpgsql AS $$
BEGIN
	FOR k IN 0..(n/per-1) LOOP
		UPDATE bench_wide SET a = a+1, c = clock_timestamp()::timestamp WHERE id BETWEEN 1+k*per AND per+k*per;
		COMMIT;
	END LOOP;
END $$;`

// wideRowsSQL fills the wide table, before its slot is made.
const wideRowsSQL = `INSERT INTO bench_wide SELECT i, (i*7919)%1000003, substr(md5(i::text),1,16+(i%17)::int),
	clock_timestamp()::timestamp, (i%1000000)/100.0, repeat(md5((i+1)::text), 3),
	substr(repeat(md5((i+2)::text), 2), 1, 63), md5(i::text)::uuid, i%2 = 0, i/7.0
	FROM generate_series(1, $1::bigint) i`

// perTransaction is how many rows a transaction has, single rows aside.
const perTransaction = 100

// fill writes the log that is measured. What only a case that is left out needs is left out too.
func (b *bench) fill(ctx context.Context) error {
	o := &b.options
	if err := b.exec(ctx, "SET synchronous_commit = off"); err != nil {
		return err
	}
	if err := b.exec(ctx, schemaSQL); err != nil {
		return err
	}
	if o.wants("log") || o.wants("exactly") || o.wants("kafka") || o.wants("snapshot") || o.wants("snapshot-kafka") {
		n := o.Rows / perTransaction * perTransaction
		if err := b.record(ctx, narrow, narrowTable, n, fmt.Sprintf("CALL fill('bench', 1, %d, %d)", n, perTransaction)); err != nil {
			return err
		}
	}
	if o.Wide >= perTransaction && o.wants(wide) {
		n := o.Wide / perTransaction * perTransaction
		if _, err := b.sql.Exec(ctx, wideRowsSQL, n); err != nil {
			return err
		}
		if err := b.record(ctx, wide, "bench_wide", n, fmt.Sprintf("CALL touch(%d, %d)", n, perTransaction)); err != nil {
			return err
		}
	}
	if o.Wide > 0 && o.wants(single) {
		if err := b.record(ctx, single, "bench_single", o.Wide, fmt.Sprintf("CALL fill('bench_single', 1, %d, 1)", o.Wide)); err != nil {
			return err
		}
	}
	return b.settle(ctx)
}

// record makes a slot, runs the statement whose changes it keeps, and remembers both ends.
func (b *bench) record(ctx context.Context, name, table string, rows int64, statement string) error {
	s := &stream{table: table, publication: name, keep: "keep_" + name, rows: rows}
	began := time.Now()
	if err := b.exec(ctx, "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", s.keep); err != nil {
		return err
	}
	if err := b.exec(ctx, statement); err != nil {
		return err
	}
	err := b.sql.QueryRow(ctx, `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8, pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::int8
		FROM pg_replication_slots WHERE slot_name = $1`, s.keep).Scan(&s.end, &s.begin)
	if err != nil {
		return err
	}
	b.streams[name] = s
	say("filled %s: %d rows, %d MB of log, in %.0f s", name, rows, s.bytes()/1_000_000, time.Since(began).Seconds())
	return nil
}

// settle flushes what was written, so that nothing of it is left to do while others measure. The log goes on
// behind every stream's end, as pg_recvlogical needs it to notice the end.
func (b *bench) settle(ctx context.Context) error {
	for _, sql := range []string{"SELECT pg_switch_wal()", "CHECKPOINT", "VACUUM (ANALYZE)", "CHECKPOINT"} {
		if err := b.exec(ctx, sql); err != nil {
			return err
		}
	}
	return b.sql.QueryRow(ctx, "SELECT pg_table_size($1::regclass)", narrowTable).Scan(&b.tableBytes)
}

// exec runs one statement, or several as one transaction where there are no arguments.
func (b *bench) exec(ctx context.Context, sql string, args ...any) error {
	_, err := b.sql.Exec(ctx, sql, args...)
	return err
}

// name is one that no run before had.
func (b *bench) name(what string) string {
	b.serial++
	return fmt.Sprintf("%s_%d", what, b.serial)
}

// copySlot makes a copy of a stream's slot and gives its name; drop removes it.
func (b *bench) copySlot(ctx context.Context, s *stream) (string, error) {
	slot := b.name(s.publication)
	return slot, b.exec(ctx, "SELECT pg_copy_logical_replication_slot($1, $2)", s.keep, slot)
}

// drop removes a slot once its reader has let it go.
func (b *bench) drop(ctx context.Context, slot string) error {
	const patience = 10 * time.Second
	for began := time.Now(); ; {
		var active bool
		err := b.sql.QueryRow(ctx, "SELECT active FROM pg_replication_slots WHERE slot_name = $1", slot).Scan(&active)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if !active || time.Since(began) > patience {
			return b.exec(ctx, "SELECT pg_drop_replication_slot($1)", slot)
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// lsn is a place in the log as PostgreSQL writes it.
func lsn(place uint64) string { return fmt.Sprintf("%X/%X", place>>32, uint32(place)) }
