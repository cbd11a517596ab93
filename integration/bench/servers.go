package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"

	"rdip/integration/testenv/component"
	"rdip/integration/testenv/kafkaserver"
	"rdip/integration/testenv/pgserver"
	"rdip/integration/testenv/process"
	"rdip/integration/testenv/registryserver"
	"rdip/integration/usage"
	"rdip/internal/fault"
)

// major is the PostgreSQL that the limits were measured with.
const major = 15

// bench is everything that one run of the program uses. It belongs to one goroutine.
type bench struct {
	options  options
	dir      string
	rdip     string // the binary
	recv     string // pg_recvlogical
	psql     string
	pg       *pgserver.Server
	registry *registryserver.Registry
	kafka    *kafkaserver.Cluster
	client   sarama.Client
	admin    sarama.ClusterAdmin
	sql      *pgx.Conn

	postmaster, broker int // process ids
	streams            map[string]*stream
	tableBytes         int64 // of the narrow table
	serial             int   // of slots and topics, so that each run has its own
}

// newBench starts the servers. Its caller closes what it gives, whatever error comes.
func newBench(ctx context.Context, o options) (*bench, error) {
	b := &bench{options: o, streams: map[string]*stream{}}
	var err error
	if b.dir, err = process.TempDir("bench"); err != nil {
		return b, err
	}
	if b.psql, err = tool("psql"); err != nil {
		return b, err
	}
	if b.recv, err = tool("pg_recvlogical"); err != nil {
		return b, err
	}
	if err := b.build(ctx); err != nil {
		return b, err
	}
	say("starting PostgreSQL, Kafka and a schema registry")
	if err := b.startPostgres(ctx); err != nil {
		return b, err
	}
	if b.registry, err = registryserver.Start(ctx); err != nil {
		return b, err
	}
	return b, b.startKafka(ctx)
}

// tool finds a client program of PostgreSQL's; Debian's in PATH is a script in front of it, so it comes last.
func tool(name string) (string, error) {
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		return slices.Max(found), nil
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return "", &fault.Error{Kind: fault.Preflight, Op: "find", Object: name, Cause: component.ErrMissing,
		Hint: "sudo apt-get install -y postgresql-15 postgresql-client-15", Permanent: true}
}

// build makes rdip's binary as `make build` does.
func (b *bench) build(ctx context.Context) error {
	if b.rdip = b.options.Binary; b.rdip != "" {
		return nil
	}
	say("building rdip")
	b.rdip = filepath.Join(b.dir, "rdip")
	log := filepath.Join(b.dir, "build.log")
	err := process.Run(ctx, process.Command{Path: "go", Log: log, Env: append(os.Environ(), "CGO_ENABLED=0"),
		Args: []string{"build", "-trimpath", "-ldflags", "-s -w -X main.version=bench", "-o", b.rdip, "rdip/cmd/rdip"}})
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, process.Tail(log, 20))
	}
	return nil
}

// startPostgres starts a server that syncs, without the background work that would come in between.
func (b *bench) startPostgres(ctx context.Context) error {
	var err error
	b.pg, err = pgserver.Start(ctx, pgserver.Options{Version: major, Fsync: true, Settings: map[string]string{
		"shared_buffers": "256MB", "max_wal_size": "4GB", "logical_decoding_work_mem": "64MB", "autovacuum": "off",
		"log_replication_commands": "off",
	}})
	if err != nil {
		return err
	}
	if b.postmaster, err = postmaster(b.pg.DataDir()); err != nil {
		return err
	}
	if err := b.pg.CreateDatabase(ctx, database); err != nil {
		return err
	}
	b.sql, err = b.pg.Connect(ctx, database)
	return err
}

func postmaster(dataDir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(first)
}

func (b *bench) startKafka(ctx context.Context) error {
	var err error
	b.kafka, err = kafkaserver.Start(ctx, kafkaserver.Options{FullJIT: true, HeapMB: 1024})
	if err != nil {
		return err
	}
	if b.broker, err = child("kafka.Kafka"); err != nil {
		return err
	}
	if b.client, err = sarama.NewClient([]string{b.kafka.Bootstrap()}, kafkaserver.ClientConfig()); err != nil {
		return err
	}
	b.admin, err = sarama.NewClusterAdmin([]string{b.kafka.Bootstrap()}, kafkaserver.ClientConfig())
	return err
}

// child is the process that was started with an argument.
func child(argument string) (int, error) {
	children, err := usage.Children(os.Getpid())
	if err != nil {
		return 0, err
	}
	for _, pid := range children {
		if line, err := usage.CommandLine(pid); err == nil && slices.Contains(line, argument) {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("no process was started with %s", argument)
}

// close ends everything. Whatever of it there is not is passed over.
func (b *bench) close() error {
	ctx := context.Background()
	var errs []error
	if b.sql != nil {
		errs = append(errs, b.sql.Close(ctx))
	}
	if b.admin != nil {
		errs = append(errs, b.admin.Close())
	}
	if b.client != nil {
		errs = append(errs, b.client.Close())
	}
	if b.kafka != nil {
		errs = append(errs, b.kafka.Close())
	}
	if b.registry != nil {
		errs = append(errs, b.registry.Close())
	}
	if b.pg != nil {
		errs = append(errs, b.pg.Close())
	}
	if b.dir != "" {
		errs = append(errs, os.RemoveAll(b.dir))
	}
	return errors.Join(errs...)
}

// endOffset is how many records a topic's partitions hold; 0 while there is no such topic.
func (b *bench) endOffset(topic string) (int64, error) {
	partitions, err := b.client.Partitions(topic)
	if err != nil || len(partitions) == 0 {
		_ = b.client.RefreshMetadata(topic)
		return 0, nil //nolint:nilerr // it may not be there yet
	}
	var sum int64
	for _, p := range partitions {
		end, err := b.client.GetOffset(topic, p, sarama.OffsetNewest)
		if err != nil {
			return 0, nil //nolint:nilerr // a leader that was elected a moment ago
		}
		sum += end
	}
	return sum, nil
}
