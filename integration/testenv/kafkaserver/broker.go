package kafkaserver

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
	"sync"
	"syscall"

	"rdip/integration/testenv/process"
	"rdip/integration/testenv/proxy"
	"rdip/internal/fault"
)

// Broker is one node of a cluster. Its ports stay the same over restarts.
type Broker struct {
	ID int

	cluster *Cluster
	dir     string
	ports   map[string]int // by listener
	proxy   *proxy.Proxy   // nil unless Options.Proxied

	mu     sync.Mutex
	kafka  *process.Process // nil before the first start
	frozen bool
}

// Addr is the plaintext listener's host:port.
func (b *Broker) Addr() string { return b.addr(plainListener) }

// Proxy stands before the PROXIED listener; nil unless Options.Proxied.
func (b *Broker) Proxy() *proxy.Proxy { return b.proxy }

// LogFile is what the broker writes.
func (b *Broker) LogFile() string { return filepath.Join(b.dir, "log") }

// LogTail is the last lines of what the broker wrote.
func (b *Broker) LogTail(lines int) string { return process.Tail(b.LogFile(), lines) }

// Start starts the stopped broker again and returns when it answers with the whole cluster's metadata.
func (b *Broker) Start(ctx context.Context) error {
	if err := b.launch(); err != nil {
		return err
	}
	return b.cluster.awaitReady(ctx, b)
}

// Stop is a controlled shutdown.
func (b *Broker) Stop() error {
	p := b.process()
	if p == nil {
		return nil
	}
	return errors.Join(b.Resume(), p.Stop(syscall.SIGTERM, stopWithin))
}

// Kill ends the broker at once, as a crash of its machine would; what it had not flushed is in the
// page cache and survives.
func (b *Broker) Kill() error {
	p := b.process()
	if p == nil {
		return nil
	}
	return p.Kill()
}

// Pause freezes the broker: connections stay open, nothing answers.
func (b *Broker) Pause() error { return b.freeze(true, syscall.SIGSTOP) }

// Resume ends a Pause.
func (b *Broker) Resume() error { return b.freeze(false, syscall.SIGCONT) }

func (b *Broker) freeze(frozen bool, sig syscall.Signal) error {
	p := b.process()
	if p == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.frozen = frozen
	return p.Signal(sig)
}

// Running says whether the broker's process runs, frozen or not.
func (b *Broker) Running() bool {
	p := b.process()
	return p != nil && p.Running()
}

func (b *Broker) paused() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.frozen
}

func (b *Broker) process() *process.Process {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kafka
}

func (b *Broker) addr(listener string) string {
	return "127.0.0.1:" + strconv.Itoa(b.ports[listener])
}

func (b *Broker) dataDir() string { return filepath.Join(b.dir, "data") }

func (b *Broker) propertiesFile() string { return filepath.Join(b.dir, "server.properties") }

// prepare takes ports and, once all brokers have theirs, format writes the empty log.
func (b *Broker) prepare() error {
	if err := os.Mkdir(b.dir, 0o755); err != nil {
		return err
	}
	for _, name := range b.cluster.options.listeners() {
		port, err := process.FreePort()
		if err != nil {
			return err
		}
		b.ports[name] = port
	}
	if !b.cluster.options.Proxied {
		return nil
	}
	var err error
	listen := proxy.New
	if cable := b.cluster.options.Cable; cable != nil {
		listen = cable.New
	}
	b.proxy, err = listen(b.addr(proxiedListener))
	return err
}

func (b *Broker) format(ctx context.Context) error {
	if err := b.writeProperties(); err != nil {
		return err
	}
	args := []string{"kafka.tools.StorageTool", "format", "-t", b.cluster.ID, "-c", b.propertiesFile()}
	users := b.cluster.options.Users
	for _, name := range slices.Sorted(maps.Keys(users)) {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram",
				fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, name, users[name]))
		}
	}
	command := b.cluster.java(b.dir, args...)
	command.Args = append([]string{"-XX:TieredStopAtLevel=1"}, command.Args...)
	if err := process.Run(ctx, command); err != nil {
		return b.failed("format", err)
	}
	return nil
}

func (b *Broker) launch() error {
	if b.Running() {
		return nil
	}
	p, err := process.Start(b.cluster.java(b.dir, "kafka.Kafka", b.propertiesFile()))
	if err != nil {
		return b.failed("start", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kafka, b.frozen = p, false
	return nil
}

// portTaken says whether the broker ended because somebody else listens on one of its ports.
func (b *Broker) portTaken() bool {
	return !b.Running() && strings.Contains(b.LogTail(100), "Address already in use")
}

func (b *Broker) failed(op string, err error) error {
	return &fault.Error{
		Op: op, Object: fmt.Sprintf("Kafka broker %d at %s", b.ID, b.Addr()),
		Cause: fmt.Errorf("%w; the end of its log:\n%s", err, b.LogTail(30)),
	}
}
