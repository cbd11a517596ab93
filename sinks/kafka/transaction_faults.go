package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
)

// wallClock is the time without the monotonic clock, which stands still while a machine sleeps.
func wallClock() time.Time { return time.Now().Round(0) }

// isFenced says whether an error is that a newer producer has the same transactional id, or that the brokers gave
// a transaction up, which raises the epoch as well.
func isFenced(err error) bool {
	return errors.Is(err, sarama.ErrInvalidProducerEpoch) || errors.Is(err, sarama.ErrProducerFenced)
}

// transactionFault turns an error of a transaction into one that says what to do.
func (p *Producer) transactionFault(op string, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.transactionFaultLocked(op, "", err)
}

// transactionFaultLocked is the same for whoever holds mu; topic may be empty.
func (p *Producer) transactionFaultLocked(op, topic string, err error) error {
	switch {
	case isFenced(err) && p.hasOutlasted():
		return p.outlasted(op)
	case isFenced(err):
		return p.cluster.fenced(op)
	case errors.Is(err, sarama.ErrInvalidProducerIDMapping), errors.Is(err, sarama.ErrInvalidTxnState):
		return &fault.Error{Op: op, Object: p.config.producerName(), Hint: "nothing is lost: the connector starts again from what was committed",
			Cause: fmt.Errorf("the brokers know of no such transaction of this producer any more (transactional.id.expiration.ms, or a transaction that they aborted): %w", err)}
	default:
		return p.cluster.fault(op, topic, err)
	}
}

func (p *Producer) enrollFault(topic string, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.transactionFaultLocked("write in a transaction to", topic, err)
}

// hasOutlasted says whether the brokers may have aborted the open transaction for its age. The caller holds mu.
func (p *Producer) hasOutlasted() bool {
	began := p.transaction.began
	return !began.IsZero() && wallClock().Sub(began) >= p.config.Transactions.Timeout
}

// outlasted is a transaction that the brokers gave up. It is permanent where it was too large for its time: it would
// be so again. Where Kafka was away for a good part of it, the next attempt may do. The caller holds mu.
func (p *Producer) outlasted(op string) error {
	t := &p.transaction
	t.answered(true) // to count up to now
	lost := t.lost + time.Duration(p.coordinator.lost.Load()) - t.lostAsked
	limit := p.config.Transactions.Timeout
	e := &fault.Error{Op: op, Object: p.config.producerName(),
		Cause: fmt.Errorf("the transaction was open for %s, and the brokers abort one after transaction.timeout.ms, %s: %w",
			wallClock().Sub(t.began).Round(time.Second), limit, sarama.ErrInvalidProducerEpoch)}
	if t.isEnding || lost > limit/4 {
		e.Hint = "Kafka was away meanwhile; nothing is lost, the connector starts again from what was committed"
		return e
	}
	e.Permanent = true
	e.Hint = fmt.Sprintf("transaction.timeout.ms: %d, with transaction.max.timeout.ms=%d or more in the brokers' server.properties; or exactly.once.support: requested",
		2*limit.Milliseconds(), 2*limit.Milliseconds())
	return e
}

// fenced is K7 and D7: whoever initialised the id last is the only one that may write.
func (c *cluster) fenced(op string) error {
	return &fault.Error{Op: op, Object: c.config.producerName(), Permanent: true,
		Cause: fmt.Errorf("another producer has taken it over: another rdip runs a connector of the same name and topic.prefix, or has the same transactional.id: %w", sarama.ErrInvalidProducerEpoch), // sarama has no words for PRODUCER_FENCED
		Hint:  "stop one of the two, or give one another connector name or topic.prefix; then rdip resume, or start again"}
}

// producerName is the producer as a message names it.
func (c *Config) producerName() string {
	return fmt.Sprintf("the producer with transactional.id %q", c.Transactions.ID)
}

// initFault is why there is no producer id.
func (p *Producer) initFault(err error) error {
	c := p.cluster
	switch {
	case errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed):
		return c.transactionalIDDenied()
	case errors.Is(err, sarama.ErrInvalidTransactionTimeout):
		return &fault.Error{Kind: fault.Preflight, Op: "begin", Object: p.config.producerName(), Permanent: true,
			Cause: fmt.Errorf("transaction.timeout.ms is %d, and the brokers' transaction.max.timeout.ms is less: %w", p.config.initTimeout().Milliseconds(), err),
			Hint:  "set transaction.timeout.ms to at most the brokers' transaction.max.timeout.ms, or raise that in their server.properties and restart them"}
	case isFenced(err):
		return c.fenced("begin")
	case errors.Is(err, sarama.ErrConcurrentTransactions):
		return &fault.Error{Op: "begin", Object: p.config.producerName(),
			Cause: fmt.Errorf("what an earlier producer left open was not resolved within %s: %w", resolution, err),
			Hint:  "look whether every partition of the connector's topics has a leader: kafka-topics.sh --bootstrap-server " + p.config.bootstrap() + " --describe --unavailable-partitions"}
	case errors.Is(err, context.DeadlineExceeded):
		return &fault.Error{Op: "begin", Object: p.config.producerName(), Cause: fmt.Errorf("the coordinator of transactions did not answer within %s: %w", resolution, err),
			Hint: "look whether the brokers run, and whether the partitions of __transaction_state have leaders"}
	default:
		return c.fault("begin", "", err)
	}
}

// transactionalIDDenied names the ACL that a transactional id takes (KIP-98).
func (c *cluster) transactionalIDDenied() error {
	return &fault.Error{Kind: fault.Preflight, Op: "use", Object: fmt.Sprintf("transactional id %q", c.config.Transactions.ID), Permanent: true,
		Cause: fmt.Errorf("%s may not: %w", c.config.principal(), sarama.ErrTransactionalIDAuthorizationFailed),
		Hint: fmt.Sprintf("kafka-acls.sh --bootstrap-server %s --add --allow-principal %s --operation Describe --operation Write --transactional-id %s",
			c.config.bootstrap(), shell(c.config.principal()), shell(c.config.Transactions.ID))}
}
