package main

import (
	"errors"
	"slices"

	"github.com/IBM/sarama"
)

// topicsOf are the topics of the cluster that a connector has written to: those that are known, its own beside
// its tables', and those with the form prefix.schema.table. A topic that only begins with the prefix may be
// another rdip's, whose prefix is longer, and is left alone.
func (s *settings) topicsOf(c *connectorSettings, written []string) ([]string, error) {
	own := c.own()
	mine := append(slices.Clone(written), own.Names()...)
	var names []string
	err := s.administer(func(admin sarama.ClusterAdmin) error {
		all, err := admin.ListTopics()
		if err != nil {
			return s.kafka.ReadFault("list", "", err)
		}
		for name := range all {
			if slices.Contains(mine, name) || isOf(c.source.Prefix, name) {
				names = append(names, name)
			}
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// deleteTopics deletes topics; one that is gone already is no error.
func (s *settings) deleteTopics(names []string) error {
	if len(names) == 0 {
		return nil
	}
	return s.administer(func(admin sarama.ClusterAdmin) error {
		for _, name := range names {
			if err := admin.DeleteTopic(name); err != nil && !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
				return s.kafka.ReadFault("delete", name, err)
			}
		}
		return nil
	})
}

func (s *settings) administer(do func(sarama.ClusterAdmin) error) error {
	config, cut, err := s.kafka.Consumer()
	if err != nil {
		return err
	}
	defer cut()
	admin, err := sarama.NewClusterAdmin(s.kafka.Brokers, config)
	if err != nil {
		return s.kafka.ReadFault("connect to", "", err)
	}
	defer admin.Close()
	return do(admin)
}
