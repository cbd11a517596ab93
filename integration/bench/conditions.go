package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"rdip/integration/testenv/component"
)

// conditions are what a run was made under.
type conditions struct {
	Time       time.Time
	Commit     string // of this tree, with what is not committed
	Go         string
	Kernel     string
	CPU        string
	Cores      int
	MemoryKiB  string
	PostgreSQL string
	Kafka      string
	Java       string
	Streams    map[string]streamSize
	TableBytes int64 // of the narrow table
}

type streamSize struct{ Rows, LogBytes int64 }

func (b *bench) conditions(ctx context.Context) (conditions, error) {
	c := conditions{Time: time.Now().UTC().Truncate(time.Second), Commit: commit(ctx), Go: runtime.Version(),
		Kernel: line("/proc/sys/kernel/osrelease", ""), CPU: line("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(),
		MemoryKiB: line("/proc/meminfo", "MemTotal"), Kafka: component.KafkaVersion, Java: java(ctx),
		TableBytes: b.tableBytes, Streams: map[string]streamSize{}}
	for name, s := range b.streams {
		c.Streams[name] = streamSize{Rows: s.rows, LogBytes: s.bytes()}
	}
	return c, b.sql.QueryRow(ctx, "SHOW server_version").Scan(&c.PostgreSQL)
}

// commit is the newest commit, and whether something is not in it.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty=, with changes", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return string(bytes.TrimSpace(out))
}

func java(ctx context.Context) string {
	path, err := component.Java().Path()
	if err != nil {
		return "unknown"
	}
	out, _ := exec.CommandContext(ctx, path, "-version").CombinedOutput() // it writes to standard error
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}

// line is what stands behind the field's name and a colon, or the first line where there is no name.
func line(path, field string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for l := range strings.Lines(string(text)) {
		if !strings.HasPrefix(l, field) {
			continue
		}
		if field != "" {
			_, l, _ = strings.Cut(l, ":")
		}
		return strings.TrimSpace(l)
	}
	return "unknown"
}

func (c *conditions) String() string {
	var streams []string
	for _, name := range []string{narrow, wide, single} {
		if s, ok := c.Streams[name]; ok {
			streams = append(streams, fmt.Sprintf("%s %d rows in %d MB of log", name, s.Rows, s.LogBytes/1_000_000))
		}
	}
	return fmt.Sprintf("%s; commit %s; %s; Linux %s, %d cores of %s, %s of memory; PostgreSQL %s (fsync on, shared_buffers 256MB, max_wal_size 4GB), Apache Kafka %s on %s, one broker; all on this machine. Streams: %s; the narrow table has %d MB.",
		c.Time.Format("2006-01-02 15:04 UTC"), c.Commit, c.Go, c.Kernel, c.Cores, c.CPU, c.MemoryKiB, c.PostgreSQL, c.Kafka, c.Java,
		strings.Join(streams, ", "), c.TableBytes/1_000_000)
}
