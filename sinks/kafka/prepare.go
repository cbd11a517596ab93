package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
	"rdip/sinks"
)

const (
	// visibility is how long a topic that was just made may take to have a leader everywhere.
	visibility = 30 * time.Second
	// defaultMaxMessage is Kafka's default of max.message.bytes, for where it may not be read.
	defaultMaxMessage = 1_048_588
	// largestRecord keeps a record below the brokers' limit on a request, 100 MiB as they come
	// (socket.request.max.bytes), unless max.request.size says that theirs is another. A broker cuts the
	// connection of whoever sends more, and says nothing.
	largestRecord = 95 << 20
	// unknownOperations is what a broker that cannot tell says of what we may do with a topic (KIP-430).
	unknownOperations = -1 << 31
)

// Prepare finds the topic, or makes it as topic.creation says, and verifies that records can be written to it.
// The number of partitions it gives holds for as long as the producer does (K9): records of a key stay where
// they are when partitions are added meanwhile; the next producer sees the new number.
func (p *Producer) Prepare(ctx context.Context, name string) (sinks.Topic, error) {
	if err := TopicName(name); err != nil {
		return sinks.Topic{}, err
	}
	if err := p.failed(); err != nil { // of another topic, it may be: it says nothing for good about this one
		return sinks.Topic{}, &fault.Error{Op: "prepare", Object: fmt.Sprintf("topic %q", name), Cause: fmt.Errorf("the producer has failed: %v", err)} //nolint:errorlint // so that this one is not permanent
	}
	found, err := p.cluster.ensure(ctx, name)
	if err != nil {
		return sinks.Topic{}, err
	}
	t, err := p.inspect(ctx, found)
	if err != nil {
		return sinks.Topic{}, err
	}
	if err := p.identify(ctx); err != nil {
		return sinks.Topic{}, p.cluster.fault("get a producer id for", name, err)
	}
	if t, err = p.keep(t); err != nil {
		return sinks.Topic{}, err
	}
	n := t.partitions
	return sinks.Topic{Name: name, ID: topicID(t.id), Partitions: n,
		Partition: func(key []byte) int32 { return Partition(key, n) },
		Refuses:   func(r *sinks.Record) error { return p.refusal(t, r, recordSize(r)) }}, nil
}

// largest is the largest record, where a topic takes batches of limit bytes.
func (c *Config) largest(limit int) int {
	most := largestRecord
	if c.MaxRequest > 0 {
		most = int(c.MaxRequest)
	}
	return max(min(limit-batchOverhead, most), 1)
}

// topicID is empty where the broker is too old to give one.
func topicID(id sarama.Uuid) string {
	if id == (sarama.Uuid{}) {
		return ""
	}
	return id.String()
}

// ensure is the topic as it stands, made if need be.
func (c *cluster) ensure(ctx context.Context, name string) (*sarama.TopicMetadata, error) {
	t, err := c.topic(ctx, name)
	if err == nil || !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return t, c.fault("find", name, err)
	}
	if !c.creation.Enable {
		return nil, c.missing(name)
	}
	refused, err := c.create(ctx, []string{name}, false)
	if err != nil {
		return nil, c.fault("make", name, err)
	}
	if err := refused[name]; err != nil {
		return nil, c.creationFault(name, err)
	}
	return c.await(ctx, name)
}

// await waits until a topic that was just made has a leader for every partition.
func (c *cluster) await(ctx context.Context, name string) (*sarama.TopicMetadata, error) {
	ctx, cancel := context.WithTimeout(ctx, visibility)
	defer cancel()
	for attempt := 0; ; attempt++ {
		t, err := c.topic(ctx, name)
		if err == nil && hasLeaders(t) {
			return t, nil
		}
		wait := time.NewTimer(backoff(attempt, time.Second))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil, c.fault("wait for a leader of", name, errors.Join(ctx.Err(), err))
		}
	}
}

// topic is one topic's metadata; an error of the topic, or of a partition without a leader, is the error.
func (c *cluster) topic(ctx context.Context, name string) (*sarama.TopicMetadata, error) {
	answer, err := c.describe(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, t := range answer.Topics {
		if t.Name == name {
			return t, topicError(t)
		}
	}
	return nil, sarama.ErrUnknownTopicOrPartition
}

func topicError(t *sarama.TopicMetadata) error {
	if t.Err != sarama.ErrNoError {
		return t.Err
	}
	return nil
}

// creationFault says why a topic could not be made; where it is for a missing privilege, which one (K6).
func (c *cluster) creationFault(name string, err error) error {
	if errors.Is(err, sarama.ErrTopicAuthorizationFailed) || errors.Is(err, sarama.ErrClusterAuthorizationFailed) {
		return &fault.Error{Kind: fault.Preflight, Op: "make", Object: fmt.Sprintf("topic %q", name), Permanent: true,
			Cause: fmt.Errorf("%s may not: %w", c.config.principal(), err),
			Hint:  c.aclHint("Create --operation Describe --operation Write", name) + ", or make it: " + c.createCommand(name)}
	}
	return c.fault("make", name, err)
}

// inspect reads what a topic takes, and whether this client may write to it (K6).
func (p *Producer) inspect(ctx context.Context, t *sarama.TopicMetadata) (*topic, error) {
	if !mayWrite(t) {
		return nil, p.cluster.writeDenied(t.Name)
	}
	out := &topic{name: t.Name, id: t.Uuid, partitions: int32(len(t.Partitions)), limit: defaultMaxMessage}
	settings, err := p.cluster.topicSettings(ctx, t.Name)
	switch {
	case errors.Is(err, sarama.ErrTopicAuthorizationFailed), errors.Is(err, sarama.ErrClusterAuthorizationFailed):
		p.notice(p.cluster.settingsHidden(t.Name))
		return out, nil
	case err != nil:
		return nil, p.cluster.fault("read the settings of", t.Name, err)
	}
	if n, err := strconv.Atoi(settings["max.message.bytes"]); err == nil {
		out.limit = n
	}
	out.compacted = isCompacted(settings["cleanup.policy"])
	return out, nil
}

func mayWrite(t *sarama.TopicMetadata) bool {
	return t.Version < 8 || t.TopicAuthorizedOperations == unknownOperations || t.TopicAuthorizedOperations&(1<<sarama.AclOperationWrite) != 0
}

func (c *cluster) writeDenied(topic string) error {
	return &fault.Error{Kind: fault.Preflight, Op: "write to", Object: fmt.Sprintf("topic %q", topic), Permanent: true,
		Cause: fmt.Errorf("%s has no Write on it", c.config.principal()), Hint: c.aclHint("Write", topic)}
}

func (c *cluster) settingsHidden(topic string) fault.Finding {
	return fault.Finding{Severity: fault.Notice, Kind: fault.Preflight, Where: fmt.Sprintf("topic %q", topic),
		Seen: fmt.Sprintf("%s may not read its settings, so that max.message.bytes is taken to be %d and cleanup.policy is not known", c.config.principal(), defaultMaxMessage),
		Need: "DescribeConfigs on it", Fix: c.aclHint("DescribeConfigs", topic)}
}

// keep publishes a topic to Send and gives it as it is known here. What is known of it from an earlier Prepare
// stays, its partitions and their queues above all; one made anew meanwhile stops the producer (K11).
func (p *Producer) keep(t *topic) (*topic, error) {
	t.largest, t.queues = p.config.largest(t.limit), make([]*queue, t.partitions)
	p.mu.Lock()
	before := (*p.topics.Load())[t.name]
	if before == nil {
		topics := maps.Clone(*p.topics.Load())
		topics[t.name] = t
		p.topics.Store(&topics)
	}
	p.mu.Unlock()
	switch {
	case before == nil:
		return t, nil
	case before.id != t.id && before.id != (sarama.Uuid{}) && t.id != (sarama.Uuid{}):
		return nil, p.fail(p.cluster.madeAnew(t.name, topicID(before.id), topicID(t.id)))
	default:
		return before, nil
	}
}

func hasLeaders(t *sarama.TopicMetadata) bool {
	for _, p := range t.Partitions {
		if p.Err != sarama.ErrNoError || p.Leader < 0 {
			return false
		}
	}
	return len(t.Partitions) > 0
}
