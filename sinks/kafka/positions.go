package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/IBM/sarama"

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
	found, err := p.readPositions(ctx, &topic, wanted)
	if err != nil {
		return sinks.Topic{}, nil, err
	}
	p.strays = found.strays
	return topic, found.records(), nil
}

// readPositions reads the topic of positions to where it ends now.
func (p *Producer) readPositions(ctx context.Context, topic *sinks.Topic, wanted func(key []byte) bool) (*newest, error) {
	r, err := newReading(&p.config, p.cluster, topic.Name, topic.Partitions, wanted, p.notice)
	if err != nil {
		return nil, err
	}
	defer r.close()
	for partition := range topic.Partitions {
		if err := r.read(ctx, partition); err != nil {
			return nil, p.config.ReadFault("read positions from", topic.Name, err)
		}
	}
	return r.newest, nil
}

// PeekPositions gives what Positions would, for a check: nothing is initialised or made, so that a producer which runs
// is not fenced. Of a topic that is not there yet it is only the name. known is false where Check has said why nothing is.
func (p *Producer) PeekPositions(ctx context.Context, wanted func(key []byte) bool) (topic sinks.Topic, records []sinks.Record, known bool, err error) {
	topic.Name = p.config.Transactions.Positions.Name
	found, err := p.cluster.topic(ctx, topic.Name)
	switch {
	case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
		return topic, nil, true, nil
	case err != nil || p.cluster.mayRead(ctx, topic.Name) != nil:
		return topic, nil, false, ctx.Err()
	}
	topic.ID, topic.Partitions = topicID(found.Uuid), int32(len(found.Partitions))
	read, err := p.readPositions(ctx, &topic, wanted)
	if err != nil {
		return topic, nil, false, err
	}
	return topic, read.records(), true, nil
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
