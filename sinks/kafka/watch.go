package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
)

const (
	// pulse is how often the watch looks whether anything moves.
	pulse = 2 * time.Second
	// stalledAfter is how long nothing may be acknowledged, with records under way, before the watch asks.
	stalledAfter = 10 * time.Second
)

// watcher looks after what no answer to a record batch says: topics that were deleted or made anew (K5,
// K11), partitions added (K9), and for how long the brokers are away (K1).
type watcher struct {
	p          *Producer
	landed     uint64
	moved      time.Time // when anything was acknowledged last, or nothing was under way
	looked     time.Time
	renewed    time.Time
	beaten     time.Time        // by the wall's clock: this process, or the machine, may have slept since
	gone       map[string]int   // how many looks in a row did not find a topic
	partitions map[string]int32 // the numbers that were told
	away       bool             // an outage was told
	isHeld     bool             // partitions that hold everything back were told
}

func (p *Producer) watch() {
	defer p.running.Done()
	w := &watcher{p: p, moved: time.Now(), looked: time.Now(), renewed: time.Now(), gone: map[string]int{}, partitions: map[string]int32{}}
	t := time.NewTicker(min(pulse, p.config.MetadataAge))
	defer t.Stop()
	for {
		select {
		case <-t.C:
			w.beat()
		case <-p.finished:
			return
		}
	}
}

func (w *watcher) beat() {
	now := time.Now()
	if stood := now.Round(0).Sub(w.beaten); stood > stalledAfter && !w.beaten.IsZero() {
		w.p.lose(stood)
	}
	w.beaten = now.Round(0)
	if now.Sub(w.renewed) >= renewEvery {
		w.renewed = now
		w.p.renew()
	}
	if landed := w.p.landed.Load(); landed != w.landed || w.p.isIdle() {
		w.landed, w.moved = landed, now
	}
	stalled := now.Sub(w.moved) >= stalledAfter
	if stalled && now.Sub(w.looked) >= stalledAfter || now.Sub(w.looked) >= w.p.config.MetadataAge {
		w.looked = now
		w.look(stalled)
	} else if !stalled {
		w.held(false)
	}
}

// look asks the cluster about every topic in use.
func (w *watcher) look(stalled bool) {
	topics := *w.p.topics.Load()
	if len(topics) == 0 || w.p.failed() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stalledAfter)
	defer cancel()
	go func() {
		select {
		case <-w.p.finished:
			cancel()
		case <-ctx.Done():
		}
	}()
	answer, err := w.p.cluster.describe(ctx, slices.Sorted(maps.Keys(topics))...)
	w.reached(err, stalled)
	if err != nil {
		return
	}
	w.held(stalled)
	for _, t := range answer.Topics {
		if known := topics[t.Name]; known != nil {
			w.compare(known, t)
		}
	}
}

// reached tells of an outage once, and of its end.
func (w *watcher) reached(err error, stalled bool) {
	brokers := fmt.Sprint("brokers ", w.p.config.Brokers)
	switch {
	case err != nil && stalled && !w.away:
		w.away = true
		cause := err
		if failing := w.p.cluster.dialer.lastFailure(); failing != nil {
			cause = failing
		}
		w.p.notice(fault.Finding{Severity: fault.Warning, Case: "K1", Where: brokers,
			Seen: fmt.Sprintf("nothing was acknowledged since %s, and none can be reached: %v", w.moved.UTC().Format(time.RFC3339), cause),
			Need: "a broker that answers; until then reading waits, and nothing is lost"})
	case err == nil && w.away:
		w.away = false
		w.p.notice(fault.Finding{Severity: fault.Notice, Case: "K1", Where: brokers, Seen: "they can be reached again"})
	}
}

// compare finds what became of a topic.
func (w *watcher) compare(known *topic, t *sarama.TopicMetadata) {
	if errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition) {
		// A broker that has just started may not know it yet: it has to be missing twice.
		if w.gone[t.Name]++; w.gone[t.Name] > 1 {
			_ = w.p.fail(w.p.cluster.deleted(t.Name, topicID(known.id)))
		}
		return
	}
	delete(w.gone, t.Name)
	if t.Err != sarama.ErrNoError {
		return
	}
	if known.id != t.Uuid && known.id != (sarama.Uuid{}) && t.Uuid != (sarama.Uuid{}) {
		_ = w.p.fail(w.p.cluster.madeAnew(t.Name, topicID(known.id), topicID(t.Uuid)))
		return
	}
	now := int32(len(t.Partitions))
	if now != known.partitions && w.partitions[t.Name] != now {
		w.partitions[t.Name] = now
		w.p.notice(fault.Finding{Severity: fault.Warning, Case: "K9", Where: fmt.Sprintf("topic %q", t.Name),
			Seen: fmt.Sprintf("it has %d partitions, and had %d when the connector started", now, known.partitions),
			Need: fmt.Sprintf("nothing at once: records go on to the first %d. From the next start keys are spread over all %d, and a key's older records may stay in another partition than its newer ones", known.partitions, now),
			Fix:  "let consumers read up to here, then restart the connector"})
	}
}

// deleted is a topic that is gone under way (K5, K11).
func (c *cluster) deleted(topic, id string) error {
	return &fault.Error{Kind: fault.PositionLost, Op: "write to", Object: fmt.Sprintf("topic %q", topic), Permanent: true,
		Cause: fmt.Errorf("it was deleted (its id was %s), and what was delivered went with it", id),
		Hint:  "make the topic again and take a new snapshot of its table, or begin anew: rdip offsets reset CONNECTOR --config FILE"}
}

// madeAnew is a topic with the same name and another id (K11).
func (c *cluster) madeAnew(topic, was, is string) error {
	return &fault.Error{Kind: fault.PositionLost, Op: "write to", Object: fmt.Sprintf("topic %q", topic), Permanent: true,
		Cause: fmt.Errorf("it was deleted and made anew: its id was %s and is %s, so that what was delivered is gone", was, is),
		Hint:  "accept the new topic, and read its table again: rdip offsets set CONNECTOR --accept-cluster --config FILE, then rdip snapshot CONNECTOR TABLE"}
}
