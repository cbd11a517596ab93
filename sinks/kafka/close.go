package kafka

import (
	"context"
	"errors"
	"time"

	"rdip/internal/fault"
)

// unwinding is how long a request under way may take to end once its connection is cut.
const unwinding = 5 * time.Second

// Close takes no batch any more, waits until every batch that was sent is reported and a commit under way is done,
// aborts the transaction that is open then, and ends the connections.
// When ctx ends first, the connections are cut and the rest is reported as failed: an error of kind
// NotDrained. After the first call it does nothing.
func (p *Producer) Close(ctx context.Context) error {
	p.mu.Lock()
	if p.isClosed {
		p.mu.Unlock()
		return nil
	}
	p.isClosed = true
	idle := p.idleLocked()
	for _, s := range p.senders {
		s.stir() // nothing waits for company any more
	}
	p.mu.Unlock()

	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		err = p.abandon(ctx.Err(), idle)
	}
	if p.config.Transactions.Required {
		p.abort(ctx)
	}
	close(p.finished)
	p.dialer.close()
	if p.coordinator != nil {
		p.coordinator.close()
	}
	if p.isIdle() {
		p.cluster.close()
		p.running.Wait()
	} else {
		p.cluster.dialer.close()
	}
	return err
}

// idleLocked is closed when nothing is in flight. The caller holds mu.
func (p *Producer) idleLocked() <-chan struct{} {
	if p.flying > 0 {
		if p.idle == nil {
			p.idle = make(chan struct{})
		}
		return p.idle
	}
	done := make(chan struct{})
	close(done)
	return done
}

func (p *Producer) isIdle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flying == 0
}

// abandon makes what is still in flight fail.
func (p *Producer) abandon(cause error, idle <-chan struct{}) error {
	err := &fault.Error{Kind: fault.NotDrained, Op: "close", Object: "the Kafka producer",
		Cause: errors.Join(errors.New("Kafka had not acknowledged everything"), cause),
		Hint:  "nothing is lost: the next start begins at the durable position"}
	_ = p.fail(err)
	p.cut()
	t := time.NewTimer(unwinding)
	defer t.Stop()
	select {
	case <-idle:
	case <-t.C:
	}
	return err
}
