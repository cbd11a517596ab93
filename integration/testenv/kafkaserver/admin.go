package kafkaserver

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// settleWithin is how long the brokers may take to agree on what was asked.
const settleWithin = 30 * time.Second

// Administer hands a client for administration to do, over the plaintext listener.
func (c *Cluster) Administer(do func(sarama.ClusterAdmin) error) error {
	admin, err := sarama.NewClusterAdmin(c.addresses(), ClientConfig())
	if err != nil {
		return err
	}
	defer admin.Close()
	return do(admin)
}

// SetTopic sets one of a topic's settings and leaves the others.
func (c *Cluster) SetTopic(name, key, value string) error {
	return c.Administer(func(admin sarama.ClusterAdmin) error {
		set := map[string]sarama.IncrementalAlterConfigsEntry{key: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}}
		return admin.IncrementalAlterConfig(sarama.TopicResource, name, set, false)
	})
}

// DeleteTopic deletes a topic and returns once it is gone.
func (c *Cluster) DeleteTopic(ctx context.Context, name string) error {
	if err := c.Administer(func(admin sarama.ClusterAdmin) error { return admin.DeleteTopic(name) }); err != nil {
		return err
	}
	return await(ctx, "topic "+name+" to be gone", func() (bool, error) {
		_, _, there, err := c.Topic(name)
		return !there, err
	})
}

// Throttle bounds what the clients without a user may produce, in bytes a second each; 0 lifts it.
func (c *Cluster) Throttle(bytesPerSecond int) error {
	return c.Administer(func(admin sarama.ClusterAdmin) error {
		everybody := []sarama.QuotaEntityComponent{{EntityType: sarama.QuotaEntityClientID, MatchType: sarama.QuotaMatchDefault}}
		return admin.AlterClientQuotas(everybody, sarama.ClientQuotasOp{Key: "producer_byte_rate",
			Value: float64(bytesPerSecond), Remove: bytesPerSecond == 0}, false)
	})
}

// Leader is the id of the broker that leads a partition, -1 where none does.
func (c *Cluster) Leader(topic string, partition int32) (int32, error) {
	var leader int32 = -1
	err := c.Administer(func(admin sarama.ClusterAdmin) error {
		found, err := admin.DescribeTopics([]string{topic})
		if err != nil {
			return err
		}
		for _, t := range found {
			for _, p := range t.Partitions {
				if t.Name == topic && p.ID == partition {
					leader = p.Leader
				}
			}
		}
		return nil
	})
	return leader, err
}

// MoveLeaders makes another broker the leader of each of a topic's partitions, by reassignment and preferred
// election as an operator does it, and returns once they lead. All replicas must be in sync.
func (c *Cluster) MoveLeaders(ctx context.Context, topic string) error {
	return c.Administer(func(admin sarama.ClusterAdmin) error {
		found, err := admin.DescribeTopics([]string{topic})
		if err != nil {
			return err
		}
		partitions := found[0].Partitions
		replicas := make([][]int32, len(partitions))
		election := map[string][]int32{topic: nil}
		for _, p := range partitions {
			if len(p.Replicas) < 2 {
				return fmt.Errorf("%s-%d has one replica", topic, p.ID)
			}
			next := append([]int32(nil), p.Replicas...)
			for next[0] == p.Leader {
				next = append(next[1:], next[0])
			}
			replicas[p.ID] = next
			election[topic] = append(election[topic], p.ID)
		}
		if err := admin.AlterPartitionReassignments(topic, replicas); err != nil {
			return err
		}
		return await(ctx, "other leaders of "+topic, func() (bool, error) {
			if _, err := admin.ElectLeaders(sarama.PreferredElection, election); err != nil {
				return false, err
			}
			for id, want := range replicas {
				if leader, err := c.Leader(topic, int32(id)); err != nil || leader != want[0] {
					return false, err
				}
			}
			return true, nil
		})
	})
}

// AwaitInSync returns once every replica of a topic is in sync; a topic that is not there is.
func (c *Cluster) AwaitInSync(ctx context.Context, topic string) error {
	return c.Administer(func(admin sarama.ClusterAdmin) error {
		return await(ctx, "the replicas of "+topic, func() (bool, error) {
			found, err := admin.DescribeTopics([]string{topic})
			if err != nil {
				return false, err
			}
			for _, p := range found[0].Partitions {
				if len(p.Isr) < len(p.Replicas) || p.Leader < 0 {
					return false, fmt.Errorf("%s-%d has %d of %d replicas in sync", topic, p.ID, len(p.Isr), len(p.Replicas))
				}
			}
			return true, nil
		})
	})
}

// await asks until it is so; an error counts as not yet.
func await(ctx context.Context, what string, ok func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	for {
		done, err := ok()
		if done && err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", settleWithin, what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
