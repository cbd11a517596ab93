package kafkaserver

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// ClientConfig is sarama's configuration for the plaintext listener, with short timeouts.
func ClientConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.ClientID = "rdip-testenv"
	config.Net.DialTimeout = 5 * time.Second
	config.Net.ReadTimeout = 10 * time.Second
	config.Net.WriteTimeout = 10 * time.Second
	config.Metadata.Retry.Max = 10
	return config
}

// CreateTopic makes a topic, replicated to up to three brokers, and returns when metadata names its
// leaders. A leader may still answer the first produce with NOT_LEADER_OR_FOLLOWER: clients retry.
func (c *Cluster) CreateTopic(name string, partitions int, settings map[string]string) error {
	admin, err := sarama.NewClusterAdmin(c.addresses(), ClientConfig())
	if err != nil {
		return err
	}
	defer admin.Close()
	detail := &sarama.TopicDetail{
		NumPartitions:     int32(partitions),
		ReplicationFactor: int16(min(len(c.Brokers), 3)),
		ConfigEntries:     map[string]*string{},
	}
	for key, value := range settings {
		detail.ConfigEntries[key] = &value
	}
	if err := admin.CreateTopic(name, detail, false); err != nil {
		return err
	}
	return c.awaitLeaders(name)
}

// Topic is a topic's settings that are not defaults, and its number of partitions; ok is false when
// there is no such topic.
func (c *Cluster) Topic(name string) (partitions int, settings map[string]string, ok bool, err error) {
	admin, err := sarama.NewClusterAdmin(c.addresses(), ClientConfig())
	if err != nil {
		return 0, nil, false, err
	}
	defer admin.Close()
	topics, err := admin.ListTopics()
	if err != nil {
		return 0, nil, false, err
	}
	detail, ok := topics[name]
	settings = map[string]string{}
	for key, value := range detail.ConfigEntries {
		settings[key] = *value
	}
	return int(detail.NumPartitions), settings, ok, nil
}

// Topics are the names of all topics, Kafka's own (__consumer_offsets) included.
func (c *Cluster) Topics() ([]string, error) {
	client, err := sarama.NewClient(c.addresses(), ClientConfig())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.Topics()
}

// Record is one record as it lies in a topic. Key and Value are nil, not empty, when Kafka has null.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Time      time.Time
	Key       []byte
	Value     []byte
	Headers   []sarama.RecordHeader
}

// Read is every record of a topic up to its present end, partition by partition, each in offset order.
func (c *Cluster) Read(ctx context.Context, topic string) ([]Record, error) {
	client, err := sarama.NewClient(c.addresses(), ClientConfig())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	partitions, err := client.Partitions(topic)
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	var all []Record
	for _, partition := range partitions {
		records, err := readPartition(ctx, client, topic, partition)
		if err != nil {
			return nil, fmt.Errorf("read %s-%d: %w", topic, partition, err)
		}
		all = append(all, records...)
	}
	return all, nil
}

// EndOffset is the number of records that a topic's partitions have been given, added up.
func (c *Cluster) EndOffset(topic string) (int64, error) {
	client, err := sarama.NewClient(c.addresses(), ClientConfig())
	if err != nil {
		return 0, err
	}
	defer client.Close()
	partitions, err := client.Partitions(topic)
	if err != nil {
		return 0, fmt.Errorf("topic %s: %w", topic, err)
	}
	var sum int64
	for _, partition := range partitions {
		end, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
		if err != nil {
			return 0, err
		}
		sum += end
	}
	return sum, nil
}

func readPartition(ctx context.Context, client sarama.Client, topic string, partition int32) ([]Record, error) {
	first, err := client.GetOffset(topic, partition, sarama.OffsetOldest)
	if err != nil {
		return nil, err
	}
	end, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
	if err != nil || first == end {
		return nil, err
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	feed, err := consumer.ConsumePartition(topic, partition, first)
	if err != nil {
		return nil, err
	}
	defer feed.Close()
	var records []Record
	for {
		select {
		case m := <-feed.Messages():
			records = append(records, newRecord(m))
			if m.Offset+1 >= end {
				return records, nil
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d records came: %w", len(records), end-first, ctx.Err())
		}
	}
}

func newRecord(m *sarama.ConsumerMessage) Record {
	r := Record{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Time: m.Timestamp, Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, *h)
	}
	return r
}

func (c *Cluster) addresses() []string {
	var addrs []string
	for _, b := range c.Brokers {
		if b.Running() {
			addrs = append(addrs, b.Addr())
		}
	}
	return addrs
}

// awaitLeaders returns when every partition of a new topic can be written to.
func (c *Cluster) awaitLeaders(topic string) error {
	client, err := sarama.NewClient(c.addresses(), ClientConfig())
	if err != nil {
		return err
	}
	defer client.Close()
	deadline := time.Now().Add(readyWithin)
	for time.Now().Before(deadline) {
		if writable, err := client.WritablePartitions(topic); err == nil {
			if all, err := client.Partitions(topic); err == nil && len(all) > 0 && len(all) == len(writable) {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
		err = client.RefreshMetadata(topic) // fails while the brokers do not agree on the topic yet
	}
	return fmt.Errorf("topic %s has no leaders after %s: %w", topic, readyWithin, err)
}
