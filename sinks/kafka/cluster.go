package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"

	"github.com/IBM/sarama"

	"rdip/internal/fault"
)

// cluster asks the cluster about itself, on a connection of its own: a produce request under way holds its
// connection until it is answered. One question at a time; safe for concurrent use.
type cluster struct {
	config   *Config
	creation *Creation
	settings *sarama.Config
	dialer   *dialer
	turn     chan struct{}  // holds one token: whose turn it is
	broker   *sarama.Broker // the one that answered last
}

// client is what a connection for questions is made with.
func (c *Config) client() (*dialer, *sarama.Config, error) {
	t, err := c.tlsConfig()
	if err != nil {
		return nil, nil, err
	}
	d := newDialer(t)
	s, err := c.clientSettings(d)
	return d, s, err
}

func newCluster(c *Config, topics *Creation) (*cluster, error) {
	d, s, err := c.client()
	if err != nil {
		return nil, err
	}
	return &cluster{config: c, creation: topics, settings: s, dialer: d, turn: make(chan struct{}, 1)}, nil
}

// ask puts a question to the broker that answered last, or to the first that can be reached. An answer that
// is Kafka's refusal is an answer. It ends with ctx.
func (c *cluster) ask(ctx context.Context, question func(*sarama.Broker) error) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer context.AfterFunc(ctx, c.dialer.cut)()
	if c.broker != nil {
		err := question(c.broker)
		if !isBroken(err) {
			return err
		}
		_ = c.broker.Close()
		c.broker = nil
	}
	var failed []error
	for _, i := range rand.Perm(len(c.config.Brokers)) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b, err := c.open(c.config.Brokers[i])
		if err == nil {
			if err = question(b); !isBroken(err) {
				c.broker = b
				return err
			}
			_ = b.Close()
		}
		failed = append(failed, fmt.Errorf("%s: %w", c.config.Brokers[i], err))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(failed...)
}

// open connects to one broker, TLS and SASL included.
func (c *cluster) open(address string) (*sarama.Broker, error) {
	b := sarama.NewBroker(address)
	if err := b.Open(c.settings); err != nil {
		return nil, err
	}
	if ok, err := b.Connected(); !ok {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}

// isBroken says whether an error is of the connection, so that another broker may do better.
func isBroken(err error) bool {
	var refusal sarama.KError
	var ours *fault.Error
	return err != nil && !errors.As(err, &refusal) && !errors.As(err, &ours)
}

// probe says why a broker cannot be used; nil when it can.
func (c *cluster) probe(ctx context.Context, address string) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer context.AfterFunc(ctx, c.dialer.cut)()
	b, err := c.open(address)
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = b.GetMetadata(&sarama.MetadataRequest{Version: 7, Topics: []string{"-"}})
	return err
}

// describe is what the cluster says of itself and of the topics; of no topics where none is named. A topic
// that does not exist is in the answer, with its error.
func (c *cluster) describe(ctx context.Context, topics ...string) (*sarama.MetadataResponse, error) {
	if len(topics) == 0 {
		topics = []string{"-"} // none means all of them, and "-" is legal and cheap to look for
	}
	var answer *sarama.MetadataResponse
	err := c.ask(ctx, func(b *sarama.Broker) (err error) {
		q := sarama.NewMetadataRequest(c.settings.Version, topics)
		q.IncludeTopicAuthorizedOperations = true
		answer, err = b.GetMetadata(q)
		return err
	})
	return answer, err
}

// topicSettings is a topic's settings that rdip goes by, as they are in force.
func (c *cluster) topicSettings(ctx context.Context, topic string) (map[string]string, error) {
	q := &sarama.DescribeConfigsRequest{Version: 1, Resources: []*sarama.ConfigResource{{Type: sarama.TopicResource, Name: topic,
		ConfigNames: []string{"max.message.bytes", "cleanup.policy", "retention.ms", "min.insync.replicas"}}}}
	settings := map[string]string{}
	err := c.ask(ctx, func(b *sarama.Broker) error {
		r, err := b.DescribeConfigs(q)
		if err != nil {
			return err
		}
		for _, resource := range r.Resources {
			if resource.ErrorCode != 0 {
				return sarama.KError(resource.ErrorCode)
			}
			for _, e := range resource.Configs {
				settings[e.Name] = e.Value
			}
		}
		return nil
	})
	return settings, err
}

// create makes topics, at the controller: before KRaft no other broker would. With dryRun the controller only
// says what it would answer. What it refused is by topic; that one is there already is no refusal, another
// task was faster.
func (c *cluster) create(ctx context.Context, topics []string, dryRun bool) (refused map[string]error, err error) {
	details := map[string]*sarama.TopicDetail{}
	for _, topic := range topics {
		details[topic] = c.creation.of(topic).detail()
	}
	q := sarama.NewCreateTopicsRequest(c.settings.Version, details, c.config.Timeout, dryRun)
	err = c.ask(ctx, func(b *sarama.Broker) error {
		controller, done, err := c.controller(b)
		if err != nil {
			return err
		}
		defer done()
		r, err := controller.CreateTopics(q)
		if err == nil {
			refused = refusals(r.TopicErrors)
		}
		return err
	})
	return refused, err
}

func refusals(answers map[string]*sarama.TopicError) map[string]error {
	refused := map[string]error{}
	for topic, e := range answers {
		switch {
		case e.Err == sarama.ErrNoError || e.Err == sarama.ErrTopicAlreadyExists:
		case e.ErrMsg != nil && *e.ErrMsg != "":
			refused[topic] = sarama.Wrap(e.Err, errors.New(*e.ErrMsg))
		default:
			refused[topic] = e.Err
		}
	}
	return refused
}

// controller is the controller as b knows it, which may be b itself, and how to leave it.
func (c *cluster) controller(b *sarama.Broker) (*sarama.Broker, func(), error) {
	answer, err := b.GetMetadata(sarama.NewMetadataRequest(c.settings.Version, []string{"-"}))
	if err != nil {
		return nil, nil, err
	}
	for _, other := range answer.Brokers {
		if other.ID() != answer.ControllerID || other.Addr() == b.Addr() {
			continue
		}
		o, err := c.open(other.Addr())
		if err != nil {
			return nil, nil, fmt.Errorf("controller %s: %w", other.Addr(), err)
		}
		return o, func() { _ = o.Close() }, nil
	}
	return b, func() {}, nil
}

// identity is the cluster's id.
func (c *cluster) identity(ctx context.Context) (string, error) {
	answer, err := c.describe(ctx)
	switch {
	case err != nil:
		return "", c.fault("read the cluster id", "", err)
	case answer.ClusterID == nil || *answer.ClusterID == "":
		return "", &fault.Error{Kind: fault.Preflight, Op: "read the cluster id", Cause: errors.New("the brokers give none"),
			Hint: "use Kafka 0.10.1 or newer", Permanent: true}
	}
	return *answer.ClusterID, nil
}

// close ends the connection.
func (c *cluster) close() {
	c.dialer.close()
	c.turn <- struct{}{}
	if c.broker != nil {
		_ = c.broker.Close()
		c.broker = nil
	}
	<-c.turn
}

// principal is this client as an ACL names it.
func (c *Config) principal() string {
	if c.protocol().hasSASL() {
		if l, err := c.login(); err == nil {
			return "User:" + l.user
		}
	}
	if c.CertFile != "" {
		if pair, err := c.clientCertificate(); err == nil && pair.Leaf != nil {
			return "User:" + pair.Leaf.Subject.String()
		}
	}
	return "User:ANONYMOUS"
}

// bootstrap is a broker as Kafka's own tools take it.
func (c *Config) bootstrap() string {
	if len(c.Brokers) == 0 {
		return "HOST:9092"
	}
	return c.Brokers[0]
}

// isTimeout says whether err is a deadline that passed.
func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
