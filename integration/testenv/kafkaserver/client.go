package kafkaserver

import (
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
