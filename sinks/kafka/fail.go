package kafka

import "time"

// fail stops the producer, see failLocked, and returns the first failure, which is what everything fails with.
func (p *Producer) fail(err error) error {
	p.mu.Lock()
	dropped := p.failLocked(err)
	err = p.failure
	p.mu.Unlock()
	p.land(dropped, err)
	return err
}

// failLocked stops the producer: it takes no batch any more, and what was never sent is dropped, for the caller
// to land as failed once mu is free. Record batches that were sent have request.timeout.ms to be answered, so
// that no request is left behind in a broker's socket; then they are cut off. The caller holds mu.
func (p *Producer) failLocked(err error) (dropped []entry) {
	if p.failure != nil {
		return nil
	}
	p.failure = err
	close(p.stopped)
	p.running.Go(p.cutInTime)
	for _, q := range p.queuesLocked() {
		if q.place == ready {
			q.sender.pending -= q.bytes
		}
		dropped = append(dropped, q.empty()...)
	}
	return append(dropped, p.transaction.dropHeld()...)
}

// queuesLocked is every queue that ever had a record. The caller holds mu.
func (p *Producer) queuesLocked() (all []*queue) {
	for _, t := range *p.topics.Load() {
		for _, q := range t.queues {
			if q != nil {
				all = append(all, q)
			}
		}
	}
	return all
}

func (p *Producer) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failure
}

func (p *Producer) cutInTime() {
	t := time.NewTimer(p.config.Timeout)
	defer t.Stop()
	select {
	case <-t.C:
		p.cut()
	case <-p.finished:
	}
}

// cut ends all connections for good, after a failure. A request under way ends with its connection; record
// batches that wait to be sent again fail here.
func (p *Producer) cut() {
	var out settlement
	p.mu.Lock()
	p.isCut = true
	for _, q := range p.queuesLocked() {
		if q.sent != nil && q.place != busy {
			out.failed = append(out.failed, q.sent)
			q.sent = nil
		}
		if q.place == unrouted {
			q.place = nowhere
		}
	}
	p.unrouted = nil
	p.mu.Unlock()
	p.dialer.close()
	p.tell(&out)
}
