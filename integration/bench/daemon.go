package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rdip/integration/testenv/pgserver"
	"rdip/integration/testenv/process"
	"rdip/offsets"
)

const (
	connector = "bench"
	// pollEvery is how often the end offsets are asked for: the most that a measurement can be too long.
	pollEvery = 25 * time.Millisecond
	stopTime  = 30 * time.Second
)

// daemon is one run of `rdip run` with one connector.
type daemon struct {
	*process.Process
	dir  string
	keys map[string]string
}

// prepare makes the folder and the configuration of a run that captures one table with what is otherwise
// rdip's defaults, and snapshot.mode as given.
func (b *bench) prepare(table, publication, slot, mode string) (*daemon, error) {
	d := &daemon{dir: filepath.Join(b.dir, slot)}
	c := "connectors." + connector + "."
	d.keys = map[string]string{
		"bootstrap.servers":      b.kafka.Bootstrap(),
		"schema.registry.url":    b.registry.URL(),
		"state.dir":              d.state(),
		"rest.listeners":         "127.0.0.1:0",
		c + "connector.class":    "postgres",
		c + "database.hostname":  "127.0.0.1",
		c + "database.port":      strconv.Itoa(b.pg.Port()),
		c + "database.dbname":    database,
		c + "database.user":      pgserver.Superuser,
		c + "database.sslmode":   "disable",
		c + "topic.prefix":       slot,
		c + "slot.name":          slot,
		c + "publication.name":   publication,
		c + "table.include.list": "public." + table,
		c + "snapshot.mode":      mode,
	}
	for _, pair := range b.options.Set {
		key, value, _ := strings.Cut(pair, "=")
		d.keys[key] = value
	}
	return d, os.MkdirAll(d.dir, 0o755)
}

func (d *daemon) state() string { return filepath.Join(d.dir, "state") }
func (d *daemon) log() string   { return filepath.Join(d.dir, "log") }

// start runs the binary.
func (d *daemon) start(binary string) error {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(d.keys)) {
		fmt.Fprintf(&text, "%s: %q\n", key, d.keys[key])
	}
	config := filepath.Join(d.dir, "rdip.yaml")
	if err := os.WriteFile(config, []byte(text.String()), 0o600); err != nil {
		return err
	}
	var err error
	d.Process, err = process.Start(process.Command{Path: binary, Args: []string{"run", config}, Log: d.log()})
	return err
}

// stop ends the daemon as an operator does, and says whether it drained.
func (d *daemon) stop() error {
	if err := d.Stop(syscall.SIGTERM, stopTime); err != nil {
		return err
	}
	return d.failed(d.Err())
}

func (d *daemon) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("rdip: %w; the end of its log:\n%s", err, process.Tail(d.log(), 20))
}

// seed stores a position, so that a run goes on from a slot that it did not make.
func seed(state string, place uint64) error {
	store, err := offsets.Open(state)
	if err != nil {
		return err
	}
	err = store.Put(connector, offsets.Record{Position: fmt.Sprintf(`{"lsn":%q}`, lsn(place)), Place: place, SnapshotDone: true})
	return errors.Join(err, store.Close())
}

// logToKafka runs the daemon over a stream, until the topic's end offsets show every row; exactly once, until a reader
// of committed records has them.
func (b *bench) logToKafka(s *stream, exactly bool) run {
	return func(ctx context.Context) (sample, error) {
		slot, err := b.copySlot(ctx, s)
		if err != nil {
			return sample{}, err
		}
		d, err := b.prepare(s.table, s.publication, slot, "no_data")
		if err != nil {
			return sample{}, err
		}
		if err := seed(d.state(), s.begin); err != nil {
			return sample{}, err
		}
		if exactly {
			d.exactly()
		}
		out, err := b.toKafka(ctx, d, s.table, s.rows, s.bytes())
		return out, errors.Join(err, b.drop(ctx, slot))
	}
}

// snapshotToKafka runs the daemon from its first start until the narrow table is in its topic.
func (b *bench) snapshotToKafka() run {
	return func(ctx context.Context) (sample, error) {
		slot := b.name("snapshot")
		d, err := b.prepare(narrowTable, narrow, slot, "initial")
		if err != nil {
			return sample{}, err
		}
		out, err := b.toKafka(ctx, d, narrowTable, b.streams[narrow].rows, b.tableBytes)
		return out, errors.Join(err, b.drop(ctx, slot))
	}
}

// toKafka starts a daemon, waits for the rows, stops it, and removes what it made.
func (b *bench) toKafka(ctx context.Context, d *daemon, table string, rows, bytes int64) (sample, error) {
	topic := d.keys["connectors."+connector+".topic.prefix"] + ".public." + table
	m, err := b.meter(rows, bytes, true)
	if err != nil {
		return sample{}, err
	}
	if err := d.start(b.rdip); err != nil {
		return sample{}, err
	}
	end, err := b.arrived(ctx, d, topic, rows)
	if err != nil {
		return sample{}, errors.Join(err, d.Kill())
	}
	out, err := m.readRunning(end, d.Pid())
	err = errors.Join(err, d.stop())
	if n, _ := b.endOffset(topic); n != rows && !d.isExact() {
		err = errors.Join(err, fmt.Errorf("topic %s ends at %d records, %d were to be delivered", topic, n, rows))
	}
	return out, errors.Join(err, b.admin.DeleteTopic(topic), os.RemoveAll(d.dir))
}

// arrived waits until a topic holds the rows, and says when it was seen.
func (b *bench) arrived(ctx context.Context, d *daemon, topic string, rows int64) (time.Time, error) {
	if d.isExact() {
		return b.arrivedCommitted(ctx, d, topic, rows)
	}
	for {
		n, err := b.endOffset(topic)
		if err != nil || n >= rows {
			return time.Now(), err
		}
		select {
		case <-d.Done():
			return time.Time{}, d.failed(errors.Join(errors.New("it ended"), d.Err()))
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}
