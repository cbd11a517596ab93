// Package kafka sends batches to Apache Kafka: idempotent, acknowledged by all in-sync replicas, in order across
// retries, within a byte budget.
//
// Send puts references to a batch's records into the queues of their partitions. One goroutine for each broker
// takes what waits for the partitions that it leads, makes one record batch of each, and sends them in one
// request; the next follows when that one is answered. A partition's record batch stays at its head, with its
// sequence numbers, until a broker has it. sarama gives the connections and the encoding; its AsyncProducer,
// which passes each record through several channels, takes three times the processor time.
//
// While brokers are away Send blocks and what was sent waits in its place, for as long as it takes. A batch
// that a broker refuses for good, or goes on refusing for about 15 minutes, is reported as failed; the producer
// then takes nothing more, and its task starts again from its durable position with a new one (K3).
//
// With a transactional id (Config.Transactions) a producer has the producer id of the one before it under a higher
// epoch, so that what a killed process left in the socket of a frozen broker is refused once this one has written to
// the partition (K12); whoever began last is the only one that may write (K7). Required sends everything in
// transactions: partitions are made a part of one before their first records (enroll.go), Commit ends it with the
// records of positions once all is acknowledged, and what is sent meanwhile is held for the next (transaction.go).
// The protocol is the first version of Kafka's transactions, as far as sarama goes (InitProducerId 4,
// AddPartitionsToTxn 3, EndTxn 3): one epoch for all transactions of a producer, where KIP-890 has one for each. So a
// transaction is committed only with nothing unanswered, and one that ends with anything unanswered raises the epoch.
//
// Without a transactional id, and after a kill -9 or a Close that ran out of time, a frozen broker may append what was
// in its socket after what the next process sends.
//
// cmd must set github.com/rcrowley/go-metrics.UseNilMetrics before the first producer is made: sarama keeps
// histograms for each topic, 55 kB each.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
	"rdip/sinks"
)

// Producer is a sinks.Producer. Make it with New; all methods are safe for concurrent use.
type Producer struct {
	config   Config
	settings *sarama.Config // of the senders' connections
	dialer   *dialer        // the same
	cluster  *cluster
	acks     sinks.Acks
	notice   func(fault.Finding)
	budget   *budget

	topics atomic.Pointer[map[string]*topic] // replaced whole, under mu
	id     atomic.Pointer[identity]          // nil before the first Prepare
	landed atomic.Uint64                     // records reported, ever: how the watch sees progress

	coordinator *coordinator       // nil without a transactional id
	strays      map[string][]int32 // of the topic of positions, by key: what the next commit of it removes

	mu          sync.Mutex
	senders     map[int32]*sender // by the broker's id
	unrouted    []*queue
	spare       spares
	flying      int           // batches sent and not reported
	idle        chan struct{} // closed when flying is 0; nil while nobody waits
	isClosed    bool
	isCut       bool
	failure     error
	transaction transaction // of a producer that sends in transactions

	entering chan struct{} // one token: transaction.outside has something new
	opening  chan struct{} // one token: whoever asks for the producer id holds it
	astray   chan struct{} // one token: unrouted has something new
	stopped  chan struct{} // closed by failLocked
	finished chan struct{} // closed by Close
	running  sync.WaitGroup
}

// topic is what is known of a topic since Prepare.
type topic struct {
	name       string
	id         sarama.Uuid
	partitions int32
	largest    int // bytes of a record
	limit      int // the topic's max.message.bytes
	compacted  bool
	queues     []*queue // by partition; nil before its first record. Guarded by Producer.mu
}

// New makes a producer; nothing is connected before Check, Prepare or Identity. The acks are called from the
// producer's goroutines and must not block for long; notice, which may be nil, is told what an operator wants
// to know and no call returns: partitions added, brokers away and back.
func New(c Config, topics Creation, acks sinks.Acks, notice func(fault.Finding)) (*Producer, error) {
	if err := fault.Findings(c.Check(nil)).Err(); err != nil {
		return nil, err
	}
	topics = topics.with(&c.Transactions)
	cl, err := newCluster(&c, &topics)
	if err != nil {
		return nil, err
	}
	if notice == nil {
		notice = func(fault.Finding) {}
	}
	p := &Producer{config: c, cluster: cl, acks: acks, notice: notice, budget: newBudget(c.Buffer),
		senders: map[int32]*sender{}, opening: make(chan struct{}, 1), entering: make(chan struct{}, 1), transaction: transaction{number: 1}, astray: make(chan struct{}, 1),
		stopped: make(chan struct{}), finished: make(chan struct{})}
	if p.dialer, p.settings, err = c.producerSettings(); err != nil {
		return nil, err
	}
	if c.Transactions.ID != "" {
		if p.coordinator, err = newCoordinator(&p.config, cl); err != nil {
			return nil, err
		}
	}
	p.topics.Store(&map[string]*topic{})
	if c.Transactions.Required {
		p.running.Add(1)
		go p.enroll()
	}
	p.running.Add(2)
	go p.route()
	go p.watch()
	return p, nil
}

var _ sinks.TransactionalProducer = (*Producer)(nil)

// Identity is the cluster's id.
func (p *Producer) Identity(ctx context.Context) (string, error) { return p.cluster.identity(ctx) }

// Inflight is the bytes that are sent and not yet reported, with what is kept beside each record.
func (p *Producer) Inflight() int64 { return p.budget.inUse() }

// Send takes the whole batch or, with an error, nothing of it: then the batch is the caller's again and is
// not reported. It waits for room in buffer.memory and ends with ctx. A record that is too large (K4), has no
// key where one is needed (K10), or goes to a topic or partition that Prepare did not give, is a permanent
// error; an error that the producer failed with before is returned as it is.
func (p *Producer) Send(ctx context.Context, b *sinks.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	cost, err := p.weigh(b)
	if err != nil {
		return err
	}
	if !p.budget.acquire(ctx, p.stopped, cost) {
		if err := p.failed(); err != nil {
			return err
		}
		return ctx.Err()
	}
	if err := p.enqueue(newFlight(b, cost)); err != nil {
		p.budget.release(cost)
		return err
	}
	return nil
}

// weigh checks every record and says what the batch costs.
func (p *Producer) weigh(b *sinks.Batch) (int64, error) {
	topics := *p.topics.Load()
	var name string
	var t *topic
	cost := int64(held)
	for i := range b.Records {
		r := &b.Records[i]
		if t == nil || r.Topic != name {
			name, t = r.Topic, topics[r.Topic]
		}
		size := recordSize(r)
		if t == nil || r.Partition < 0 || r.Partition >= t.partitions {
			return 0, &fault.Error{Op: "send a record to", Object: fmt.Sprintf("topic %q, partition %d", r.Topic, r.Partition),
				Cause: errors.New("the topic was not prepared, or not with that partition: a bug in rdip"), Permanent: true}
		}
		if err := p.refusal(t, r, size); err != nil {
			return 0, err
		}
		cost += int64(size + held)
	}
	return cost, nil
}

// refusal is why a topic will never take a record of that size: K4, K10.
func (p *Producer) refusal(t *topic, r *sinks.Record, size int) error {
	switch {
	case size > t.largest:
		return p.cluster.tooLarge(r.Topic, r.Key, size, t.largest, t.limit)
	case r.Key == nil && t.compacted:
		return p.cluster.nullKey(r.Topic)
	default:
		return nil
	}
}

// enqueue puts the batch's records at the ends of their partitions' queues, all of them or none.
func (p *Producer) enqueue(f *flight) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return p.failure
	}
	if p.isClosed {
		return &fault.Error{Op: "send", Cause: errors.New("the producer is closed")}
	}
	if p.transaction.isEnding && len(f.batch.Records) > 0 {
		p.flying++
		p.transaction.held = append(p.transaction.held, f)
		return nil
	}
	p.launchLocked(f)
	return nil
}

// launchLocked puts the records of a batch on their way. The caller holds mu.
func (p *Producer) launchLocked(f *flight) {
	p.flying++
	records := f.batch.Records
	atomic.StoreInt32(&f.batch.Pending, int32(len(records)))
	if len(records) == 0 {
		p.running.Go(func() { p.report(f) })
		return
	}
	topics, now := *p.topics.Load(), time.Now()
	var t *topic
	for i := range records {
		r := &records[i]
		if t == nil || r.Topic != t.name {
			t = topics[r.Topic]
		}
		p.appendLocked(t.queue(r.Partition), entry{f, int32(i), int32(recordSize(r))}, now)
	}
}

// queue is the queue of a partition. The caller holds Producer.mu.
func (t *topic) queue(partition int32) *queue {
	q := t.queues[partition]
	if q == nil {
		q = &queue{topic: t, partition: partition}
		t.queues[partition] = q
	}
	return q
}

// appendLocked puts one record at the end of a queue. The caller holds mu.
func (p *Producer) appendLocked(q *queue, e entry, now time.Time) {
	if q.isEmpty() {
		q.since = now
		if q.waiting == nil {
			q.waiting = p.spare.get()
		}
	}
	q.waiting = append(q.waiting, e)
	q.bytes += int(e.size)
	switch {
	case q.place == ready:
		q.sender.grow(int(e.size))
	case q.place == nowhere && p.isOutside(q):
		p.enterLocked(q)
	case q.place == nowhere && q.sender != nil:
		q.sender.push(q)
	case q.place == nowhere:
		p.unrouteLocked(q)
	}
}

// land counts records as reported, as failed where there is an error, and reports each batch with its last.
func (p *Producer) land(entries []entry, err error) {
	p.landed.Add(uint64(len(entries)))
	for len(entries) > 0 {
		f, n := entries[0].flight, 1
		for n < len(entries) && entries[n].flight == f {
			n++
		}
		if err != nil {
			f.fail(err)
		}
		if f.landed(int32(n)) {
			p.report(f)
		}
		entries = entries[n:]
	}
}

// report gives the batch back, exactly once: it is not touched afterwards.
func (p *Producer) report(f *flight) {
	var err error
	if first := f.failure.Load(); first != nil {
		err = *first
	}
	b, cost, isPositions := f.batch, f.cost, f.isPositions
	f.recycle()
	p.budget.release(cost)
	if !isPositions {
		p.acks(b, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.landLocked()
}

// landLocked counts one batch less on its way. The caller holds mu.
func (p *Producer) landLocked() {
	if p.flying--; p.flying == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
	p.landedLocked()
}
