package consume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"rdip/envelope/decode"
	"rdip/sinks/kafka"
)

// defaultRefresh is how often topics are looked at again.
const defaultRefresh = 5 * time.Second

// Options say what to read.
type Options struct {
	Topics        []Pattern
	FromBeginning bool // instead of from the end
	// Follow goes on at the end, and takes up partitions and topics that come later, from their beginning.
	// Without it Next ends with io.EOF once every partition was read to where it ended at the start.
	Follow bool
	// Await lets patterns mean no topic yet; only with Follow.
	Await bool
	// At says at which offset a partition is to be begun, in place of first, where it would be without At; one that is
	// not there any more, or not yet, means the oldest. Called as partitions are found, one after the other. May be nil.
	At      func(topic string, partition int32, first int64) int64
	Refresh time.Duration // how often to look for new topics and partitions; 0: 5 s
	// Notice is told of what passes by itself, such as a broker that is away; from any goroutine. May be nil.
	Notice func(error)
}

// Record is one record. Its bytes are the reader's; nil Key or Value is Kafka's null.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Time      time.Time
	Key       []byte
	Value     []byte
	Headers   []decode.Header
}

// Consumer reads topics. Next belongs to one goroutine; Close is called once, after it.
type Consumer struct {
	config  *kafka.Config
	options Options
	client  sarama.Client
	source  sarama.Consumer
	cut     func()

	stop    context.Context
	cancel  context.CancelCauseFunc
	records chan Record
	reading sync.WaitGroup
	ended   chan struct{} // closed when every partition has ended, without Follow

	started map[string]map[int32]bool // by topic and partition; of the goroutine that adds
}

// Open connects and begins to read. Its errors say which topic is missing, with the nearest names, or which
// broker cannot be reached.
func Open(ctx context.Context, config *kafka.Config, o Options) (*Consumer, error) {
	if o.Refresh <= 0 {
		o.Refresh = defaultRefresh
	}
	if o.Notice == nil {
		o.Notice = func(error) {}
	}
	c := &Consumer{config: config, options: o, records: make(chan Record, 256), ended: make(chan struct{}), started: map[string]map[int32]bool{}}
	c.stop, c.cancel = context.WithCancelCause(context.Background())
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	if err := c.begin(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Consumer) connect(ctx context.Context) error {
	settings, cut, err := c.config.Consumer()
	if err != nil {
		return err
	}
	c.cut = cut
	settings.Metadata.Retry.Max = 1
	settings.Consumer.Retry.Backoff = time.Second
	defer context.AfterFunc(ctx, cut)()
	if c.client, err = sarama.NewClient(c.config.Brokers, settings); err == nil {
		c.source, err = sarama.NewConsumerFromClient(c.client)
	}
	if err != nil {
		cut()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return c.config.ReadFault("connect to", "", fmt.Errorf("Kafka at %v: %w", c.config.Brokers, err))
	}
	return nil
}

// begin starts every partition that there is, so that what is written after Open is read.
func (c *Consumer) begin() error {
	topics, err := c.client.Topics()
	if err != nil {
		return c.config.ReadFault("list topics", "", err)
	}
	chosen, missing := choose(c.options.Topics, topics)
	if len(missing) > 0 && !c.options.Await {
		return noTopic(missing[0], topics)
	}
	first := sarama.OffsetNewest
	if c.options.FromBeginning {
		first = sarama.OffsetOldest
	}
	if err := c.start(chosen, first); err != nil {
		return err
	}
	if c.options.Follow {
		c.reading.Add(1)
		go c.discover()
		return nil
	}
	go func() {
		c.reading.Wait()
		close(c.ended)
	}()
	return nil
}

// start begins to read the partitions of topics that are not read yet.
func (c *Consumer) start(topics []string, first int64) error {
	for _, topic := range topics {
		partitions, err := c.client.Partitions(topic)
		if err != nil {
			return c.config.ReadFault("read", topic, err)
		}
		if c.started[topic] == nil {
			c.started[topic] = map[int32]bool{}
		}
		for _, number := range partitions {
			if c.started[topic][number] {
				continue
			}
			p := &partition{consumer: c, topic: topic, number: number}
			if err := p.open(first); err != nil {
				return c.config.ReadFault("read", topic, err)
			}
			c.started[topic][number] = true
			c.reading.Add(1)
			go p.read()
		}
	}
	return nil
}

// discover takes up what is new, until the consumer stops. What it cannot start now it tries again.
func (c *Consumer) discover() {
	defer c.reading.Done()
	tick := time.NewTicker(c.options.Refresh)
	defer tick.Stop()
	for {
		select {
		case <-c.stop.Done():
			return
		case <-tick.C:
		}
		if err := c.client.RefreshMetadata(); err != nil {
			c.notice("list topics", "", err)
			continue
		}
		topics, err := c.client.Topics()
		if err != nil {
			continue
		}
		chosen, _ := choose(c.options.Topics, topics)
		if err := c.start(chosen, sarama.OffsetOldest); err != nil {
			c.notice("read", "", err)
		}
	}
}

func (c *Consumer) notice(op, topic string, err error) {
	if c.stop.Err() == nil {
		c.options.Notice(c.config.ReadFault(op, topic, err))
	}
}

// Topics are the topics that are read, sorted, and how many partitions they have together. It belongs before
// the first Next.
func (c *Consumer) Topics() (names []string, partitions int) {
	topics, err := c.client.Topics()
	if err != nil {
		return nil, 0
	}
	chosen, _ := choose(c.options.Topics, topics)
	for _, topic := range chosen {
		numbers, _ := c.client.Partitions(topic)
		partitions += len(numbers)
	}
	return slices.Clip(chosen), partitions
}

// Next waits for a record. Its error is ctx's, io.EOF at the end where it does not follow, or why reading had
// to stop.
func (c *Consumer) Next(ctx context.Context) (Record, error) {
	select {
	case r := <-c.records:
		return r, nil
	default:
	}
	select {
	case r := <-c.records:
		return r, nil
	case <-ctx.Done():
		return Record{}, ctx.Err()
	case <-c.stop.Done():
		return Record{}, context.Cause(c.stop)
	case <-c.ended:
	}
	select {
	case r := <-c.records: // the last ones
		return r, nil
	default:
		return Record{}, io.EOF
	}
}

// Close ends the connections and what reads from them.
func (c *Consumer) Close() error {
	c.cancel(context.Canceled)
	c.cut()
	c.reading.Wait()
	return errors.Join(c.source.Close(), ignoreClosed(c.client.Close()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, sarama.ErrClosedClient) {
		return nil
	}
	return err
}
