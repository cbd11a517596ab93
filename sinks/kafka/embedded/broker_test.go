package embedded_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rcrowley/go-metrics"
	"go.uber.org/goleak"

	"rdip/internal/fault"
	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/kafka/embedded"
	"rdip/sinks/sinktest"
)

func TestMain(m *testing.M) {
	metrics.UseNilMetrics = true // as cmd does
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, o embedded.Options) *embedded.Broker {
	t.Helper()
	b, err := embedded.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// write sends n records of size bytes to a topic and waits until they are acknowledged; it returns the topic
// and the cluster's id.
func write(t *testing.T, b *embedded.Broker, topic string, n, size int) (sinks.Topic, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	ledger := sinktest.NewLedger()
	p, err := kafka.New(kafka.NewConfig(b.Addr()), kafka.NewCreation(), ledger.Ack, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	found, err := p.Prepare(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	id, err := p.Identity(ctx)
	if err != nil {
		t.Fatal(err)
	}
	value := []byte(strings.Repeat("x", size))
	for i := range n {
		if err := p.Send(ctx, ledger.Batch(sinks.Record{Topic: topic, Key: fmt.Append(nil, i), Value: value, Micros: time.Now().UnixMicro()})); err != nil {
			t.Fatal(err)
		}
		ledger.Await(t, i+1)
	}
	return found, id
}

func TestAFolderKeepsRecordsTopicsAndTheClusterIdOverARestart(t *testing.T) {
	dir := t.TempDir()
	first := start(t, embedded.Options{DataDir: dir})
	topic, cluster := write(t, first, "shop.public.orders", 10, 100)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := start(t, embedded.Options{DataDir: dir})
	again, sameCluster := write(t, second, "shop.public.orders", 5, 100)
	if again.ID != topic.ID || sameCluster != cluster {
		t.Errorf("topic %s, then %s; cluster %s, then %s", topic.ID, again.ID, cluster, sameCluster)
	}
	if got := sinktest.ReadKafka(second.Addr())(t, "shop.public.orders", 0); len(got) != 15 {
		t.Errorf("%d records of 15 are there", len(got))
	}
}

func TestTwoBrokersAreTwoClusters(t *testing.T) { // K11
	_, a := write(t, start(t, embedded.Options{}), "a", 1, 1)
	_, b := write(t, start(t, embedded.Options{}), "a", 1, 1)
	if a == b {
		t.Errorf("both have the id %s: a position of the one would be taken for the other's", a)
	}
}

func TestAFolderBelongsToOneBrokerAtATime(t *testing.T) {
	dir := t.TempDir()
	first := start(t, embedded.Options{DataDir: dir})
	if b, err := embedded.Start(embedded.Options{DataDir: dir}); err == nil {
		_ = b.Close()
		t.Error("a second broker took the folder")
	} else if !strings.Contains(err.Error(), "another instance holds it") || fault.KindOf(err) != fault.Configuration {
		t.Errorf("refused with %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, embedded.Options{DataDir: dir})
}

func TestOnlyLoopbackIsServed(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:9092", "example.com:9092", "127.0.0.1"} {
		if b, err := embedded.Start(embedded.Options{Addr: addr}); err == nil {
			_ = b.Close()
			t.Errorf("it listens on %s", addr)
		} else if !fault.IsPermanent(err) {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if b := start(t, embedded.Options{Addr: "localhost:0"}); !strings.HasPrefix(b.Addr(), "127.0.0.1:") {
		t.Errorf("it listens on %s", b.Addr())
	}
}

func TestRetentionBoundsWhatAPartitionKeeps(t *testing.T) {
	dir := t.TempDir()
	b := start(t, embedded.Options{DataDir: dir, RetentionBytes: 1 << 20})
	const size, n = 100_000, 120
	write(t, b, "big", n, size)
	b.Cluster().ApplyRetention()
	info := b.Cluster().PartitionInfo("big", 0)
	if kept := info.HighWatermark - info.LogStartOffset; kept*size > 6<<20 || kept == 0 {
		t.Errorf("%d records of %d bytes are kept of %d", kept, size, n)
	}
	if bytes := diskUsage(t, dir); bytes > 7<<20 {
		t.Errorf("the folder has %d bytes", bytes)
	}
}

func diskUsage(t *testing.T, dir string) (sum int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
