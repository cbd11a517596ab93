package kafka

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
)

// Consumer is sarama's configuration for reading what is committed in the cluster's topics, with the
// connection's protection and login. Calling cut ends every connection made with it, and what waits on one.
func (c *Config) Consumer() (settings *sarama.Config, cut func(), err error) {
	t, err := c.tlsConfig()
	if err != nil {
		return nil, nil, err
	}
	d := newDialer(t)
	if settings, err = c.clientSettings(d); err != nil {
		return nil, nil, err
	}
	settings.Metadata.Full = true // a pattern is compared with the names of all topics
	settings.Consumer.IsolationLevel = sarama.ReadCommitted
	settings.Consumer.Return.Errors = true
	return settings, d.close, settings.Validate()
}

// ReadFault is an error of reading a topic as its user reads it; an empty topic stands for the cluster.
func (c *Config) ReadFault(op, topic string, err error) error {
	asked := &cluster{config: c}
	if errors.Is(err, sarama.ErrTopicAuthorizationFailed) {
		return &fault.Error{Kind: fault.Preflight, Op: op, Object: fmt.Sprintf("topic %q", topic), Permanent: true,
			Cause: fmt.Errorf("%s may not: %w", c.principal(), err), Hint: asked.aclHint("Describe --operation Read", topic)}
	}
	return asked.fault(op, topic, err)
}
