package source

import "rdip/schema"

// topicOf is the topic of a table's events: prefix.schema.table, as Debezium names it, with what Kafka
// refuses in a name escaped reversibly. The prefix was checked with the configuration.
func topicOf(prefix string, t *schema.Table) string {
	if t.Schema == "" {
		return prefix + "." + schema.TopicName(t.Database) + "." + schema.TopicName(t.Name)
	}
	return prefix + "." + schema.TopicName(t.Schema) + "." + schema.TopicName(t.Name)
}
