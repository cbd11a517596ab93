package kafka

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"rdip/internal/failpoint"
	"rdip/internal/fault"
	"rdip/sinks"
)

// transaction is the one that is open, or would be with the next batch. Guarded by Producer.mu.
type transaction struct {
	number    uint64        // of this one; a queue that is a part of it has the same
	began     time.Time     // before the coordinator was told of it; zero: it was not
	away      time.Time     // since when brokers refuse or do not answer; zero: they do
	lost      time.Duration // for how long they did not, or this process stood still
	lostAsked time.Duration // the coordinator's count of the same when it began
	outside   []*queue      // have records, and are not a part of it yet
	isEnding  bool
	landed    chan struct{} // closed when all that was sent is reported; nil unless it is ending
	held      []*flight     // sent while it is ending: of the next one, in their order
}

// Commit ends the open transaction as sinks.TransactionalProducer has it. What is sent from its return on belongs
// to the next transaction and waits, within buffer.memory, until that can begin.
func (p *Producer) Commit(ctx context.Context, positions []sinks.Record, done func(error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.coordinator == nil || !p.config.Transactions.Required || p.id.Load() == nil {
		return &fault.Error{Op: "commit", Cause: errors.New("the producer was not opened for transactions, or Positions was not asked: a bug in rdip"), Permanent: true}
	}
	b := &sinks.Batch{Records: p.withStrays(positions)}
	if _, err := p.weigh(b); err != nil {
		return err
	}
	f := newFlight(b, 0)
	f.isPositions = true
	return p.commit(f, done)
}

func (p *Producer) commit(f *flight, done func(error)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.transaction
	switch {
	case p.failure != nil:
		return p.failure
	case p.isClosed:
		return &fault.Error{Op: "commit", Cause: errors.New("the producer is closed")}
	case t.isEnding:
		return &fault.Error{Op: "commit", Cause: errors.New("the commit before it is not done: a bug in rdip"), Permanent: true}
	}
	landed := make(chan struct{})
	t.isEnding, t.landed = true, landed
	p.flying++ // the commit itself, so that Close waits for it
	if len(f.batch.Records) > 0 {
		p.launchLocked(f)
	}
	p.landedLocked()
	for _, s := range p.senders {
		s.stir() // nothing waits for company any more
	}
	p.running.Go(func() { p.end(landed, done) })
	return nil
}

// landedLocked tells the commit under way when nothing of its transaction is left but itself. The caller holds mu.
func (p *Producer) landedLocked() {
	if t := &p.transaction; t.isEnding && t.landed != nil && p.flying == len(t.held)+1 {
		close(t.landed)
		t.landed = nil
	}
}

// end commits once all that was sent is acknowledged, and begins the next transaction.
func (p *Producer) end(landed <-chan struct{}, done func(error)) {
	<-landed // which comes with a failure too: every batch is reported
	err := p.endTransaction()
	p.mu.Lock()
	if err == nil {
		p.nextLocked()
	}
	p.mu.Unlock()
	if err != nil {
		err = p.fail(err)
	}
	done(err)
	p.mu.Lock()
	p.landLocked()
	p.mu.Unlock()
}

func (p *Producer) endTransaction() error {
	p.mu.Lock()
	err, isOpen := p.failure, !p.transaction.began.IsZero()
	p.mu.Unlock()
	if err != nil || !isOpen {
		return err
	}
	failpoint.Hit(failpoint.PositionsSent)
	ctx, cancel := p.untilStopped()
	defer cancel()
	if err := p.coordinator.end(ctx, *p.id.Load(), true); err != nil {
		return p.transactionFault("commit", err)
	}
	return nil
}

// nextLocked begins the next transaction with what was sent meanwhile. The caller holds mu.
func (p *Producer) nextLocked() {
	held := p.transaction.held
	p.transaction = transaction{number: p.transaction.number + 1}
	for _, f := range held {
		p.flying-- // launchLocked counts it again
		p.launchLocked(f)
	}
}

// dropHeld gives the records of what is held, for a failure, and holds nothing any more. The caller holds mu.
func (t *transaction) dropHeld() (dropped []entry) {
	for _, f := range t.held {
		atomic.StoreInt32(&f.batch.Pending, int32(len(f.batch.Records)))
		for i := range f.batch.Records {
			dropped = append(dropped, entry{flight: f, index: int32(i)})
		}
	}
	t.held = nil
	return dropped
}

// untilStopped is a context that ends with a failure or Close.
func (p *Producer) untilStopped() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-p.stopped:
		case <-p.finished:
		case <-ctx.Done():
		}
		cancel()
	}()
	return ctx, cancel
}

// lose notes that this process stood still for a while.
func (p *Producer) lose(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.transaction.lost += d
}

// answered notes whether brokers take records.
func (t *transaction) answered(taken bool) {
	switch {
	case !taken && t.away.IsZero():
		t.away = wallClock()
	case taken && !t.away.IsZero():
		t.lost += wallClock().Sub(t.away)
		t.away = time.Time{}
	}
}

// abort ends what is open and will not be committed, so that readers of committed records do not wait for it until
// transaction.timeout.ms. Where records may still be on their way it raises the epoch too, which refuses them: one
// that came behind the marker would be a transaction that nobody ends (KIP-890). A failure to abort is no error:
// the next producer's start, or the brokers' timeout, does the same.
func (p *Producer) abort(ctx context.Context) {
	p.mu.Lock()
	isOpen, failure := !p.transaction.began.IsZero(), p.failure
	p.mu.Unlock()
	if !isOpen || isFenced(failure) {
		return
	}
	ctx, cancel := abortContext(ctx)
	defer cancel()
	id := *p.id.Load()
	if err := p.coordinator.end(ctx, id, false); failure != nil && !isFenced(err) {
		_, _ = p.coordinator.initialise(ctx, p.config.initTimeout(), id)
	}
}

// abortContext is some time of its own where ctx has none left.
func abortContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() != nil {
		return context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	}
	return context.WithTimeout(ctx, unwinding)
}
