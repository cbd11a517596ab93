package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
)

const (
	// patience is how often a plain producer id is asked for, about a second apart.
	patience = 30
	// resolution is how long a transactional id may take: the brokers first end what an earlier producer left open.
	resolution = time.Minute
)

// identify gets a producer id, once.
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
	id, err := p.newIdentity(ctx)
	if err == nil {
		p.id.Store(&id)
	}
	return err
}

// newIdentity is that of the transactional id: the same producer id as before with a higher epoch, in both modes of
// delivery (K12). Without one, or where the cluster denies it at least once, any broker gives a new producer id.
func (p *Producer) newIdentity(ctx context.Context) (identity, error) {
	if p.coordinator == nil {
		return p.plainIdentity(ctx)
	}
	bound, cancel := context.WithTimeout(ctx, resolution)
	defer cancel()
	id, err := p.coordinator.initialise(bound, p.config.initTimeout(), identity{producer: -1, epoch: -1})
	switch {
	case err == nil:
		id.isTransactional, id.isNamed = p.config.Transactions.Required, true
		return id, nil
	case ctx.Err() != nil:
		return id, ctx.Err()
	case errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed) && !p.config.Transactions.Required:
		p.notice(p.cluster.plainIdentityOnly())
		return p.plainIdentity(ctx)
	default:
		return id, p.initFault(err)
	}
}

// plainIdentityOnly warns that a cluster does not let this producer have its transactional id.
func (c *cluster) plainIdentityOnly() fault.Finding {
	f := finding("", c.transactionalIDDenied())
	f.Severity, f.Case = fault.Warning, "K12"
	f.Need = "Describe and Write on it: without them what a killed process left in a frozen broker's socket may be appended behind newer records"
	return f
}

// initTimeout is the timeout that goes with the transactional id. Without transactions it means nothing, and every
// cluster takes this one.
func (c *Config) initTimeout() time.Duration {
	if c.Transactions.Required {
		return c.Transactions.Timeout
	}
	return min(c.Transactions.Timeout, time.Minute)
}

// plainIdentity asks any broker for a producer id: without a transactional id each has a block of them (KIP-98).
// One that is just starting may have none to give yet.
func (p *Producer) plainIdentity(ctx context.Context) (identity, error) {
	for attempt := 0; ; attempt++ {
		id, err := p.cluster.newIdentity(ctx)
		if err == nil {
			return id, nil
		}
		if !isStarting(err) || attempt >= patience {
			return id, p.cluster.fault("get a producer id", "", err)
		}
		if !sleep(ctx, backoff(attempt, time.Second)) {
			return id, err
		}
	}
}

func (c *cluster) newIdentity(ctx context.Context) (identity, error) {
	q := &sarama.InitProducerIDRequest{Version: 4, ProducerID: -1, ProducerEpoch: -1}
	return askIdentity(ctx, c.ask, q)
}

// askIdentity puts the question for a producer id to whoever ask finds.
func askIdentity(ctx context.Context, ask func(context.Context, func(*sarama.Broker) error) error, q *sarama.InitProducerIDRequest) (identity, error) {
	var id identity
	err := ask(ctx, func(b *sarama.Broker) error {
		answer, err := b.InitProducerID(q)
		if err != nil {
			return err
		}
		if answer.Err != sarama.ErrNoError {
			return answer.Err
		}
		id = identity{producer: answer.ProducerID, epoch: answer.ProducerEpoch}
		return nil
	})
	return id, err
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
