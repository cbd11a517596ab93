package integration

import (
	"fmt"
	"strings"
	"testing"

	"rdip/integration/harness"
)

// What is masked in a key stays out of the topic of positions, too: there, exactly once, is what is left to be read of
// tables, among it keys of rows that the log gave in part, and where an override's reading goes on. A start that has
// nothing but the topic reads such a table from its beginning, and nothing is missing.
func TestMaskedKeysAreNotInTheTopicOfPositions(t *testing.T) {
	p := harness.NewPipeline(t, 18)
	const rows = 300
	for _, table := range []string{"secret", "ordered"} {
		p.Exec(t, "CREATE TABLE "+table+"(k text PRIMARY KEY, n int, body text); ALTER TABLE "+table+" ALTER body SET STORAGE EXTERNAL",
			fmt.Sprintf("INSERT INTO %s SELECT '%s-' || i, 0, repeat('b', 3000) FROM generate_series(1, %d) i", table, canary, rows))
	}
	p = p.Configured("connectors.shop.exactly.once.support", "required", "offset.storage.topic", p.Prefix+".positions",
		"connectors.shop.column.mask.hash.v2.SHA-256.with.salt.salt", `public\..*\.k`,
		"connectors.shop.incremental.snapshot.window.bytes", "64KiB",
		"connectors.shop.snapshot.select.statement.overrides", "public.ordered",
		"connectors.shop.snapshot.select.statement.overrides.public.ordered", "SELECT * FROM public.ordered")
	d := p.Streaming(t)
	command := func(code int, args ...string) string {
		t.Helper()
		return p.Command(t, code, flags(p, t, d, append([]string{"snapshot", "shop"}, args...)...)...)
	}
	command(harness.ExitDone, "public.ordered", "--wait")
	if says := command(harness.ExitConfiguration, "public.secret", "--keys", canary+"-1"); !strings.Contains(says, "--where") || strings.Contains(says, canary) {
		t.Errorf("keys that are masked are refused with: %s", says)
	}
	command(harness.ExitDone, "public.secret", "--where", slowly(3600))
	harness.Eventually(t, "the reading", func() bool { return snapshots(d, t)["public.secret"].State == "running" })
	p.Exec(t, "UPDATE secret SET n = n + 1")
	p.Converge(t)
	d.Kill()
	topics, err := p.Kafka.Topics()
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for _, topic := range topics {
		if !strings.HasPrefix(topic, p.Prefix) {
			continue
		}
		records, err := p.Kafka.Read(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			shown["topic "+topic] += string(r.Key) + string(r.Value)
		}
	}
	if !strings.Contains(shown["topic "+p.Prefix+".positions"], "secret") {
		t.Error("the topic of positions has nothing of the table, so that this proves nothing")
	}
	mustNotShow(t, shown)
	d = p.Streaming(t)
	command(harness.ExitDone, "public.secret", "--stop")
	command(harness.ExitDone, "public.secret", "--wait")
	if read := readKeys(p, t, "secret", "k"); len(read) != rows {
		t.Errorf("%d rows of %d are in the topic", len(read), rows)
	}
}
