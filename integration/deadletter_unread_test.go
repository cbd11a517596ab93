package integration

import (
	"fmt"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/internal/failpoint"
)

// unreadable is a pipeline whose dead letters go to a topic of its own, in one of the modes.
func unreadable(t *testing.T, mode harness.Mode) (p *harness.Pipeline, topic string) {
	t.Helper()
	topic = testenv.Name("letters")
	p = harness.NewPipeline(t, 18).Configured("connectors.shop.max.row.bytes", "1MiB", "connectors.shop.errors.tolerance", "all", "connectors.shop.table.include.list", `public\..*`,
		"connectors.shop.errors.deadletterqueue.topic.name", topic, "connectors.shop.errors.deadletterqueue.topic.replication.factor", "1")
	if mode.Exactly {
		p = p.Configured("connectors.shop.exactly.once.support", "required")
	}
	return p, topic
}

// asLetters is dead letters in a line each.
func asLetters(records []kafkaserver.Record) (lines []string) {
	for _, m := range records {
		headers := map[string]string{}
		for _, h := range m.Headers {
			headers[string(h.Key)] = string(h.Value)
		}
		bytes := headers["__rdip.bytes"]
		lines = append(lines, fmt.Sprintf("%s %s %s, %d digits: %s %s", headers["__rdip.table"], headers["__rdip.op"], headers["__rdip.reason"], len(bytes), m.Key, m.Value))
	}
	return lines
}

// P70, D8, G8: a row above max.row.bytes is a dead letter in a first snapshot and in a window too, with its key where that lies
// before what is large; every other row of its table arrives, nothing stops, and a row of 100 MB takes no memory.
func TestARowOfASnapshotThatIsTooLargeIsADeadLetterAndItsTableGoesOn(t *testing.T) {
	large := fmt.Sprintf("repeat('0123456789', %d)", hugeValue/10)
	for _, mode := range []harness.Mode{harness.AtLeastOnce, harness.ExactlyOnce} {
		t.Run(mode.Name, func(t *testing.T) {
			p, topic := unreadable(t, mode)
			p.Tags = []string{harness.Released}
			p.Exec(t, "CREATE TABLE items(id int PRIMARY KEY, note text)", "INSERT INTO items SELECT i, 'small' FROM generate_series(0, 9) i", "UPDATE items SET note = "+large+" WHERE id = 4",
				"CREATE TABLE loose(note text, id int); ALTER TABLE loose REPLICA IDENTITY FULL", "INSERT INTO loose VALUES ('small', 0), (repeat('x', 2000000), 1), ('small', 2)",
				"CREATE TABLE behind(note text, id int PRIMARY KEY)", "INSERT INTO behind VALUES (repeat('x', 2000000), 0), ('small', 1)")
			d := p.Streaming(t)
			const item = `public.items r size, 9 digits: {"id":"4"} {"table":"public.items","op":"r","after":{"id":"4"},"unavailable":["note"]}`
			counts := func(want map[string]int) {
				t.Helper()
				got := map[string]int{}
				harness.Eventually(t, "the dead letters", func() bool {
					clear(got)
					all := asLetters(ofPipeline(t, p, topic))
					for _, line := range all {
						got[line]++
					}
					return len(all) >= want[""]
				})
				got[""] = want[""]
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("dead letters are %v", got)
				}
			}
			counts(map[string]int{"": 3, item: 1, "public.loose r size, 7 digits:  ": 1, "public.behind r size, 7 digits:  ": 1})
			p.Command(t, harness.ExitDone, flags(p, t, d, "snapshot", "shop", "public.items", "public.loose", "public.behind", "--wait")...)
			counts(map[string]int{"": 6, item: 2, "public.loose r size, 7 digits:  ": 2, "public.behind r size, 7 digits:  ": 2})
			for table, want := range map[string]string{"items": "map[0:2 1:2 2:2 3:2 5:2 6:2 7:2 8:2 9:2]", "behind": "map[1:2]"} {
				if got := readKeys(p, t, table, "id"); fmt.Sprint(got) != want {
					t.Errorf("of %s were read %v", table, got)
				}
			}
			if n := len(p.Records(t, "loose")); n != 4 {
				t.Errorf("loose has %d records", n)
			}
			p.Exec(t, "UPDATE items SET note = 'small' WHERE id = 4")
			p.Converge(t) // nothing holds the slot
			if items := itemsOf(t, d); items.Stopped != "" || items.DeadLetters != 2 || !strings.Contains(items.LastUndelivered, "max.row.bytes: 134217728") {
				t.Errorf("%+v", items)
			}
			if _, metrics := d.Get(t, "/metrics"); !strings.Contains(metrics, `rdip_dead_letters_total{connector="shop",reason="size",table="public.items"} 2`) {
				t.Error("the letters are not in the metrics")
			}
			p.MustHold(t, 9, true)
			mustStayBelow(d, t, busyBound)
		})
	}
}

// P70, G1, D8: a kill -9 in a snapshot and in a window loses no dead letter of theirs; exactly once has each of them once.
func TestAKillInAWindowLosesNoDeadLetterOfIt(t *testing.T) {
	for _, mode := range []harness.Mode{harness.AtLeastOnce, harness.ExactlyOnce} {
		t.Run(mode.Name, func(t *testing.T) {
			p, topic := unreadable(t, mode)
			p.Tags = []string{"failpoints"}
			p.Exec(t, "CREATE TABLE items(id int PRIMARY KEY, note text)", "INSERT INTO items SELECT i, CASE WHEN i % 5 = 0 THEN repeat('x', 2000000) ELSE 'small' END FROM generate_series(0, 19) i")
			killed := func(point string, n int) {
				t.Helper()
				k := p.Configured()
				k.Env = []string{fmt.Sprintf("RDIP_FAILPOINT=%s:%d", point, n)}
				<-k.Start(t).Done
			}
			killed(failpoint.MidChunk, 8) // of the first snapshot: windows read what is left
			killed(failpoint.WindowRead, 1)
			killed(failpoint.WindowEmitted, 1)
			d := p.Streaming(t)
			harness.Eventually(t, "the snapshot to be finished", func() bool { return snapshots(d, t)["public.items"].State == "finished" })
			p.Converge(t)
			letters := map[string]int{}
			for _, m := range ofPipeline(t, p, topic) {
				letters[string(m.Key)]++
			}
			if len(letters) != 4 || mode.Exactly && fmt.Sprint(letters) != `map[{"id":"0"}:1 {"id":"10"}:1 {"id":"15"}:1 {"id":"5"}:1]` {
				t.Errorf("letters are %v", letters)
			}
			rows := readKeys(p, t, "items", "id")
			for key, n := range rows {
				if n != 1 && mode.Exactly {
					t.Errorf("row %s came %d times", key, n)
				}
			}
			if len(rows) != 16 {
				t.Errorf("%d rows were read", len(rows))
			}
		})
	}
}
