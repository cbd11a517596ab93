package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
)

// checkWithin is how long the coordinator may take to answer a check.
const checkWithin = 10 * time.Second

// checkTransactions finds what a start with the transactional id would fail with, and does not initialise it: that
// would fence a producer that runs.
func (p *Producer) checkTransactions(ctx context.Context) []fault.Finding {
	if p.coordinator == nil {
		return nil
	}
	var found []fault.Finding
	if err := p.mayUseID(ctx); err != nil {
		found = append(found, p.idFinding(err))
	}
	if !p.config.Transactions.Required {
		return found
	}
	name := p.config.Transactions.Positions.Name
	if err := p.cluster.checkPolicy(ctx, name); err != nil {
		found = append(found, finding("", err))
	}
	if err := p.cluster.mayRead(ctx, name); err != nil {
		found = append(found, caseOf(sarama.ErrTopicAuthorizationFailed, finding("", err)))
	}
	if most, known := p.cluster.longestTransaction(ctx); known && most < p.config.Transactions.Timeout {
		found = append(found, finding("", p.initFault(sarama.ErrInvalidTransactionTimeout)))
	}
	return found
}

// mayUseID asks to end a transaction of a producer id that nobody has: a broker looks at the ACL first, and then
// knows of no such producer (KafkaApis.handleEndTxnRequest).
func (p *Producer) mayUseID(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	err := p.coordinator.end(ctx, identity{producer: -1, epoch: -1}, false)
	if errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed) {
		return p.cluster.transactionalIDDenied()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return p.initFault(err)
	}
	return nil
}

// idFinding stops a start only with transactions: at least once a plain producer id does.
func (p *Producer) idFinding(err error) fault.Finding {
	switch denied := errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed); {
	case !p.config.Transactions.Required && denied:
		return p.cluster.plainIdentityOnly()
	case denied:
		return caseOf(sarama.ErrTopicAuthorizationFailed, finding("", err))
	default:
		return finding("", err)
	}
}

// mayRead says that this client may not read a topic that exists, where the broker tells (KIP-430).
func (c *cluster) mayRead(ctx context.Context, topic string) error {
	t, err := c.topic(ctx, topic)
	if err != nil || t.Version < 8 || t.TopicAuthorizedOperations == unknownOperations || t.TopicAuthorizedOperations&(1<<sarama.AclOperationRead) != 0 {
		return nil //nolint:nilerr // a topic that does not exist, or cannot be seen, is found by checkTopics
	}
	return &fault.Error{Kind: fault.Preflight, Op: "read positions from", Object: fmt.Sprintf("topic %q", topic), Permanent: true,
		Cause: fmt.Errorf("%s has no Read on it", c.config.principal()), Hint: c.aclHint("Read", topic)}
}

// longestTransaction is the brokers' transaction.max.timeout.ms, where it may be read: it takes DescribeConfigs on
// the cluster.
func (c *cluster) longestTransaction(ctx context.Context) (most time.Duration, known bool) {
	answer, err := c.describe(ctx)
	if err != nil {
		return 0, false
	}
	err = c.ask(ctx, func(b *sarama.Broker) error {
		for _, of := range answer.Brokers {
			if of.Addr() == b.Addr() {
				most, known, err = brokerLimit(b, of.ID())
				return err
			}
		}
		return nil
	})
	return most, known && err == nil
}

// brokerLimit asks a broker of that id for its own setting.
func brokerLimit(b *sarama.Broker, id int32) (time.Duration, bool, error) {
	const name = "transaction.max.timeout.ms"
	r, err := b.DescribeConfigs(&sarama.DescribeConfigsRequest{Version: 1, Resources: []*sarama.ConfigResource{
		{Type: sarama.BrokerResource, Name: strconv.Itoa(int(id)), ConfigNames: []string{name}}}})
	if err != nil {
		return 0, false, err
	}
	for _, resource := range r.Resources {
		for _, e := range resource.Configs {
			if ms, err := strconv.ParseInt(e.Value, 10, 64); e.Name == name && err == nil {
				return time.Duration(ms) * time.Millisecond, true, nil
			}
		}
	}
	return 0, false, nil
}
