package kafka

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
)

// concurrentMost is the longest pause while the brokers still end an earlier transaction, which takes
// milliseconds: its markers are written after EndTxn is answered (KIP-98).
const concurrentMost = 100 * time.Millisecond

// coordinator is the broker that keeps the state of a transactional id, on a connection of its own. One question
// at a time; safe for concurrent use.
type coordinator struct {
	id       string // the transactional id
	cluster  *cluster
	settings *sarama.Config
	dialer   *dialer
	turn     chan struct{}         // holds one token: whose turn it is
	broker   *sarama.Broker        // nil: to be found
	lost     atomic.Int64          // ns, ever, that answers took because it was away: a transaction may take long for that
	failing  atomic.Pointer[error] // why the question under way is put again; nil: it is not
}

func newCoordinator(c *Config, cl *cluster) (*coordinator, error) {
	d, s, err := c.client()
	if err != nil {
		return nil, err
	}
	return &coordinator{id: c.Transactions.ID, cluster: cl, settings: s, dialer: d, turn: make(chan struct{}, 1)}, nil
}

// ask puts a question until it is answered with something else than that it is too early or the wrong broker. It
// ends with ctx; then the error is what the last attempt failed with.
func (c *coordinator) ask(ctx context.Context, question func(*sarama.Broker) error) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer context.AfterFunc(ctx, c.dialer.cut)()
	var last error
	var away time.Time
	for attempt := 0; ; attempt++ {
		err := c.once(ctx, question)
		most, passes := c.passing(err)
		if !passes {
			if !away.IsZero() {
				c.lost.Add(int64(wallClock().Sub(away)))
			}
			c.failing.Store(nil)
			return err
		}
		if away.IsZero() && most != concurrentMost {
			away = wallClock()
		}
		c.failing.Store(&err)
		if ctx.Err() == nil || last == nil {
			last = err
		}
		if !sleep(ctx, coordinatorBackoff(attempt, most)) {
			return errors.Join(ctx.Err(), last)
		}
	}
}

// coordinatorBackoff doubles from 2 ms.
func coordinatorBackoff(attempt int, most time.Duration) time.Duration {
	return min(2*time.Millisecond<<min(attempt, 20), most)
}

// sleep is false where ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// once asks once, and forgets a broker that did not answer or is not the coordinator any more.
func (c *coordinator) once(ctx context.Context, question func(*sarama.Broker) error) error {
	if c.broker == nil {
		if err := c.find(ctx); err != nil {
			return err
		}
	}
	err := question(c.broker)
	if isBroken(err) || errors.Is(err, sarama.ErrNotCoordinatorForConsumer) || errors.Is(err, sarama.ErrConsumerCoordinatorNotAvailable) {
		_ = c.broker.Close()
		c.broker = nil
	}
	return err
}

// find connects to the coordinator, which any broker knows.
func (c *coordinator) find(ctx context.Context) error {
	address := ""
	err := c.cluster.ask(ctx, func(b *sarama.Broker) error {
		answer, err := b.FindCoordinator(&sarama.FindCoordinatorRequest{Version: 3, CoordinatorKey: c.id, CoordinatorType: sarama.CoordinatorTransaction})
		if err != nil {
			return err
		}
		if answer.Err != sarama.ErrNoError {
			return answer.Err
		}
		address = answer.Coordinator.Addr()
		return nil
	})
	if err != nil {
		return err
	}
	b := sarama.NewBroker(address)
	if err := b.Open(c.settings); err != nil {
		return err
	}
	if ok, err := b.Connected(); !ok {
		return errors.Join(sarama.ErrNotConnected, err)
	}
	c.broker = b
	return nil
}

// passing says whether an error passes by itself, and the longest pause before the question is put again.
func (c *coordinator) passing(err error) (most time.Duration, passes bool) {
	var answer sarama.KError
	switch {
	case err == nil:
		return 0, false
	case c.cluster.isRefusal(err):
		return 0, false
	case !errors.As(err, &answer): // nobody answered
		return absenceMost, isBroken(err)
	}
	switch answer {
	case sarama.ErrConcurrentTransactions:
		return concurrentMost, true
	case sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer, sarama.ErrOffsetsLoadInProgress,
		sarama.ErrRequestTimedOut, sarama.ErrNetworkException, sarama.ErrKafkaStorageError, sarama.ErrUnknownTopicOrPartition,
		sarama.ErrOperationNotAttempted, sarama.ErrTransactionCoordinatorFenced, sarama.ErrThrottlingQuotaExceeded:
		return absenceMost, true
	default:
		return 0, false
	}
}

// initialise asks for the producer id of the transactional id, with an epoch higher than any before it: whatever
// an earlier producer left open is aborted first, and what it still sends is refused. With an identity in from it
// is done only where nobody else has done so since.
func (c *coordinator) initialise(ctx context.Context, timeout time.Duration, from identity) (identity, error) {
	q := &sarama.InitProducerIDRequest{Version: 4, TransactionalID: &c.id, TransactionTimeout: timeout, ProducerID: from.producer, ProducerEpoch: from.epoch}
	return askIdentity(ctx, c.ask, q)
}

// add makes partitions a part of the open transaction, all of them or, with an error, none; the first begins it.
// The topic is that of the error, where there is one.
func (c *coordinator) add(ctx context.Context, id identity, partitions map[string][]int32) (topic string, err error) {
	err = c.ask(ctx, func(b *sarama.Broker) error {
		answer, err := b.AddPartitionsToTxn(&sarama.AddPartitionsToTxnRequest{Version: 3, TransactionalID: c.id,
			ProducerID: id.producer, ProducerEpoch: id.epoch, TopicPartitions: partitions})
		if err != nil {
			return err
		}
		topic, err = worst(answer.Errors)
		return err
	})
	return topic, err
}

// worst is the error that says why the others were not attempted.
func worst(answers map[string][]*sarama.PartitionError) (topic string, err error) {
	for name, partitions := range answers {
		for _, p := range partitions {
			if p.Err != sarama.ErrNoError && (err == nil || errors.Is(err, sarama.ErrOperationNotAttempted)) {
				topic, err = name, p.Err
			}
		}
	}
	return topic, err
}

// end commits or aborts the open transaction. It may be asked again when an answer is lost: in the same epoch the
// coordinator answers as it did before (TransactionCoordinator.endTransaction).
func (c *coordinator) end(ctx context.Context, id identity, commit bool) error {
	return c.ask(ctx, func(b *sarama.Broker) error {
		answer, err := b.EndTxn(&sarama.EndTxnRequest{Version: 3, TransactionalID: c.id, ProducerID: id.producer, ProducerEpoch: id.epoch, TransactionResult: commit})
		if err != nil {
			return err
		}
		if answer.Err != sarama.ErrNoError {
			return answer.Err
		}
		return nil
	})
}

// close ends the connection.
func (c *coordinator) close() {
	c.dialer.close()
	c.turn <- struct{}{}
	if c.broker != nil {
		_ = c.broker.Close()
		c.broker = nil
	}
	<-c.turn
}
