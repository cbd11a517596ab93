package kafka

import (
	"io"
	"time"

	"github.com/IBM/sarama"
)

const (
	// batchMost is the most bytes of one record batch before compression, where batch.size does not ask for
	// more and the topic takes that many. A single record may be larger.
	batchMost = 1 << 20
	// requestMost is about the most bytes of one request before compression: it takes no further partition
	// once it has as many. With the largest record it stays below the brokers' limit
	// (socket.request.max.bytes, 100 MiB).
	requestMost = 2 << 20
)

// sender sends to one broker, on a connection of its own, one request at a time: a partition that waits for
// an answer gets none of the next request.
type sender struct {
	producer *Producer
	wake     chan struct{} // one token: there is something, or more, to send
	timer    *time.Timer   // of wait alone

	// Guarded by Producer.mu.
	address string
	ready   []*queue
	pending int       // bytes that wait in ready
	since   time.Time // when the oldest of ready came

	// Of run alone.
	broker *sarama.Broker // nil: not connected
	groups []*group       // of the request under way
}

// stir tells the sender that there is something to do.
func (s *sender) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// push makes a queue ready. The caller holds Producer.mu.
func (s *sender) push(q *queue) {
	since := q.since
	if q.sent != nil {
		since = time.Time{} // a retry has waited enough
	}
	if len(s.ready) == 0 || since.Before(s.since) {
		s.since = since
	}
	q.place = ready
	s.ready = append(s.ready, q)
	s.pending += q.bytes
	s.stir()
}

// grow counts bytes that came to a queue that is ready. The caller holds Producer.mu.
func (s *sender) grow(n int) {
	most := int(s.producer.config.BatchBytes)
	before := s.pending
	if s.pending += n; before < most && s.pending >= most {
		s.stir()
	}
}

// run sends until the producer is closed.
func (s *sender) run() {
	defer s.disconnect()
	for s.wait() {
		if address := s.gather(); len(s.groups) > 0 {
			answer, err := s.exchange(address)
			s.producer.settle(s, answer, err)
		}
	}
}

// wait waits until something is to be sent, and for company until linger.ms is over; false: it is the end.
func (s *sender) wait() bool {
	for {
		var over <-chan time.Time
		if left, some := s.linger(); some {
			if left <= 0 {
				return true
			}
			s.timer.Reset(left)
			over = s.timer.C
		}
		select {
		case <-s.wake:
		case <-over:
		case <-s.producer.finished:
			return false
		}
	}
}

// linger is for how long what is ready may wait for company, and whether there is any.
func (s *sender) linger() (left time.Duration, some bool) {
	p := s.producer
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(s.ready) == 0 {
		return 0, false
	}
	if int64(s.pending) >= p.config.BatchBytes || p.isClosed || p.failure != nil || p.transaction.isEnding {
		return 0, true
	}
	return p.config.Linger - time.Since(s.since), true
}

// gather takes the groups of the next request, a record batch of each queue, and says where to send them.
// What did not fit stays in front.
func (s *sender) gather() string {
	p := s.producer
	p.mu.Lock()
	defer p.mu.Unlock()
	s.groups = s.groups[:0]
	n := 0
	for size := 0; n < len(s.ready) && size < requestMost; n++ {
		q := s.ready[n]
		s.pending -= q.bytes
		if q.sent == nil {
			if q.isEmpty() {
				q.place = nowhere
				continue
			}
			q.sent = q.take(p.config.batchMost(q.topic), &p.spare)
		}
		q.place = busy
		size += q.sent.size
		s.groups = append(s.groups, q.sent)
	}
	rest := copy(s.ready, s.ready[n:])
	clear(s.ready[rest:])
	s.ready = s.ready[:rest]
	return s.address
}

// batchMost is the most bytes of a record batch.
func (c *Config) batchMost(t *topic) int {
	return min(t.largest, max(batchMost, int(c.BatchBytes)))
}

// exchange sends the groups and waits for the answer. With an error the connection is closed, so that the
// answer to a later request cannot be taken for it.
func (s *sender) exchange(address string) (*sarama.ProduceResponse, error) {
	p := s.producer
	// Version 10 is the newest that sarama has; it takes the broker's newest where that is older.
	q := &sarama.ProduceRequest{Version: 10, RequiredAcks: sarama.WaitForAll, Timeout: int32(p.config.Timeout / time.Millisecond)}
	if p.config.Transactions.Required {
		q.TransactionalID = &p.config.Transactions.ID
	}
	for _, g := range s.groups {
		g.build(*p.id.Load(), codecs[p.config.Compression])
		q.AddBatch(g.queue.topic.name, g.queue.partition, &g.batch)
	}
	if err := s.connect(address); err != nil {
		return nil, err
	}
	answer, err := s.broker.Produce(q)
	if err != nil {
		s.disconnect()
	}
	return answer, err
}

// connect connects to the broker where it is not connected, or was at another address.
func (s *sender) connect(address string) error {
	if s.broker != nil && s.broker.Addr() == address {
		return nil
	}
	s.disconnect()
	b := sarama.NewBroker(address)
	if err := b.Open(s.producer.settings); err != nil {
		return err
	}
	if ok, err := b.Connected(); !ok {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	s.broker = b
	return nil
}

func (s *sender) disconnect() {
	if s.broker != nil {
		_ = s.broker.Close()
		s.broker = nil
	}
}
