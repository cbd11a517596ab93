package testenv

import "testing"

func TestASharedBrokerIsStartedOnceAndTakesTopics(t *testing.T) {
	first, second := SharedKafka(t), SharedKafka(t)
	if first != second {
		t.Fatal("two calls started two brokers")
	}
	topic := Topic(t, first, 3)
	if partitions, _, ok, err := first.Topic(topic); err != nil || !ok || partitions != 3 {
		t.Errorf("topic %s has %d partitions (%v, %v), want 3", topic, partitions, ok, err)
	}
}
