package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"rdip/connect/rest"
	"rdip/integration/harness"
	"rdip/integration/testenv"
	"rdip/integration/testenv/kafkaserver"
	"rdip/internal/failpoint"
)

// poison is something that one table's rows cannot be delivered for.
type poison struct {
	name   string
	keys   []string                                // of the configuration
	before func(t *testing.T, p *harness.Pipeline) // once the topic of items is there
	insert []string                                // the rows 1 and 2 of items, of which the first or both are poisoned
	words  []string                                // of why
	mend   func(t *testing.T, p *harness.Pipeline, d *harness.Daemon)
	// Of the rows 1 and 2, those that become dead letters.
	letters []string
}

const cardNumber = "c4n4ry-of-a-card"

var poisons = []poison{
	{name: "value: NaN is no decimal of Avro's (P25)",
		insert: []string{"INSERT INTO items VALUES (1, 'NaN', '" + cardNumber + "')", "INSERT INTO items VALUES (2, 1.5, '" + cardNumber + "')"},
		words:  []string{"column n", "decimal.handling.mode: string"},
		mend: func(t *testing.T, p *harness.Pipeline, d *harness.Daemon) {
			t.Helper()
			p.Configured("connectors.shop.decimal.handling.mode", "string").File(t)
			p.Command(t, harness.ExitDone, "reload", "--url", d.REST(t))
		}, letters: []string{"1"}},
	{name: "schema: the registry answers 409 (R2)",
		before: func(t *testing.T, p *harness.Pipeline) {
			t.Helper()
			compatibility(p, t, "BACKWARD")
			p.Exec(t, "ALTER TABLE items ALTER COLUMN quantity TYPE text USING quantity::text")
		},
		insert: []string{"INSERT INTO items VALUES (1, 1, '" + cardNumber + "')", "INSERT INTO items VALUES (2, 2, '" + cardNumber + "')"},
		words:  []string{"public.items-value", "earlier records hold"},
		mend: func(t *testing.T, p *harness.Pipeline, _ *harness.Daemon) {
			t.Helper()
			compatibility(p, t, "NONE")
		}, letters: []string{"1", "2"}},
	{name: "size: the topic takes less (K4)",
		keys:   []string{"connectors.shop.topic.creation.default.max.message.bytes", "20000"},
		insert: []string{"INSERT INTO items VALUES (1, 1, '" + cardNumber + "', repeat('x', 30000))", "INSERT INTO items VALUES (2, 2, '" + cardNumber + "')"},
		words:  []string{"the limit is", "max.message.bytes"},
		mend: func(t *testing.T, p *harness.Pipeline, _ *harness.Daemon) {
			t.Helper()
			limit := "100000"
			if err := kafkaAdmin(t, p.Kafka).AlterConfig(sarama.TopicResource, p.Prefix+".public.items", map[string]*string{"max.message.bytes": &limit}, false); err != nil {
				t.Fatal(err)
			}
		}, letters: []string{"1"}},
}

// inBothModes runs a test of each poison under each promise of delivery.
func inBothModes(t *testing.T, test func(t *testing.T, c poison)) {
	t.Helper()
	for _, mode := range []harness.Mode{harness.AtLeastOnce, harness.ExactlyOnce} {
		for _, c := range poisons {
			if mode.Exactly {
				c.keys = append(slices.Clone(c.keys), "connectors.shop.exactly.once.support", "required")
			}
			t.Run(mode.Name+"/"+c.name, func(t *testing.T) { test(t, c) })
		}
	}
}

// poisoned streams two tables, of which items then has rows that cannot be delivered.
func poisoned(t *testing.T, c poison, keys ...string) (*harness.Pipeline, *harness.Daemon) {
	t.Helper()
	p := harness.NewPipeline(t, 18).Configured(append(keys, c.keys...)...)
	p.Exec(t, "CREATE TABLE items(id int PRIMARY KEY, n numeric(6,2), card text, note text, quantity int)", "CREATE TABLE others(id int PRIMARY KEY)",
		"INSERT INTO items VALUES (0, 1, '"+cardNumber+"')", "INSERT INTO others VALUES (0)")
	d := p.Streaming(t)
	p.MustHold(t, 0, false)
	if c.before != nil {
		c.before(t, p)
	}
	return p, d
}

// others adds a row to the table that has nothing wrong, and waits until its topic has rows 0 to id once each.
func others(t *testing.T, p *harness.Pipeline, id int) {
	t.Helper()
	p.Exec(t, fmt.Sprintf("INSERT INTO others VALUES (%d)", id))
	var n int
	harness.Eventually(t, "the other table's rows", func() bool { n = len(p.Records(t, "others")); return n > id })
	if n != id+1 {
		t.Errorf("the table that had not stopped has %d records, not %d", n, id+1)
	}
}

// itemsOf is what status says of the table items.
func itemsOf(t *testing.T, d *harness.Daemon) rest.TableDetails {
	t.Helper()
	for _, table := range d.Status(t).Rdip.Tables {
		if table.Table == "public.items" {
			return table
		}
	}
	return rest.TableDetails{}
}

// G1, P25, R2, K4: a table whose rows cannot be delivered stops alone and by name; the slot is held for it while the others
// go on; and once it is mended it goes on in the same process with all that it missed, while the others repeat nothing.
func TestATableThatStoppedGoesOnOnceItIsMended(t *testing.T) {
	inBothModes(t, func(t *testing.T, c poison) {
		p, d := poisoned(t, c)
		p.Exec(t, c.insert[0])
		behind := p.Query(t, "SELECT pg_current_wal_lsn()::text") // its commit
		p.Exec(t, c.insert[1:]...)
		d.WaitFor(t, "table stopped; the other tables go on")
		others(t, p, 1)
		stopped := itemsOf(t, d)
		for _, word := range c.words {
			if !strings.Contains(stopped.Stopped, word) {
				t.Errorf("%q is not in why it stopped: %s", word, stopped.Stopped)
			}
		}
		if stopped.RetainedBytes == 0 || len(stopped.StoppedAt) == 0 || stopped.NeedsSnapshot {
			t.Errorf("what it costs is not told: %+v", stopped)
		}
		if out := p.Command(t, harness.ExitDone, "status", "--url", d.REST(t)); !strings.Contains(out, "STOPPED at") || !strings.Contains(out, "of log: ") || !strings.Contains(out, "once it is mended: rdip resume shop public.items") {
			t.Errorf("rdip status says\n%s", out)
		}
		if p.Slot(t, "confirmed_flush_lsn <= '"+behind+"'") != "true" {
			t.Errorf("the slot was moved to %s, behind what the table has still to see", p.Slot(t, "confirmed_flush_lsn"))
		}
		if out := p.Command(t, harness.ExitRuntime, "resume", "shop", "public.items", "--url", d.REST(t)); !strings.Contains(out, "it has stopped again") {
			t.Errorf("resumed before it was mended:\n%s", out)
		}
		others(t, p, 2)
		c.mend(t, p, d)
		if !strings.HasPrefix(c.name, "value") { // a reload has tried it already
			if out := p.Command(t, harness.ExitDone, "resume", "shop", "public.items", "--url", d.REST(t)); !strings.Contains(out, "goes on, and has caught up") {
				t.Errorf("resumed:\n%s", out)
			}
		}
		p.MustHold(t, 2, false)
		others(t, p, 3)
		p.Converge(t)
		if again := itemsOf(t, d); again.Stopped != "" || again.CatchingUp {
			t.Errorf("%+v", again)
		}
		if code := d.Stop(t); code != harness.ExitDone {
			t.Errorf("exit code %d", code)
		}
		others := len(p.Records(t, "others"))
		run(p, t, func() { p.Converge(t) })
		if n := len(p.Records(t, "others")); n != others {
			t.Errorf("the next start repeated %d records", n-others)
		}
	})
}

// D8, G1: with a topic for dead letters the table goes on; each of its rows is in one of the two topics, with the reason, and
// what is masked is in neither; the slot is not held.
func TestRowsThatCannotBeDeliveredBecomeDeadLettersWhereAskedFor(t *testing.T) {
	inBothModes(t, func(t *testing.T, c poison) {
		p, d := poisoned(t, c, "connectors.shop.column.mask.with.5.chars", "public.items.card", "connectors.shop.errors.tolerance", "all",
			"connectors.shop.errors.deadletterqueue.topic.name", testenv.Name("letters"), "connectors.shop.errors.deadletterqueue.topic.replication.factor", "1")
		topic := p.Keys["connectors.shop.errors.deadletterqueue.topic.name"]
		p.Exec(t, c.insert...)
		others(t, p, 1)
		var letters []kafkaserver.Record
		harness.Eventually(t, "the dead letters", func() bool {
			letters = ofPipeline(t, p, topic)
			return len(letters) >= len(c.letters)
		})
		p.MustHold(t, 2-len(c.letters), false)
		p.Converge(t) // nothing holds the slot
		for i, m := range letters {
			headers := map[string]string{}
			for _, h := range m.Headers {
				headers[string(h.Key)] = string(h.Value)
			}
			reason, _, _ := strings.Cut(c.name, ":")
			if string(m.Key) != fmt.Sprintf(`{"id":"%s"}`, c.letters[i]) || !strings.Contains(string(m.Value), `"left_out":["card"]`) || !strings.Contains(string(m.Value), `"id":"`+c.letters[i]+`"`) {
				t.Errorf("letter %s %.300s", m.Key, m.Value)
			}
			if headers["__rdip.reason"] != reason || headers["__rdip.table"] != "public.items" || headers["__connect.errors.topic"] != p.Prefix+".public.items" || !strings.Contains(headers["__rdip.position"], "lsn") {
				t.Errorf("headers %v", headers)
			}
			for _, word := range c.words {
				if !strings.Contains(headers["__connect.errors.exception.message"], word) {
					t.Errorf("%q is not in %s", word, headers["__connect.errors.exception.message"])
				}
			}
			if strings.Contains(string(m.Value)+string(m.Key)+fmt.Sprint(headers), cardNumber) {
				t.Errorf("what is masked is in the letter: %s", m.Value)
			}
		}
		if len(letters) != len(c.letters) {
			t.Errorf("%d letters, not %d", len(letters), len(c.letters))
		}
		if items := itemsOf(t, d); items.Stopped != "" || items.DeadLetters != int64(len(c.letters)) || items.LastUndelivered == "" {
			t.Errorf("%+v", items)
		}
		reason, _, _ := strings.Cut(c.name, ":")
		if _, metrics := d.Get(t, "/metrics"); !strings.Contains(metrics, fmt.Sprintf(`rdip_dead_letters_total{connector="shop",reason=%q,table="public.items"} %d`, reason, len(c.letters))) {
			t.Errorf("the letters are not in the metrics")
		}
		if strings.Contains(d.Out.String(), cardNumber) {
			t.Error("the log has row data")
		}
		others(t, p, 2)
	})
}

// ofPipeline reads a topic, which may not be there yet.
func ofPipeline(t *testing.T, p *harness.Pipeline, topic string) []kafkaserver.Record {
	t.Helper()
	if _, _, ok, err := p.Kafka.Topic(topic); err != nil || !ok {
		return nil
	}
	all, err := p.Kafka.Read(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// P68: a table that holds back more log than it may is given up by name, the source is let go, and rdip resume reads it
// again beside the stream.
func TestATableThatIsGivenUpLetsTheSlotGoAndIsReadAgain(t *testing.T) {
	c := poisons[1]
	p, d := poisoned(t, c, "connectors.shop.quarantine.max.retained.bytes", "200000")
	p.Exec(t, c.insert...)
	d.WaitFor(t, "table stopped; the other tables go on")
	p.Exec(t, "CREATE TABLE elsewhere(id int PRIMARY KEY, t text)", "INSERT INTO elsewhere SELECT i, repeat(i::text, 100) FROM generate_series(1, 5000) i")
	d.WaitFor(t, "table given up; the source is held for it no longer")
	p.Converge(t)
	if items := itemsOf(t, d); !items.NeedsSnapshot || !strings.Contains(items.Then, "rdip resume shop public.items") || items.RetainedBytes != 0 {
		t.Errorf("%+v", items)
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	d = p.Streaming(t)
	if items := itemsOf(t, d); !items.NeedsSnapshot {
		t.Errorf("after the next start: %+v", items)
	}
	c.mend(t, p, d)
	if out := p.Command(t, harness.ExitDone, "resume", "shop", "public.items", "--url", d.REST(t)); !strings.Contains(out, "is read again") {
		t.Errorf("resumed:\n%s", out)
	}
	p.MustHold(t, 2, true)
	p.Exec(t, "INSERT INTO items VALUES (3, 3)")
	p.MustHold(t, 3, true)
	if items := itemsOf(t, d); items.Stopped != "" {
		t.Errorf("%+v", items)
	}
	for args, want := range map[string]string{"public.items": "it has not stopped", "public.item": "did you mean public.items?"} {
		if out := p.Command(t, harness.ExitConfiguration, "resume", "shop", args, "--url", d.REST(t)); !strings.Contains(out, want) {
			t.Errorf("resume %s:\n%s", args, out)
		}
	}
}

// G1, D8: a kill -9 between dead letters loses none of them, and exactly once has each of them once. It proves that they go the
// way of rows; what is in a topic that is full or away it does not.
func TestAKillBetweenDeadLettersLosesNone(t *testing.T) {
	const rows = 40
	for mode, points := range map[harness.Mode][]harness.Crash{
		harness.AtLeastOnce: {{Point: failpoint.MidTransaction, N: rows / 4}, {Point: failpoint.Produced, N: 1}, {Point: failpoint.Acked, N: 1}, {Point: failpoint.Stored, N: 1}},
		harness.ExactlyOnce: {{Point: failpoint.MidTransaction, N: rows / 4}, {Point: failpoint.Produced, N: 1}, {Point: failpoint.Committing, N: 1}, {Point: failpoint.Committed, N: 1}}} {
		t.Run(mode.Name, func(t *testing.T) {
			letters := testenv.Name("letters")
			r := mode.Run(t, testenv.SharedPostgres(t, 18), testenv.SharedKafka(t))
			r.Tags = []string{"failpoints"}
			r.Setup = r.With("connectors.shop.table.include.list", "public.poisoned", "connectors.shop.errors.tolerance", "all", "connectors.shop.errors.deadletterqueue.topic.name", letters,
				"connectors.shop.errors.deadletterqueue.topic.replication.factor", "1")
			delete(r.Keys, "connectors.shop.table.exclude.list")
			r.Exec(t, "CREATE TABLE poisoned(id int PRIMARY KEY, n numeric(6,2))")
			run(r.Pipeline, t, func() {})
			for i, point := range points {
				for id := i * rows; id < (i+1)*rows; id++ { // every other one is poisoned
					r.Exec(t, fmt.Sprintf("INSERT INTO poisoned VALUES (%d, CASE WHEN %[1]d %% 2 = 0 THEN 1 ELSE 'NaN'::numeric END)", id))
				}
				r.Crash(t, point, nil)
			}
			run(r.Pipeline, t, func() { r.Converge(t) })
			seen := map[string]int{}
			for _, m := range ofPipeline(t, r.Pipeline, letters) {
				seen[string(m.Key)]++
			}
			for _, m := range r.Records(t, "poisoned") {
				seen[m.Key]++
			}
			if len(seen) != rows*len(points) {
				t.Errorf("%d of %d rows arrived: %v", len(seen), rows*len(points), seen)
			}
			for key, n := range seen {
				if n != 1 && mode.Exactly {
					t.Errorf("%s came %d times", key, n)
				}
			}
		})
	}
}
