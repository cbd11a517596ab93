// Package embedded is a broker inside this process that speaks Kafka's protocol, for trying rdip and for
// tests: franz-go's kfake. It is not durable and outside rdip's guarantees: errors of fsync are ignored, there
// is one copy of everything, and nothing checks what a crash left behind beyond the records' checksums. rdip's
// own producer, franz-go, sarama, kcat and librdkafka's other clients work with it.
//
// What it keeps is bounded by RetentionBytes a partition. With a DataDir records live in files and memory
// holds their index only; without one everything is in memory.
package embedded

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"rdip/internal/fault"
)

const (
	// retentionEvery is how often old records are removed; kfake does so only when told.
	retentionEvery = 30 * time.Second
	// defaultRetention is what a partition keeps at most by default, in bytes.
	defaultRetention = 64 << 20
	// segment is the size of a file, in bytes: retention removes whole ones.
	segment = 4 << 20
)

// Options say what to start. The zero value is a broker in memory, on a free port.
type Options struct {
	DataDir        string // empty: in memory
	Addr           string // host:port on loopback; empty: 127.0.0.1:0, port 0 takes a free one
	RetentionBytes int64  // of a partition; 0: 64 MiB
}

// Broker is a running broker. Its methods are safe for concurrent use.
type Broker struct {
	cluster *kfake.Cluster
	lock    *os.File // nil without DataDir
	stop    chan struct{}
	done    sync.WaitGroup
	once    sync.Once
}

// Start starts a broker, on what DataDir holds from before. Topics are not made by asking for them: a
// producer makes its own. Errors are permanent, except that the address may become free.
func Start(o Options) (*Broker, error) {
	host, port, err := address(o.Addr)
	if err != nil {
		return nil, err
	}
	b := &Broker{stop: make(chan struct{})}
	if o.DataDir != "" {
		if b.lock, err = own(o.DataDir); err != nil {
			return nil, err
		}
	}
	if o.RetentionBytes == 0 {
		o.RetentionBytes = defaultRetention
	}
	b.cluster, err = kfake.NewCluster(options(o, host, port)...)
	if err != nil {
		b.unlock()
		return nil, &fault.Error{Op: "start", Object: "the embedded broker", Cause: err,
			Hint: "if the folder is damaged, remove it: " + o.DataDir}
	}
	b.done.Add(1)
	go b.retain()
	return b, nil
}

func options(o Options, host string, port int) []kfake.Opt {
	opts := []kfake.Opt{
		kfake.Ports(port),
		kfake.DefaultNumPartitions(1),
		kfake.ClusterID(newClusterID()), // a folder that has one keeps its own
		kfake.BrokerConfigs(map[string]string{
			"default.replication.factor": "1",
			"log.retention.bytes":        strconv.FormatInt(o.RetentionBytes, 10),
			"log.segment.bytes":          strconv.Itoa(segment),
		}),
		kfake.ListenFn(func(network, a string) (net.Listener, error) {
			_, p, err := net.SplitHostPort(a)
			if err != nil {
				return nil, err
			}
			return net.Listen(network, net.JoinHostPort(host, p))
		}),
	}
	if o.DataDir != "" {
		opts = append(opts, kfake.DataDir(filepath.Join(o.DataDir, "log")), kfake.SyncWrites())
	}
	return opts
}

// address allows loopback only: the broker lets everybody in.
func address(a string) (host string, port int, err error) {
	if a == "" {
		a = "127.0.0.1:0"
	}
	host, p, err := net.SplitHostPort(a)
	if err == nil {
		port, err = strconv.Atoi(p)
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return "", 0, &fault.Error{Kind: fault.Configuration, Op: "start", Object: "the embedded broker", Permanent: true,
			Cause: fmt.Errorf("it listens on loopback only, not on %q", a), Hint: "127.0.0.1:0"}
	}
	return host, port, nil
}

// newClusterID is a random id in Kafka's form: 16 bytes, base64.
func newClusterID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// own makes the folder and takes its lock: two brokers would tear each other's files.
func own(dir string) (*os.File, error) {
	refuse := func(err error, hint string) (*os.File, error) {
		return nil, &fault.Error{Kind: fault.Configuration, Op: "open", Object: "the embedded broker's folder " + dir, Cause: err, Hint: hint, Permanent: true}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return refuse(err, "name a folder that this process may write to")
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return refuse(err, "name a folder that this process may write to")
	}
	if err := flock(f); err != nil {
		_ = f.Close()
		return refuse(errors.New("another instance holds it"), "stop the other one, or use another state.dir")
	}
	return f, nil
}

func (b *Broker) unlock() {
	if b.lock != nil {
		_ = b.lock.Close()
	}
}

// Addr is the host:port that clients begin with.
func (b *Broker) Addr() string { return b.cluster.ListenAddrs()[0] }

// Cluster is the broker's inside, for tests that inject faults.
func (b *Broker) Cluster() *kfake.Cluster { return b.cluster }

// retain removes what is over the retention: kfake has no such thread of its own.
func (b *Broker) retain() {
	defer b.done.Done()
	t := time.NewTicker(retentionEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			b.cluster.ApplyRetention()
		case <-b.stop:
			return
		}
	}
}

// Close ends the broker and its connections. What was acknowledged stays in DataDir. After the first call it
// does nothing.
func (b *Broker) Close() error {
	b.once.Do(func() {
		close(b.stop)
		b.done.Wait()
		b.cluster.Close()
		b.unlock()
	})
	return nil
}
