package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"
)

// renewEvery is how often the transactional id of a producer without transactions is initialised anew. The brokers
// forget an id that is not used for transactional.id.expiration.ms, 7 days as they come, and batches alone do not use
// it: the next process would then get another producer id, and what this one left on its way would be taken (K12).
const renewEvery = 12 * time.Hour

// renew raises the epoch once nothing is on its way; what is sent meanwhile is held. It does nothing where a renewal
// is under way, or the producer has no id to renew.
func (p *Producer) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, t := p.id.Load(), &p.transaction
	if id == nil || !id.isNamed || p.config.Transactions.Required || p.failure != nil || p.isClosed || t.isEnding {
		return
	}
	landed := make(chan struct{})
	t.isEnding, t.landed = true, landed
	p.flying++ // the renewal itself, so that Close waits for it
	p.landedLocked()
	p.running.Go(func() { p.raise(landed, *id) })
}

// raise asks for the higher epoch. Where that fails for another reason than that somebody else has the id, the one
// that is there goes on: it is good for as long as nobody has written with a higher one.
func (p *Producer) raise(landed <-chan struct{}, from identity) {
	<-landed
	ctx, cancel := p.untilStopped()
	defer cancel()
	id, err := p.raised(ctx, from)
	if isFenced(err) {
		_ = p.fail(p.cluster.fenced("renew"))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		id.isNamed = true
		p.id.Store(&id)
		for _, q := range p.queuesLocked() {
			q.sequence = 0 // an epoch's first, as the brokers want it (KIP-360)
		}
	}
	p.nextLocked()
	p.landLocked()
}

// raised takes a new producer id where the brokers have forgotten the one before: nothing of it is on its way.
func (p *Producer) raised(ctx context.Context, from identity) (identity, error) {
	ctx, cancel := context.WithTimeout(ctx, stalledAfter)
	defer cancel()
	id, err := p.coordinator.initialise(ctx, p.config.initTimeout(), from)
	if errors.Is(err, sarama.ErrInvalidProducerIDMapping) {
		return p.coordinator.initialise(ctx, p.config.initTimeout(), identity{producer: -1, epoch: -1})
	}
	return id, err
}
