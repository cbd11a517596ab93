package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
)

// Check looks at each broker, the login, and each topic: whether it is there or could be made, and may be
// written to, and the transactional id. It changes nothing; topics that are missing are asked for with CreateTopics' validate-only.
func (p *Producer) Check(ctx context.Context, topics []string) []fault.Finding {
	found := p.config.Check(nil)
	found = append(found, TopicCollisions(topics)...)
	reached, unreached := p.cluster.checkBrokers(ctx)
	found = append(found, unreached...)
	if !reached {
		return found
	}
	if _, err := p.cluster.identity(ctx); err != nil {
		return append(found, finding("cluster", err))
	}
	if p.config.Transactions.Required {
		topics = append(slices.Clone(topics), p.config.Transactions.Positions.Name)
	}
	topics = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(topics))), func(t string) bool { return TopicName(t) != nil })
	found = append(found, p.cluster.checkTopics(ctx, topics)...)
	return append(found, p.checkTransactions(ctx)...)
}

// CheckKeyless finds topics that take no record without a key though one of theirs will have none (K10): the
// topic of a table without a key must not be compacted, nor be made so.
func (p *Producer) CheckKeyless(ctx context.Context, topics []string) []fault.Finding {
	var found []fault.Finding
	for _, name := range topics {
		settings, err := p.cluster.topicSettings(ctx, name)
		policy := settings["cleanup.policy"]
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			policy = p.cluster.creation.Settings["cleanup.policy"]
		}
		if isCompacted(policy) {
			found = append(found, fault.Finding{Kind: fault.Preflight, Case: "K10", Where: fmt.Sprintf("topic %q", name),
				Seen: "cleanup.policy=" + policy + " for a table without a key", Need: "cleanup.policy=delete", Fix: p.cluster.policyHint(name)})
		}
	}
	return found
}

// checkBrokers tries every broker that is configured, and every other that they name. One that is away is a
// warning as long as another answers.
func (c *cluster) checkBrokers(ctx context.Context) (reached bool, found []fault.Finding) {
	tried := map[string]bool{}
	try := func(address, where string) {
		tried[address] = true
		if err := c.probe(ctx, address); err != nil {
			f := finding(where, c.fault("connect to", "", err))
			f.Need = "a Kafka broker that answers"
			found = append(found, f)
			return
		}
		reached = true
	}
	for _, b := range c.config.Brokers {
		try(b, "bootstrap.servers "+b)
	}
	if reached {
		answer, err := c.describe(ctx)
		for i := 0; err == nil && i < len(answer.Brokers); i++ {
			if a := answer.Brokers[i].Addr(); !tried[a] {
				try(a, fmt.Sprintf("broker %d, advertised as %s", answer.Brokers[i].ID(), a))
			}
		}
	}
	for i := range found {
		if reached && !strings.HasPrefix(found[i].Where, "broker") {
			found[i].Severity = fault.Warning
		}
	}
	return reached, found
}

// finding turns an error into a finding.
func finding(where string, err error) fault.Finding {
	f := fault.Finding{Kind: fault.Preflight, Where: where, Seen: err.Error()}
	var e *fault.Error
	if errors.As(err, &e) {
		f.Fix = e.Hint
		if e.Cause != nil {
			f.Seen = e.Cause.Error()
		}
		if e.Object != "" {
			f.Where = e.Object
		}
	}
	return f
}

func (c *cluster) checkTopics(ctx context.Context, topics []string) []fault.Finding {
	if len(topics) == 0 {
		return nil
	}
	answer, err := c.describe(ctx, topics...)
	if err != nil {
		return []fault.Finding{finding("topics", c.fault("look for", "", err))}
	}
	var found []fault.Finding
	var missing []string
	for _, t := range answer.Topics {
		switch err := topicError(t); {
		case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
			missing = append(missing, t.Name)
		case err != nil:
			found = append(found, caseOf(err, finding("", c.fault("find", t.Name, err))))
		case !mayWrite(t):
			found = append(found, caseOf(sarama.ErrTopicAuthorizationFailed, finding("", c.writeDenied(t.Name))))
		}
	}
	return append(found, c.checkMissing(ctx, missing)...)
}

// checkMissing says of topics that are not there what would become of them.
func (c *cluster) checkMissing(ctx context.Context, topics []string) []fault.Finding {
	if len(topics) == 0 {
		return nil
	}
	var found []fault.Finding
	if !c.creation.Enable {
		for _, t := range topics {
			f := finding("", c.missing(t))
			f.Case = "K5"
			found = append(found, f)
		}
		return found
	}
	refused, err := c.create(ctx, topics, true)
	if err != nil {
		return []fault.Finding{finding("topics", c.fault("ask whether topics could be made", "", err))}
	}
	for _, t := range topics {
		if err := refused[t]; err != nil {
			found = append(found, caseOf(err, finding("", c.creationFault(t, err))))
			continue
		}
		found = append(found, fault.Finding{Severity: fault.Notice, Kind: fault.Preflight, Where: fmt.Sprintf("topic %q", t),
			Seen: "it does not exist yet, and will be made with " + c.creation.of(t).String()})
	}
	return found
}

func caseOf(err error, f fault.Finding) fault.Finding {
	if errors.Is(err, sarama.ErrTopicAuthorizationFailed) || errors.Is(err, sarama.ErrClusterAuthorizationFailed) {
		f.Case = "K6"
	}
	return f
}
