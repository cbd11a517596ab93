package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"rdip/integration/testenv/pgserver"
	"rdip/integration/testenv/process"
)

// receive runs pg_recvlogical over a stream.
func (b *bench) receive(s *stream) run {
	return func(ctx context.Context) (sample, error) {
		slot, err := b.copySlot(ctx, s)
		if err != nil {
			return sample{}, err
		}
		args := append(b.login(), "-d", database, "--slot", slot, "--start", "--endpos", lsn(s.end), "--no-loop",
			"-o", "proto_version=1", "-o", "publication_names="+s.publication,
			"-F", "0", "-s", "1", "-f", "/dev/null") // never fsync, report every second
		out, err := b.tool(ctx, b.recv, args, s.rows, s.bytes())
		return out, errors.Join(err, b.drop(ctx, slot))
	}
}

// copyOut runs psql with one COPY of the narrow table.
func (b *bench) copyOut() run {
	return func(ctx context.Context) (sample, error) {
		args := append(b.login(), "-d", database, "-X", "-q", "-c", "COPY (select * from "+narrowTable+") TO STDOUT")
		return b.tool(ctx, b.psql, args, b.streams[narrow].rows, b.tableBytes)
	}
}

// login is where the server is: the same TCP address that rdip uses.
func (b *bench) login() []string {
	return []string{"-h", "127.0.0.1", "-p", strconv.Itoa(b.pg.Port()), "-U", pgserver.Superuser}
}

// tool runs a program to its end. Where it writes to its standard output, that is /dev/null.
func (b *bench) tool(ctx context.Context, path string, args []string, rows, bytes int64) (sample, error) {
	m, err := b.meter(rows, bytes, false)
	if err != nil {
		return sample{}, err
	}
	if err := process.Run(ctx, process.Command{Path: path, Args: args}); err != nil {
		return sample{}, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return m.readEnded(time.Now())
}
