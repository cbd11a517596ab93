package kafka

import (
	"context"
	"time"

	"rdip/sinks"
)

// Advance is advance.
var Advance = advance

// BeginAt lets a test send the first record of a partition with another sequence number than 0.
func (p *Producer) BeginAt(topic string, partition, sequence int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	(*p.topics.Load())[topic].queue(partition).sequence = sequence
}

// ParseJAAS is parseJAAS's result as texts.
func ParseJAAS(text string) (isScram bool, user, password string, err error) {
	j, err := parseJAAS(text)
	return j.isScram, j.user, j.password, err
}

// DecryptKey is decryptKey.
var DecryptKey = decryptKey

// Kill ends a producer's connections without a word, as kill -9 does: what the kernel has taken still arrives.
func (p *Producer) Kill() {
	p.dialer.close()
	if p.coordinator != nil {
		p.coordinator.dialer.close()
	}
	p.cluster.dialer.close()
}

// IsWaiting says whether a request with records of the topic was sent and is not answered.
func (p *Producer) IsWaiting(topic string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range (*p.topics.Load())[topic].queues {
		if q != nil && q.place == busy {
			return true
		}
	}
	return false
}

// Outlive has the open transaction look as old as that, with brokers away for a part of it.
func (p *Producer) Outlive(d, away time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.transaction.began = p.transaction.began.Add(-d)
	p.transaction.lost += away
}

// BehindEmpty is behindEmpty.
var BehindEmpty = behindEmpty

// ReadPositions reads the topic of positions, its first partition, by fetches of so many bytes at least.
func (p *Producer) ReadPositions(ctx context.Context, size int32, wanted func([]byte) bool) ([]sinks.Record, error) {
	r, err := newReading(&p.config, p.cluster, p.config.Transactions.Positions.Name, 1, wanted, p.notice)
	if err != nil {
		return nil, err
	}
	defer r.close()
	r.least = size
	err = r.read(ctx, 0)
	return r.newest.records(), err
}

// Renew is renew.
func (p *Producer) Renew() { p.renew() }

// Epoch is the producer's.
func (p *Producer) Epoch() int16 { return p.id.Load().epoch }
