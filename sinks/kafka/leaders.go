package kafka

import (
	"cmp"
	"context"
	"time"

	"github.com/IBM/sarama"
)

// lookup is how long one question for leaders may take.
const lookup = 30 * time.Second

// unrouteLocked has a queue's leader looked for, once it is due. The caller holds mu.
func (p *Producer) unrouteLocked(q *queue) {
	q.place = unrouted
	p.unrouted = append(p.unrouted, q)
	select {
	case p.astray <- struct{}{}:
	default:
	}
}

// route gives each queue that has none the sender of its leader, until the producer is closed.
func (p *Producer) route() {
	defer p.running.Done()
	ctx, cancel := p.untilFinished()
	defer cancel()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		due, pause := p.due()
		if len(due) > 0 {
			p.lead(ctx, due)
			continue
		}
		timer.Reset(pause)
		select {
		case <-p.astray:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// untilFinished is a context that ends with Close.
func (p *Producer) untilFinished() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	p.running.Go(func() {
		select {
		case <-p.finished:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, cancel
}

// due is the queues to look for now, or for how long there are none.
func (p *Producer) due() (due []*queue, pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	pause = time.Hour
	for _, q := range p.unrouted {
		if left := q.due.Sub(now); left > 0 {
			pause = min(pause, left)
		} else {
			due = append(due, q)
		}
	}
	return due, pause
}

// lead asks for the leaders of the queues' partitions and hands the queues to them. Where there is none, or
// nobody answers, they are due again after a pause, for as long as it takes.
func (p *Producer) lead(ctx context.Context, due []*queue) {
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	answer, err := p.cluster.describe(ctx, topicsOf(due)...)
	if err != nil {
		answer = &sarama.MetadataResponse{}
	}
	topics := map[string]*sarama.TopicMetadata{}
	for _, t := range answer.Topics {
		topics[t.Name] = t
	}
	addresses := map[int32]string{}
	for _, b := range answer.Brokers {
		addresses[b.ID()] = b.Addr()
	}
	var out settlement
	p.mu.Lock()
	p.unrouted = without(p.unrouted, due)
	for _, q := range due {
		if q.place == unrouted { // not cut meanwhile
			p.followLocked(q, topics[q.topic.name], addresses, err, &out)
		}
	}
	p.mu.Unlock()
	p.tell(&out)
}

// followLocked hands a queue to its leader, as the topic's metadata has it; where nobody answered there is an error in
// place of t. The caller holds mu.
func (p *Producer) followLocked(q *queue, t *sarama.TopicMetadata, addresses map[int32]string, err error, out *settlement) {
	id := leaderOf(t, q.partition)
	if address, known := addresses[id]; known {
		q.sender = p.senderLocked(id, address)
		q.sender.push(q)
		return
	}
	if t != nil && p.cluster.isRefusal(t.Err) {
		out.dropped = append(out.dropped, p.failLocked(p.deliveryFault(q, t.Err))...)
	}
	p.retryLocked(q, cmp.Or(err, errNoLeader), absenceMost)
}

func topicsOf(queues []*queue) []string {
	var names []string
	seen := map[string]bool{}
	for _, q := range queues {
		if !seen[q.topic.name] {
			seen[q.topic.name] = true
			names = append(names, q.topic.name)
		}
	}
	return names
}

// without keeps the order.
func without(all, some []*queue) []*queue {
	gone := make(map[*queue]bool, len(some))
	for _, q := range some {
		gone[q] = true
	}
	rest := all[:0]
	for _, q := range all {
		if !gone[q] {
			rest = append(rest, q)
		}
	}
	clear(all[len(rest):])
	return rest
}

// leaderOf is the broker that leads the partition, -1 where none does.
func leaderOf(t *sarama.TopicMetadata, partition int32) int32 {
	if t == nil {
		return -1
	}
	for _, p := range t.Partitions {
		if p.ID == partition {
			return p.Leader
		}
	}
	return -1
}

// senderLocked is the sender of a broker, made at its first. The caller holds mu.
func (p *Producer) senderLocked(id int32, address string) *sender {
	s := p.senders[id]
	if s == nil {
		s = &sender{producer: p, wake: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
		p.senders[id] = s
		p.running.Add(1)
		go func() {
			defer p.running.Done()
			s.run()
		}()
	}
	s.address = address
	return s
}
