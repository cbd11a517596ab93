package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"rdip/internal/fault"
	"rdip/sinks"
)

// with is the creation of topics with that of the topic of positions beside it.
func (c Creation) with(t *Transactions) Creation {
	if t.Required {
		apart := map[string]Creation{t.Positions.Name: *t.Positions.creation(&c)}
		maps.Copy(apart, c.Apart)
		c.Apart = apart
	}
	return c
}

// Positions initialises the transactional id, which aborts what an earlier producer left open and fences it, and
// then reads the topic of positions to where it ended at that moment, as a reader of committed records does. Keys
// and values are the caller's. The order matters: what an earlier producer committed is below that end, and
// nothing of it can come behind (KIP-98).
func (p *Producer) Positions(ctx context.Context, wanted func(key []byte) bool) (sinks.Topic, []sinks.Record, error) {
	if !p.config.Transactions.Required {
		return sinks.Topic{}, nil, &fault.Error{Op: "read positions", Cause: errors.New("the producer was not opened for transactions: a bug in rdip"), Permanent: true}
	}
	if err := p.identify(ctx); err != nil {
		return sinks.Topic{}, nil, err
	}
	name := p.config.Transactions.Positions.Name
	topic, err := p.Prepare(ctx, name)
	if err != nil {
		return sinks.Topic{}, nil, err
	}
	if err := p.cluster.checkPolicy(ctx, name); err != nil {
		return sinks.Topic{}, nil, err
	}
	if err := p.cluster.mayRead(ctx, name); err != nil { // a topic that is empty yet would not show it
		return sinks.Topic{}, nil, err
	}
	r, err := newReading(&p.config, p.cluster, name, wanted, p.notice)
	if err != nil {
		return sinks.Topic{}, nil, err
	}
	defer r.close()
	for partition := range topic.Partitions {
		if err := r.read(ctx, partition); err != nil {
			return sinks.Topic{}, nil, p.config.ReadFault("read positions from", name, err)
		}
	}
	return topic, r.records(), nil
}

// checkPolicy refuses a topic of positions that does not keep them: only cleanup.policy=compact alone does, as
// Connect has it (TopicAdmin.verifyTopicCleanupPolicyOnlyCompact). Where settings may not be read Prepare has said so.
func (c *cluster) checkPolicy(ctx context.Context, topic string) error {
	settings, err := c.topicSettings(ctx, topic)
	policy := settings["cleanup.policy"]
	if err != nil || policy == "" || policy == "compact" {
		return nil //nolint:nilerr // a topic whose settings may not be read is used as it is
	}
	return &fault.Error{Kind: fault.Preflight, Op: "keep positions in", Object: fmt.Sprintf("topic %q", topic), Permanent: true,
		Cause: fmt.Errorf("its cleanup.policy is %s, so that Kafka removes positions for their age, and compact alone is needed", policy),
		Hint: fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config cleanup.policy=compact",
			c.config.bootstrap(), topic)}
}
