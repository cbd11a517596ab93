package kafka_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"rdip/internal/fault"
	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/sinktest"
)

func TestPartitionsThatHoldEverythingBackAreNamedWithTheirReasonAndTheirEndIsTold(t *testing.T) { // K2
	b := start(t)
	l := sinktest.NewLedger()
	var held atomic.Bool
	held.Store(true)
	b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{1}, Err: kerr.NotLeaderForPartition, Count: -1,
		When: func(kmsg.Request) bool { return held.Load() }})
	told := make(chan fault.Finding, 10)
	p, err := kafka.New(kafka.NewConfig(b.Addr()), partitions(3), l.Ack, func(f fault.Finding) { told <- f })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(soon(t)) })
	if _, err := p.Prepare(soon(t), "t"); err != nil {
		t.Fatal(err)
	}
	if err := p.Send(soon(t), l.Batch(sinks.Record{Topic: "t", Partition: 1, Value: []byte("held")}, sinks.Record{Topic: "t", Partition: 2, Value: []byte("free")})); err != nil {
		t.Fatal(err)
	}
	next := func() fault.Finding {
		t.Helper()
		select {
		case f := <-told:
			return f
		case <-time.After(time.Minute):
			t.Fatal("nothing was told")
			return fault.Finding{}
		}
	}
	f := next()
	if f.Severity != fault.Warning || f.Case != "K2" || !strings.Contains(f.Seen, "partition 1 of t: ") || strings.Contains(f.Seen, "partition 2") {
		t.Errorf("told: %v", f)
	}
	held.Store(false)
	if f := next(); f.Severity != fault.Notice || f.Seen != "records are acknowledged again" {
		t.Errorf("told: %v", f)
	}
	l.Await(t, 1)
}
