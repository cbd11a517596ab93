package kafka_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"rdip/sinks"
	"rdip/sinks/kafka"
	"rdip/sinks/sinktest"
)

// moving is a cluster of three brokers whose leaders move, which refuses records and loses answers while lanes send to
// its topics a and b.
type moving struct {
	*kfake.Cluster
	mute                           atomic.Int32 // answers to lose
	lanes, batches, records, parts int          // batches of a lane, records of a batch, partitions of a topic
}

func newMoving(t *testing.T, lanes, batches, records, parts int) *moving {
	t.Helper()
	m := &moving{lanes: lanes, batches: batches, records: records, parts: parts}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.ListenFn(mumbling(&m.mute)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	m.Cluster = cluster
	return m
}

// send has every lane send its batches, under trouble and whatever else is to be done meanwhile, and waits until all of
// them are reported. A record's key is its lane, and its value rises within the lane.
func (m *moving) send(t *testing.T, p *kafka.Producer, l *sinktest.Ledger, meanwhile func()) {
	t.Helper()
	for _, topic := range []string{"a", "b"} {
		if _, err := p.Prepare(soon(t), topic); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for lane := range m.lanes {
		all.Go(func() {
			for i := range m.batches {
				if err := p.Send(soon(t), l.Batch(m.batch(lane, i)...)); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	for more := true; more; {
		m.trouble(t)
		meanwhile()
		select {
		case <-ended:
			more = false
		case <-time.After(10 * time.Millisecond):
		}
	}
	l.Await(t, m.lanes*m.batches)
}

// batch is the i-th of a lane.
func (m *moving) batch(lane, i int) (rs []sinks.Record) {
	for j := range m.records {
		n := i*m.records + j
		rs = append(rs, sinks.Record{Topic: string(rune('a' + n%2)), Partition: int32(n / 2 % m.parts),
			Key: fmt.Append(nil, lane), Value: fmt.Appendf(nil, "%08d", n)})
	}
	return rs
}

// trouble moves a leader, has a broker refuse, or has one take a request and hang up in place of the answer.
func (m *moving) trouble(t *testing.T) {
	t.Helper()
	switch rand.IntN(3) {
	case 0:
		topic := string(rune('a' + rand.IntN(2)))
		if err := m.MoveTopicPartition(topic, int32(rand.IntN(m.parts)), int32(rand.IntN(3))); err != nil {
			t.Fatal(err)
		}
	case 1:
		refusals := []*kerr.Error{kerr.NotEnoughReplicasAfterAppend, kerr.NotLeaderForPartition, kerr.KafkaStorageError}
		m.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: refusals[rand.IntN(len(refusals))], Count: 1})
	default:
		m.mute.Store(1)
	}
}

// mustHold checks that all that was sent is there, and that each lane's values rise in each partition, so that none is
// there twice.
func (m *moving) mustHold(t *testing.T, read func(t *testing.T, topic string, partition int32) []sinks.Record) {
	t.Helper()
	total := 0
	for _, topic := range []string{"a", "b"} {
		for part := range int32(m.parts) {
			last := map[string]string{}
			for i, r := range read(t, topic, part) {
				if before := last[string(r.Key)]; string(r.Value) <= before {
					t.Fatalf("%s/%d at %d: lane %s has %s behind %s", topic, part, i, r.Key, r.Value, before)
				}
				last[string(r.Key)] = string(r.Value)
				total++
			}
		}
	}
	if sent := m.lanes * m.batches * m.records; total != sent {
		t.Errorf("%d records are there of %d", total, sent)
	}
}

// mumbling makes listeners whose connections hang up in place of an answer, as many as mute says.
func mumbling(mute *atomic.Int32) func(network, address string) (net.Listener, error) {
	return func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		return &mumbler{l, mute}, err
	}
}

type mumbler struct {
	net.Listener
	mute *atomic.Int32
}

func (m *mumbler) Accept() (net.Conn, error) {
	c, err := m.Listener.Accept()
	return &mumblingConn{c, m.mute}, err
}

type mumblingConn struct {
	net.Conn
	mute *atomic.Int32
}

func (c *mumblingConn) Write(b []byte) (int, error) {
	if c.mute.Add(-1) >= 0 {
		_ = c.Close()
		return 0, errors.New("hung up")
	}
	return c.Conn.Write(b)
}
