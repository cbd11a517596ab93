package kafka

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// fate is what becomes of a record batch after an answer, or without one.
type fate int8

const (
	delivered fate = iota
	absent         // nobody answered: it is sent again for as long as it takes
	refused        // a broker answered that it cannot now: it is sent again, for a while
	lost           // it will never be taken
)

// fateOf reads a broker's answer for one partition.
func fateOf(answer sarama.KError) fate {
	switch answer {
	case sarama.ErrNoError, sarama.ErrDuplicateSequenceNumber: // a retry of what the broker has
		return delivered
	case sarama.ErrNotLeaderForPartition, sarama.ErrLeaderNotAvailable, sarama.ErrUnknownTopicOrPartition,
		sarama.ErrReplicaNotAvailable, sarama.ErrBrokerNotAvailable, sarama.ErrRequestTimedOut,
		sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend, sarama.ErrKafkaStorageError,
		sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch, sarama.ErrNetworkException,
		sarama.ErrInvalidMessage: // the checksum: the bytes were damaged on the way
		return refused
	default:
		return lost
	}
}

// fateWithout is what becomes of a request that was not answered.
func (c *cluster) fateWithout(err error) fate {
	var encoding sarama.PacketEncodingError
	var answer sarama.KError
	switch {
	case errors.As(err, &encoding), errors.Is(err, sarama.ErrUnsupportedVersion):
		return lost
	case errors.As(err, &answer), c.isRefusal(err): // a login or a certificate, which may be on its way to the broker
		return refused
	default:
		return absent
	}
}

// settlement is what is to be told once Producer.mu is free.
type settlement struct {
	done    []*group
	failed  []*group
	dropped []entry // of queues, by the failure
}

// settle deals with the answer to the sender's request, or with the want of one: then nothing else that is
// ready is sent there before its leader is looked up again.
func (p *Producer) settle(s *sender, answer *sarama.ProduceResponse, err error) {
	var out settlement
	p.mu.Lock()
	for _, g := range s.groups {
		became, cause := p.judge(g, answer, err)
		p.dispose(g, became, cause, &out)
	}
	if err != nil {
		s.abandonLocked(err)
	}
	p.mu.Unlock()
	clear(s.groups)
	p.tell(&out)
}

// judge is what became of one group, and why.
func (p *Producer) judge(g *group, answer *sarama.ProduceResponse, err error) (fate, error) {
	if err != nil {
		return p.cluster.fateWithout(err), err
	}
	block := answer.GetBlock(g.queue.topic.name, g.queue.partition)
	if block == nil {
		return refused, sarama.ErrIncompleteResponse
	}
	return fateOf(block.Err), block.Err
}

// dispose moves a group's queue on. The caller holds mu.
func (p *Producer) dispose(g *group, became fate, cause error, out *settlement) {
	q := g.queue
	if became == refused {
		if q.refusals++; q.refusals >= maxRefusals {
			became = lost
		}
	}
	switch {
	case became == delivered:
		out.done = append(out.done, g)
		p.transaction.answered(true)
		q.sent, q.attempts, q.cause, q.refusals, q.place = nil, 0, nil, 0, nowhere
		if !q.isEmpty() {
			q.sender.push(q)
		}
	case became == lost:
		out.dropped = append(out.dropped, p.failLocked(p.deliveryFault(q, cause))...)
		fallthrough
	case p.isCut:
		out.failed = append(out.failed, g)
		q.sent, q.place = nil, nowhere
	case became == refused:
		p.transaction.answered(false)
		p.retryLocked(q, cause, refusalMost)
	default:
		p.transaction.answered(false)
		p.retryLocked(q, cause, absenceMost)
	}
}

// retryLocked has a queue's leader looked up again after a pause, for a cause. The caller holds mu.
func (p *Producer) retryLocked(q *queue, cause error, most time.Duration) {
	q.sender, q.cause = nil, cause
	q.due = time.Now().Add(backoff(q.attempts, most))
	q.attempts++
	p.unrouteLocked(q)
}

// abandonLocked takes everything from a sender whose broker does not answer. The caller holds mu.
func (s *sender) abandonLocked(cause error) {
	for _, q := range s.ready {
		s.producer.retryLocked(q, cause, absenceMost)
	}
	clear(s.ready)
	s.ready, s.pending = s.ready[:0], 0
}

// deliveryFault is why a record batch was given up. The caller holds mu.
func (p *Producer) deliveryFault(q *queue, err error) error {
	if errors.Is(err, sarama.ErrMessageSizeTooLarge) {
		return p.cluster.shrunk(q.topic.name, q.topic.limit)
	}
	op := fmt.Sprintf("deliver to partition %d of", q.partition)
	if p.coordinator != nil {
		return p.transactionFaultLocked(op, q.topic.name, err)
	}
	return p.cluster.fault(op, q.topic.name, err)
}

// tell lands what was settled. The caller does not hold mu.
func (p *Producer) tell(out *settlement) {
	for _, g := range out.done {
		p.land(g.entries, nil)
		g.recycle()
	}
	if len(out.failed) == 0 && len(out.dropped) == 0 {
		return
	}
	err := p.failed()
	for _, g := range out.failed {
		p.land(g.entries, err)
		g.recycle()
	}
	p.land(out.dropped, err)
}
