package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// Positions is where the positions of connectors are that deliver exactly once, and whether all of them do. The keys are
// those of Kafka Connect's workers.
type Positions struct {
	Topic       string
	Partitions  int
	Replication int // -1: as many as the connector's other topics
	Support     SourceSupport
}

// SourceSupport is a value of exactly.once.source.support.
type SourceSupport string

// SupportEnabled has every connector deliver exactly once that does not say otherwise.
const SupportEnabled SourceSupport = "enabled"

func (c *Positions) define(d *Definition) {
	d.Group("Exactly once")
	Enum(d, &c.Support, "exactly.once.source.support", "What connectors do that have no `exactly.once.support` of their own.", []Choice{
		{Value: "disabled", Doc: "they deliver at least once.", Aliases: []string{"preparing"}},
		{Value: "enabled", Doc: "they deliver exactly once, as under Kafka Connect."}}, Default("disabled"))
	d.String(&c.Topic, "offset.storage.topic", "Compacted topic in which the positions of connectors are that deliver exactly once (`exactly.once.support: required`), in Kafka Connect's form: it may be the one of a Connect cluster. It is made where it does not exist.",
		Default("rdip-offsets"), Required())
	d.Int(&c.Partitions, "offset.storage.partitions", "Partitions of `offset.storage.topic`, where it is made.", Default("1"), Between("1", "100000"), Rank(Low))
	d.Int(&c.Replication, "offset.storage.replication.factor", "Replicas of `offset.storage.topic`, where it is made. -1: as many as the connector's other topics have (`topic.creation.default.replication.factor`), with their `min.insync.replicas`.",
		Default("-1"), Check(CheckReplicas), Rank(Low))
}

// CheckReplicas is the Check of a topic's replicas: a number of them, or -1 for somebody else's default.
func CheckReplicas(s string) error {
	if n, err := strconv.Atoi(strings.TrimSpace(s)); err != nil || n == 0 || n < -1 || n > 32767 {
		return fmt.Errorf("-1, or 1 to 32767")
	}
	return nil
}
