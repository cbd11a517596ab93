package reliability

import (
	"fmt"
	"regexp"
	"testing"

	"rdip/integration/harness"
	"rdip/internal/failpoint"
)

// P37, P39, D1: messages, inside of transactions and outside, schema changes, transactions' ends and the rows of tables that
// share a topic are there once each, over kills at each end of a Kafka transaction.
func TestExactlyOnceEveryTopicHasEachRecordOnceOverKills(t *testing.T) {
	p := once(t).Configured("connectors.shop.provide.transaction.metadata", "true", "connectors.shop.ddl.capture", "true",
		"connectors.shop.topic.routing.topic.regex", `(.*)\.part_.*`, "connectors.shop.topic.routing.topic.replacement", "$1.parts",
		"connectors.shop.heartbeat.records.enabled", "true")
	p.Exec(t, "CREATE TABLE part_1(id int PRIMARY KEY, note text)", "CREATE TABLE part_2(id int PRIMARY KEY, note text)")
	p.Tags = []string{"failpoints"}
	d := p.Streaming(t)
	harness.SnapshotDone(t, d)
	ends(t, d)
	points := []string{failpoint.TransactionOpen, failpoint.Committing, failpoint.PositionsSent, failpoint.Committed, failpoint.MidTransaction}
	n := 0
	for _, point := range points {
		killed := p.Configured()
		killed.Env = []string{"RDIP_FAILPOINT=" + point + ":3"}
		d := killed.Start(t)
		for d.Running() {
			p.Exec(t, fmt.Sprintf("BEGIN; INSERT INTO part_1 VALUES (%[1]d, 'one%[1]dx'); SELECT pg_logical_emit_message(true, 'audit', 'in%[1]dx'); INSERT INTO part_2 VALUES (%[1]d, 'two%[1]dx'); COMMIT", n),
				fmt.Sprintf("SELECT pg_logical_emit_message(false, 'audit', 'out%dx')", n), fmt.Sprintf("CREATE TABLE made_%dx(id int PRIMARY KEY)", n))
			n++
		}
	}
	d = p.Streaming(t)
	p.Insert(t, 1, 1)
	p.MustHold(t, 1, false)
	p.Converge(t)
	ends(t, d)
	for topic, words := range map[string][]string{
		p.Prefix + ".public.parts": {"one", "two"},
		p.Prefix + ".message":      {"in", "out"},
		p.Prefix:                   {"CREATE TABLE made_"}, // rdip's own ALTER PUBLICATION names them too
	} {
		holdsOnce(t, p, topic, words, n)
	}
}

// holdsOnce checks that each of the words, with the numbers to n, is in one record of a topic's stream.
func holdsOnce(t *testing.T, p *harness.Pipeline, topic string, words []string, n int) {
	t.Helper()
	records, err := p.Kafka.Read(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range words {
		numbered := regexp.MustCompile(word + `[0-9]+x`)
		seen := map[string]int{}
		for _, r := range records {
			if found := numbered.Find(r.Value); found != nil {
				seen[string(found)]++
			}
		}
		for i := range n {
			if got := seen[fmt.Sprintf("%s%dx", word, i)]; got != 1 {
				t.Errorf("%s: %s%dx of %d is in %d records", topic, word, i, n, got)
			}
		}
	}
}
