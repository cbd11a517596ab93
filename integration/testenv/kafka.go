package testenv

import (
	"testing"

	"rdip/integration/testenv/component"
	"rdip/integration/testenv/kafkaserver"
)

// Kafka starts a cluster for this test alone (4 s a broker), and ends it with the test.
func Kafka(t testing.TB, o kafkaserver.Options) *kafkaserver.Cluster {
	t.Helper()
	Need(t, component.Java(), component.Kafka())
	c, err := kafkaserver.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of Kafka's logs:\n%s", c.Logs(logLines))
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// SharedKafka is this process's broker, with the zero Options. Tests that stop it, or look at more than
// their own topics, want one of their own. The package's TestMain must call Main.
func SharedKafka(t testing.TB) *kafkaserver.Cluster {
	t.Helper()
	Need(t, component.Java(), component.Kafka())
	return shared(t, "kafka", func() (*kafkaserver.Cluster, error) {
		return kafkaserver.Start(sharedContext, kafkaserver.Options{})
	})
}

// Topic makes a topic of the test's own.
func Topic(t testing.TB, c *kafkaserver.Cluster, partitions int) string {
	t.Helper()
	name := Name("topic")
	if err := c.CreateTopic(name, partitions, nil); err != nil {
		t.Fatal(err)
	}
	return name
}
