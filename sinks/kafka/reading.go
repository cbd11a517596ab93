package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
)

const (
	fetchLeast = 1 << 20  // bytes of one fetch
	fetchMost  = 64 << 20 // where a batch, or what comes before it, needs more
	fetchWait  = 500      // ms that a broker may wait for something to come
	// unsettledTold is after how long it is told that somebody else's transaction holds the reading up, and
	// unsettledMost how long it may.
	unsettledTold = 5 * time.Second
	unsettledMost = time.Minute
	// readAttempts is how often in a row a partition may fail to be read, up to five seconds apart.
	readAttempts = 30
)

// reading is the newest committed record of each key that is wanted. It keeps nothing else, whatever the topic
// holds. One goroutine uses it.
type reading struct {
	config   *Config
	cluster  *cluster
	settings *sarama.Config
	dialer   *dialer
	topic    string
	wanted   func(key []byte) bool
	notice   func(fault.Finding)
	least    int32 // bytes of a fetch
	newest   *newest
}

func newReading(c *Config, cl *cluster, topic string, partitions int32, wanted func([]byte) bool, notice func(fault.Finding)) (*reading, error) {
	t, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	d := newDialer(t)
	s, err := c.clientSettings(d)
	if err != nil {
		return nil, err
	}
	return &reading{config: c, cluster: cl, settings: s, dialer: d, topic: topic, wanted: wanted, notice: notice, least: fetchLeast, newest: newNewest(partitions)}, nil
}

func (r *reading) close() { r.dialer.close() }

// read reads a partition from its begin to where it ends now. What passes by itself, such as a leader that moves,
// is tried again where it was.
func (r *reading) read(ctx context.Context, partition int32) error {
	defer context.AfterFunc(ctx, r.dialer.close)()
	p := &progress{reading: r, partition: partition, next: -1, end: -1, size: r.least}
	for attempt := 0; ; attempt++ {
		before := p.next
		err := p.advance(ctx)
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if p.next > before {
			attempt = 0
		}
		if !passesReading(err) || r.cluster.isRefusal(err) || attempt >= readAttempts {
			return err
		}
		if !sleep(ctx, backoff(attempt, absenceMost)) {
			return ctx.Err()
		}
	}
}

// passesReading says whether an error passes by itself: nobody answered, or the leader is another or not ready.
func passesReading(err error) bool {
	var answer sarama.KError
	if !errors.As(err, &answer) {
		return isBroken(err)
	}
	switch answer {
	case sarama.ErrNotLeaderForPartition, sarama.ErrLeaderNotAvailable, sarama.ErrReplicaNotAvailable, sarama.ErrUnknownTopicOrPartition,
		sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch, sarama.ErrKafkaStorageError, sarama.ErrRequestTimedOut,
		sarama.ErrOffsetNotAvailable, sarama.ErrBrokerNotAvailable, sarama.ErrNetworkException, sarama.ErrOffsetOutOfRange:
		return true
	default:
		return false
	}
}

// progress is how far a partition is read.
type progress struct {
	*reading
	partition int32
	next, end int64 // offsets; -1: not known yet
	size      int32 // bytes of a fetch
}

// advance reads until the end, or until something fails.
func (p *progress) advance(ctx context.Context) error {
	b, err := p.leader(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	if p.end < 0 { // once: what comes later is nobody's before us
		if p.end, err = p.offset(b, sarama.OffsetNewest); err != nil {
			return err
		}
	}
	if p.next < 0 {
		if p.next, err = p.offset(b, sarama.OffsetOldest); err != nil {
			return err
		}
	}
	unsettled := unsettled{since: time.Now()}
	for p.next < p.end {
		before := p.next
		stable, err := p.fetch(b)
		if errors.Is(err, sarama.ErrOffsetOutOfRange) {
			p.next = -1 // records were removed meanwhile: from the oldest that there is
		}
		if err != nil {
			return err
		}
		if p.next > before {
			unsettled.since = time.Now()
			continue
		}
		if err := unsettled.wait(p, stable); err != nil {
			return err
		}
	}
	return nil
}

// leader connects to the partition's leader.
func (p *progress) leader(ctx context.Context) (*sarama.Broker, error) {
	answer, err := p.cluster.describe(ctx, p.topic)
	if err != nil {
		return nil, err
	}
	for _, t := range answer.Topics {
		if t.Name != p.topic {
			continue
		}
		if t.Err != sarama.ErrNoError {
			return nil, t.Err
		}
		id := leaderOf(t, p.partition)
		for _, b := range answer.Brokers {
			if b.ID() == id {
				return p.connect(b.Addr())
			}
		}
	}
	return nil, sarama.ErrLeaderNotAvailable
}

func (p *progress) connect(address string) (*sarama.Broker, error) {
	b := sarama.NewBroker(address)
	if err := b.Open(p.settings); err != nil {
		return nil, err
	}
	if ok, err := b.Connected(); !ok {
		return nil, errors.Join(io.ErrUnexpectedEOF, err)
	}
	return b, nil
}

// offset asks for the oldest offset, or for the newest as a reader of uncommitted records has it: the high
// watermark, which a new leader does not give before it knows it (KIP-207).
func (p *progress) offset(b *sarama.Broker, which int64) (int64, error) {
	q := sarama.NewOffsetRequest(p.settings.Version)
	q.AddBlock(p.topic, p.partition, which, 1)
	answer, err := b.GetAvailableOffsets(q)
	if err != nil {
		return 0, err
	}
	block := answer.GetBlock(p.topic, p.partition)
	if block == nil {
		return 0, sarama.ErrIncompleteResponse
	}
	if block.Err != sarama.ErrNoError {
		return 0, block.Err
	}
	return block.Offset, nil
}

// fetch takes what comes next, and gives the last stable offset: below it everything is committed or aborted.
func (p *progress) fetch(b *sarama.Broker) (stable int64, err error) {
	q := &sarama.FetchRequest{Version: 11, MaxWaitTime: fetchWait, MinBytes: 1, MaxBytes: p.size, Isolation: sarama.ReadCommitted, SessionEpoch: -1}
	q.AddBlock(p.topic, p.partition, p.next, p.size, -1)
	answer, err := b.Fetch(q)
	if err != nil {
		return 0, err
	}
	block := answer.GetBlock(p.topic, p.partition)
	switch {
	case block == nil:
		return 0, sarama.ErrIncompleteResponse
	case block.Err != sarama.ErrNoError:
		return 0, block.Err
	}
	next, err := p.take(block)
	if err != nil {
		return 0, err
	}
	switch {
	case next > p.next:
		p.next, p.size = next, p.least
	case next == partial:
		p.size = min(2*p.size, fetchMost)
	case next == nothing && block.LastStableOffset >= p.end:
		p.next = p.end // the last ones were compacted away
	}
	return block.LastStableOffset, nil
}

// unsettled is for how long nothing came, though there is something.
type unsettled struct {
	since  time.Time
	isTold bool
}

// wait is an error once it takes too long that somebody else's transaction is open.
func (u *unsettled) wait(p *progress, stable int64) error {
	open := time.Since(u.since)
	where := fmt.Sprintf("topic %q, partition %d", p.topic, p.partition)
	seen := fmt.Sprintf("another producer's transaction is open since offset %d, and what lies behind it, up to %d, cannot be read as committed", stable, p.end)
	fix := fmt.Sprintf("wait until it ends, at the latest after its transaction.timeout.ms; or abort it: kafka-transactions.sh --bootstrap-server %s abort --topic %s --partition %d --start-offset %d",
		p.config.bootstrap(), p.topic, p.partition, stable)
	if open >= unsettledTold && !u.isTold {
		u.isTold = true
		p.notice(fault.Finding{Severity: fault.Warning, Where: where, Seen: seen, Need: "its end; reading waits for it", Fix: fix})
	}
	if open >= unsettledMost {
		return &fault.Error{Op: "read positions from", Object: where, Cause: errors.New(seen), Hint: fix}
	}
	return nil
}
