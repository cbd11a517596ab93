package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"
)

// patience is how often a producer id is asked for, about a second apart.
const patience = 30

// identify gets a producer id, once. A broker that is just starting may have none to give yet.
func (p *Producer) identify(ctx context.Context) error {
	select {
	case p.opening <- struct{}{}:
		defer func() { <-p.opening }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if p.id.Load() != nil {
		return nil
	}
	for attempt := 0; ; attempt++ {
		id, err := p.cluster.newIdentity(ctx)
		if err == nil {
			p.id.Store(id)
			return nil
		}
		if !isStarting(err) || attempt >= patience {
			return err
		}
		wait := time.NewTimer(backoff(attempt, time.Second))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return err
		}
	}
}

// newIdentity asks any broker for a producer id: without a transactional id each has a block of them (KIP-98).
func (c *cluster) newIdentity(ctx context.Context) (*identity, error) {
	q := &sarama.InitProducerIDRequest{Version: 4, ProducerID: -1, ProducerEpoch: -1}
	var id identity
	err := c.ask(ctx, func(b *sarama.Broker) error {
		answer, err := b.InitProducerID(q)
		if err != nil {
			return err
		}
		if answer.Err != sarama.ErrNoError {
			return answer.Err
		}
		id = identity{answer.ProducerID, answer.ProducerEpoch}
		return nil
	})
	return &id, err
}

func isStarting(err error) bool {
	var answer sarama.KError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer {
	case sarama.ErrOffsetsLoadInProgress, sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer, sarama.ErrRequestTimedOut:
		return true
	default:
		return false
	}
}
