package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rdip/internal/fault"
)

// namedMost is how many partitions a notice names.
const namedMost = 3

// errNoLeader is why a record batch waits whose partition nobody leads.
var errNoLeader = errors.New("it has no leader")

// held tells, once, which partitions hold everything back although the cluster answers, and of their end: a broker
// that leads them is away and nobody can follow it, or refuses each time.
func (w *watcher) held(stalled bool) {
	where := fmt.Sprint("brokers ", w.p.config.Brokers)
	if !stalled {
		if w.isHeld {
			w.isHeld = false
			w.p.notice(fault.Finding{Severity: fault.Notice, Case: "K2", Where: where, Seen: "records are acknowledged again"})
		}
		return
	}
	waiting := w.p.waiting()
	if w.isHeld || len(waiting) == 0 {
		return
	}
	w.isHeld = true
	w.p.notice(fault.Finding{Severity: fault.Warning, Case: "K2", Where: where,
		Seen: fmt.Sprintf("nothing was acknowledged since %s: %s", w.moved.UTC().Format(time.RFC3339), strings.Join(waiting, "; ")),
		Need: "their leaders, or replicas in sync that can take over; until then reading waits, and nothing is lost"})
}

// waiting is the partitions with a record batch that was not taken, and the coordinator that does not answer, each with
// why.
func (p *Producer) waiting() (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.queuesLocked() {
		if q.attempts > 0 && q.cause != nil {
			list = append(list, fmt.Sprintf("partition %d of %s: %v", q.partition, q.topic.name, q.cause))
		}
	}
	slices.Sort(list)
	if p.coordinator != nil {
		if failing := p.coordinator.failing.Load(); failing != nil {
			list = append([]string{fmt.Sprintf("the coordinator of transactional.id %s: %v", p.coordinator.id, *failing)}, list...)
		}
	}
	if more := len(list) - namedMost; more > 0 {
		list = append(list[:namedMost], fmt.Sprintf("and %d more", more))
	}
	return list
}
