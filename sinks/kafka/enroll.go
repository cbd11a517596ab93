package kafka

import "time"

// isOutside says whether a queue has to be made a part of the open transaction before its records may be sent. The
// caller holds mu.
func (p *Producer) isOutside(q *queue) bool {
	return p.config.Transactions.Required && q.enrolled != p.transaction.number
}

// enterLocked has a queue made a part of the open transaction. The caller holds mu.
func (p *Producer) enterLocked(q *queue) {
	q.place = outside
	p.transaction.outside = append(p.transaction.outside, q)
	select {
	case p.entering <- struct{}{}:
	default:
	}
}

// enroll makes partitions a part of the open transaction before their first records are sent, all that have come
// meanwhile in one request, until the producer is stopped or closed.
func (p *Producer) enroll() {
	defer p.running.Done()
	ctx, cancel := p.untilStopped()
	defer cancel()
	for {
		select {
		case <-p.entering:
		case <-ctx.Done():
			return
		}
		queues, partitions := p.takeOutside()
		if len(queues) == 0 {
			continue
		}
		topic, err := p.coordinator.add(ctx, *p.id.Load(), partitions)
		if err != nil {
			if ctx.Err() == nil {
				_ = p.fail(p.enrollFault(topic, err))
			}
			return
		}
		p.admit(queues)
	}
}

func (p *Producer) takeOutside() ([]*queue, map[string][]int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.transaction
	queues := t.outside
	t.outside = nil
	if len(queues) > 0 && t.began.IsZero() {
		t.began, t.lostAsked = wallClock(), time.Duration(p.coordinator.lost.Load())
	}
	partitions := map[string][]int32{}
	for _, q := range queues {
		partitions[q.topic.name] = append(partitions[q.topic.name], q.partition)
	}
	return queues, partitions
}

// admit lets the queues' records go.
func (p *Producer) admit(queues []*queue) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range queues {
		q.enrolled = p.transaction.number
		switch {
		case p.failure != nil:
			q.place = nowhere
		case q.sender != nil:
			q.sender.push(q)
		default:
			p.unrouteLocked(q)
		}
	}
}
