// Package kafka sends batches to Apache Kafka, through sarama's AsyncProducer: idempotent, acknowledged by
// all in-sync replicas, in order across retries, within a byte budget.
//
// While brokers are away Send blocks and what was sent waits in its place, for about 24 hours. A batch that a
// broker refuses for good, or goes on refusing for about 15 minutes, is reported as failed; the producer then
// takes nothing more, and its task starts again from its durable position with a new one (K3).
//
// What it does not promise: after a kill -9, or a Close that ran out of time, a broker that was frozen with
// our requests in its socket may append them after what the next process sends (K12). sarama cannot be told
// to keep a producer id across processes.
//
// cmd must set github.com/rcrowley/go-metrics.UseNilMetrics before the first producer is made: sarama keeps
// histograms for each topic, 55 kB each.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
	"rdip/sinks"
)

// Producer is a sinks.Producer. Make it with New; all methods are safe for concurrent use.
type Producer struct {
	config  Config
	cluster *cluster
	acks    sinks.Acks
	notice  func(fault.Finding)
	budget  *budget
	rotate  int64 // records after which a pipeline takes a new producer id

	topics atomic.Pointer[map[string]*topic] // replaced whole, under mu
	landed atomic.Uint64                     // records reported, ever: how the watch sees progress

	mu        sync.Mutex
	pipelines map[int]*pipeline // by largest record
	queue     []*flight
	flying    int           // batches sent and not reported
	idle      chan struct{} // closed when flying is 0; nil while nobody waits
	isClosed  bool
	failure   error

	opening  chan struct{} // one token: whoever opens a pipeline holds it
	fed      chan struct{} // one token: the queue has something
	stopped  chan struct{} // closed by fail
	finished chan struct{} // closed by Close
	running  sync.WaitGroup
}

// topic is what is known of a topic since Prepare.
type topic struct {
	id         sarama.Uuid
	partitions int32
	pipeline   *pipeline
	limit      int // the topic's max.message.bytes
	compacted  bool
}

// New makes a producer; nothing is connected before Check, Prepare or Identity. The acks are called from the
// producer's goroutines and must not block for long; notice, which may be nil, is told what an operator wants
// to know and no call returns: partitions added, brokers away and back.
func New(c Config, topics Creation, acks sinks.Acks, notice func(fault.Finding)) (*Producer, error) {
	if err := fault.Findings(c.Check(nil)).Err(); err != nil {
		return nil, err
	}
	cl, err := newCluster(&c, &topics)
	if err != nil {
		return nil, err
	}
	if notice == nil {
		notice = func(fault.Finding) {}
	}
	p := &Producer{config: c, cluster: cl, acks: acks, notice: notice, budget: newBudget(c.Buffer), rotate: maxSequence,
		pipelines: map[int]*pipeline{}, opening: make(chan struct{}, 1),
		fed: make(chan struct{}, 1), stopped: make(chan struct{}), finished: make(chan struct{})}
	p.topics.Store(&map[string]*topic{})
	p.running.Add(2)
	go p.feed()
	go p.watch()
	return p, nil
}

var _ sinks.Producer = (*Producer)(nil)

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
	case size > t.pipeline.largest:
		return p.cluster.tooLarge(r.Topic, r.Key, size, t.pipeline.largest, t.limit)
	case r.Key == nil && t.compacted:
		return p.cluster.nullKey(r.Topic)
	default:
		return nil
	}
}

func (p *Producer) enqueue(f *flight) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return p.failure
	}
	if p.isClosed {
		return &fault.Error{Op: "send", Cause: errors.New("the producer is closed")}
	}
	atomic.StoreInt32(&f.batch.Pending, int32(len(f.batch.Records)))
	p.queue = append(p.queue, f)
	p.flying++
	select {
	case p.fed <- struct{}{}:
	default:
	}
	return nil
}

// feed hands batches to sarama in the order in which they were sent. It alone writes to sarama, so that Send
// takes a whole batch or nothing, however long sarama blocks.
func (p *Producer) feed() {
	defer p.running.Done()
	for {
		select {
		case <-p.fed:
		case <-p.finished:
			return
		}
		p.mu.Lock()
		queue := p.queue
		p.queue = nil
		p.mu.Unlock()
		for _, f := range queue {
			p.launch(f)
		}
	}
}

// launch hands one batch to sarama. Once the producer has failed, the rest of it fails.
func (p *Producer) launch(f *flight) {
	records := f.batch.Records
	if len(records) == 0 {
		p.report(f)
		return
	}
	topics := *p.topics.Load()
	var name string
	var t *topic
	for i := range records {
		if t == nil || records[i].Topic != name {
			name = records[i].Topic
			t = topics[name]
		}
		if err := p.ready(t.pipeline); err != nil {
			f.fail(err)
			p.land(f, int32(len(records)-i))
			return
		}
		t.pipeline.sent++
		t.pipeline.async.Input() <- f.fill(i)
	}
}

// ready is nil when the pipeline may be given a record.
func (p *Producer) ready(l *pipeline) error {
	select {
	case <-p.stopped:
		return p.failed()
	default:
	}
	if l.sent < p.rotate {
		return nil
	}
	if err := l.rotate(); err != nil {
		err = p.cluster.fault("get a producer id", "", err)
		return p.fail(err)
	}
	return nil
}

// receive takes what sarama reports.
func (p *Producer) receive(a sarama.AsyncProducer, done *sync.WaitGroup) {
	done.Add(2)
	go func() {
		defer done.Done()
		for m := range a.Successes() {
			p.land(m.Metadata.(*flight), 1)
		}
	}()
	go func() {
		defer done.Done()
		for e := range a.Errors() {
			f := e.Msg.Metadata.(*flight)
			f.fail(p.fail(p.deliveryFault(e)))
			p.land(f, 1)
		}
	}()
}

// deliveryFault is what became of a record.
func (p *Producer) deliveryFault(e *sarama.ProducerError) error {
	if errors.Is(e.Err, sarama.ErrMessageSizeTooLarge) {
		return p.cluster.shrunk(e.Msg.Topic, (*p.topics.Load())[e.Msg.Topic].limit)
	}
	return p.cluster.fault(fmt.Sprintf("deliver to partition %d of", e.Msg.Partition), e.Msg.Topic, e.Err)
}

// land counts records of a batch as reported, and reports the batch with the last.
func (p *Producer) land(f *flight, n int32) {
	p.landed.Add(uint64(n))
	if f.landed(n) {
		p.report(f)
	}
}

// report gives the batch back, exactly once: it is not touched afterwards.
func (p *Producer) report(f *flight) {
	var err error
	if first := f.failure.Load(); first != nil {
		err = *first
	}
	b, cost := f.batch, f.cost
	f.recycle()
	p.budget.release(cost)
	p.acks(b, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flying--; p.flying == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
}

// fail stops the producer: it takes no batch any more, and what sarama does not hold yet fails. What sarama
// holds has request.timeout.ms to be answered, so that no request is left behind in a broker's socket; then it
// is cut off. It returns the first failure, which is what everything fails with.
func (p *Producer) fail(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return p.failure
	}
	p.failure = err
	close(p.stopped)
	p.running.Add(1)
	go func() {
		defer p.running.Done()
		t := time.NewTimer(p.config.Timeout)
		defer t.Stop()
		select {
		case <-t.C:
			p.cut()
		case <-p.finished:
		}
	}()
	return err
}

func (p *Producer) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failure
}

// cut ends all connections for good.
func (p *Producer) cut() {
	p.mu.Lock()
	lines := maps.Clone(p.pipelines)
	p.mu.Unlock()
	for _, l := range lines {
		l.cut()
	}
}
