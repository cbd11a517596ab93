package kafkaserver

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"rdip/integration/testenv/certs"
	"rdip/integration/testenv/component"
	"rdip/integration/testenv/process"
)

// errEnded is a broker that stops by itself while it is waited for.
var errEnded = errors.New("it ended")

// Cluster is a group of brokers. Its methods may be called from any goroutine, but starting, stopping
// and closing belong to one.
type Cluster struct {
	ID      string // Kafka's cluster id, one of its own for every cluster
	Brokers []*Broker

	options   Options
	dir       string
	jars      string
	javaPath  string
	authority *certs.Authority // nil without TLS
	keystore  string
}

// Start makes and starts a cluster and returns when every broker answers.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	const attempts = 3 // another process may take a port between our choice and the broker's bind
	for attempt := 1; ; attempt++ {
		c, err := create(ctx, o)
		if err != nil {
			return nil, err
		}
		if err = c.Start(ctx); err == nil {
			return c, nil
		}
		taken := c.portTaken()
		err = errors.Join(err, c.Close())
		if !taken || attempt == attempts {
			return nil, err
		}
	}
}

func create(ctx context.Context, o Options) (*Cluster, error) {
	c := &Cluster{options: o}
	c.options.Brokers = max(o.Brokers, 1)
	c.options.TLS = o.TLS || o.ClientCerts
	var err error
	if c.jars, err = component.Kafka().Path(); err != nil {
		return nil, err
	}
	if c.javaPath, err = component.Java().Path(); err != nil {
		return nil, err
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	id[0] &= 0x7f        // an id may not begin with a dash, which the format takes for an option
	c.ID = base64.RawURLEncoding.EncodeToString(id)
	if c.dir, err = process.TempDir("kafka"); err != nil {
		return nil, err
	}
	if err := c.prepare(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) prepare(ctx context.Context) error {
	if err := c.makeCertificates(); err != nil {
		return err
	}
	for id := 1; id <= c.options.Brokers; id++ {
		b := &Broker{ID: id, cluster: c, ports: map[string]int{}, dir: filepath.Join(c.dir, fmt.Sprint(id))}
		c.Brokers = append(c.Brokers, b)
		if err := b.prepare(); err != nil {
			return err
		}
	}
	for _, b := range c.Brokers {
		if err := b.format(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Start starts every broker that does not run, and waits for all.
func (c *Cluster) Start(ctx context.Context) error {
	for _, b := range c.Brokers {
		if err := b.launch(); err != nil {
			return err
		}
	}
	for _, b := range c.Brokers {
		if err := c.awaitReady(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// Stop is a controlled shutdown of every broker.
func (c *Cluster) Stop() error { return c.each((*Broker).Stop) }

// Kill ends every broker at once.
func (c *Cluster) Kill() error { return c.each((*Broker).Kill) }

// Pause freezes every broker.
func (c *Cluster) Pause() error { return c.each((*Broker).Pause) }

// Resume ends a Pause of every broker.
func (c *Cluster) Resume() error { return c.each((*Broker).Resume) }

// Close kills the brokers and removes their folders.
func (c *Cluster) Close() error {
	errs := []error{c.Kill()}
	for _, b := range c.Brokers {
		if b.proxy != nil {
			errs = append(errs, b.proxy.Close())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(c.dir))...)
}

// Bootstrap is the plaintext listeners' bootstrap.servers.
func (c *Cluster) Bootstrap() string { return c.bootstrap(plainListener) }

// SASLBootstrap is for Options.Users, without TLS.
func (c *Cluster) SASLBootstrap() string { return c.bootstrap(saslListener) }

// TLSBootstrap is for clients with TLS and without SASL.
func (c *Cluster) TLSBootstrap() string { return c.bootstrap(tlsListener) }

// SASLTLSBootstrap is for Options.Users with TLS.
func (c *Cluster) SASLTLSBootstrap() string { return c.bootstrap(saslTLSListener) }

// ProxiedBootstrap leads through the brokers' proxies.
func (c *Cluster) ProxiedBootstrap() string {
	var addrs []string
	for _, b := range c.Brokers {
		if b.proxy != nil {
			addrs = append(addrs, b.proxy.Addr())
		}
	}
	return strings.Join(addrs, ",")
}

func (c *Cluster) bootstrap(listener string) string {
	var addrs []string
	for _, b := range c.Brokers {
		if _, ok := b.ports[listener]; ok {
			addrs = append(addrs, b.addr(listener))
		}
	}
	return strings.Join(addrs, ",")
}

// CAFile is the certificate of the authority behind the brokers', empty without TLS.
func (c *Cluster) CAFile() string {
	if c.authority == nil {
		return ""
	}
	return c.authority.CAFile
}

// ClientCert makes a client's certificate; with ACLs its principal is User:CN=NAME.
func (c *Cluster) ClientCert(name string) (certs.Pair, error) { return c.authority.Issue(name) }

// Logs is the end of every broker's log.
func (c *Cluster) Logs(lines int) string {
	var all strings.Builder
	for _, b := range c.Brokers {
		fmt.Fprintf(&all, "broker %d:\n%s\n", b.ID, b.LogTail(lines))
	}
	return all.String()
}

func (c *Cluster) each(do func(*Broker) error) error {
	var errs []error
	for _, b := range c.Brokers {
		errs = append(errs, do(b))
	}
	return errors.Join(errs...)
}

func (c *Cluster) portTaken() bool {
	for _, b := range c.Brokers {
		if b.portTaken() {
			return true
		}
	}
	return false
}

// java is the command line of one of Kafka's programs.
func (c *Cluster) java(dir string, args ...string) process.Command {
	heap := c.options.HeapMB
	if heap == 0 {
		heap = 256
	}
	flags := []string{
		"-Xms64m", fmt.Sprintf("-Xmx%dm", heap), "-XX:+UseSerialGC",
		"-Djava.io.tmpdir=" + dir, // libraries unpack native code there and leave it when they are killed
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
	}
	if !c.options.FullJIT {
		flags = append(flags, "-XX:TieredStopAtLevel=1")
	}
	flags = append(flags, "-cp", filepath.Join(c.jars, "*"))
	return process.Command{
		Path: c.javaPath, Args: append(flags, args...), Dir: dir, Log: filepath.Join(dir, "log"),
	}
}

func (c *Cluster) makeCertificates() error {
	if !c.options.TLS {
		return nil
	}
	var err error
	if c.authority, err = certs.NewAuthority(c.dir); err != nil {
		return err
	}
	pair, err := c.authority.Issue("broker", "localhost", "127.0.0.1")
	if err != nil {
		return err
	}
	c.keystore, err = pair.Concatenated()
	return err
}

// awaitReady returns when the broker answers, on its plaintext listener, with metadata that names as
// many brokers as run, a controller, and a leader for every partition.
func (c *Cluster) awaitReady(ctx context.Context, b *Broker) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		err := c.answers(b)
		if err == nil {
			return nil
		}
		select {
		case <-b.process().Done():
			return b.failed("start", errors.Join(errEnded, b.process().Err()))
		case <-ctx.Done():
			return b.failed("start", fmt.Errorf("it does not answer: %w", err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *Cluster) answers(b *Broker) error {
	conn := sarama.NewBroker(b.Addr())
	if err := conn.Open(ClientConfig()); err != nil {
		return err
	}
	defer conn.Close()
	answer, err := conn.GetMetadata(&sarama.MetadataRequest{Version: 7})
	if err != nil {
		return err
	}
	want := c.awake()
	if len(answer.Brokers) < want || answer.ControllerID < 0 {
		return fmt.Errorf("metadata names %d brokers of %d, controller %d", len(answer.Brokers), want, answer.ControllerID)
	}
	if want < len(c.Brokers) {
		return nil // some partitions may have to do without a leader
	}
	for _, topic := range answer.Topics {
		for _, partition := range topic.Partitions {
			if partition.Leader < 0 {
				return fmt.Errorf("%s-%d has no leader yet", topic.Name, partition.ID)
			}
		}
	}
	return nil
}

// awake is the number of brokers that run and are not frozen.
func (c *Cluster) awake() int {
	n := 0
	for _, b := range c.Brokers {
		if b.Running() && !b.paused() {
			n++
		}
	}
	return n
}
