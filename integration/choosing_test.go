package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rdip/integration/harness"
)

// salted is what column.mask.hash.v2.SHA-256 makes of a text, as a line shows it.
func salted(text string) string {
	sum := sha256.Sum256([]byte(canary + "-salt" + text))
	return hex.EncodeToString(sum[:])[:60] + "… (64 bytes)"
}

// choosing captures personal data that must not reach Kafka, tables that share a topic, and rows that are
// chosen, all of it in one configuration.
func choosing(t *testing.T, version int) *harness.Pipeline {
	t.Helper()
	p := harness.NewPipeline(t, version)
	p.Exec(t, `CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL, name varchar(40), card text, notes text, region text);
		ALTER TABLE people REPLICA IDENTITY FULL; CREATE TABLE orders_a (id int PRIMARY KEY, v text); CREATE TABLE orders_b (id int PRIMARY KEY, v text)`,
		fmt.Sprintf("INSERT INTO people VALUES (1, '%[1]s-email', 'annabel', '%[1]s-card', '%[1]s-notes', 'eu'), (2, '%[1]s-elsewhere', 'bo', NULL, NULL, 'out')", canary),
		"INSERT INTO orders_a VALUES (1, 'a')", "INSERT INTO orders_b VALUES (1, 'b')")
	return p.Configured("log.level", "debug", "connectors.shop.ddl.capture", "true",
		"connectors.shop.column.exclude.list", `public\.people\.card`,
		"connectors.shop.column.mask.with.4.chars", `public\.people\.notes`,
		"connectors.shop.column.mask.hash.v2.SHA-256.with.salt."+canary+"-salt", `public\.people\.email`,
		"connectors.shop.column.truncate.to.3.chars", `public\.people\.name`,
		"connectors.shop.column.propagate.source.type", `public\.people\.name`,
		"connectors.shop.message.key.columns", `public\.people:email`,
		"connectors.shop.skip.messages.without.change", "true",
		"connectors.shop.row.filter.public.people", "region <> 'out'",
		"connectors.shop.topic.routing.topic.regex", `(.*)\.orders_.*`,
		"connectors.shop.topic.routing.topic.replacement", "$1.orders",
		"connectors.shop.topic.routing.key.field.regex", `.*_(.*)`,
		"connectors.shop.topic.routing.key.field.replacement", "$1")
}

func TestOnlyWhatIsChosenReachesKafka(t *testing.T) {
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", version), func(t *testing.T) {
			p := choosing(t, version)
			d := p.Streaming(t)
			p.Exec(t, fmt.Sprintf("UPDATE people SET card = '%s-other' WHERE id = 1", canary), // left out: no change
				"UPDATE people SET name = 'berta' WHERE id = 1",
				fmt.Sprintf("UPDATE people SET email = '%s-new' WHERE id = 1", canary),
				fmt.Sprintf("INSERT INTO people VALUES (3, '%s-never', 'x', NULL, NULL, 'out')", canary),
				fmt.Sprintf("ALTER TABLE people ALTER notes SET DEFAULT '%s-default', ALTER card SET DEFAULT '%[1]s-other'", canary), // shown with others' constants
				"ALTER TABLE people ALTER region SET DEFAULT 'eu'",
				"UPDATE people SET region = 'out' WHERE id = 1", "DELETE FROM people WHERE id = 2", "UPDATE orders_b SET v = 'c'")
			row := func(email, name string) string {
				return fmt.Sprintf("{id=1 email=%s name=%s notes=**** region=eu}", salted(canary+email), name)
			}
			key := func(email string) string { return "key{email=" + salted(canary+email) + "}" }
			want := []string{
				"r " + key("-email") + " after" + row("-email", "ann"),
				"u " + key("-email") + " before" + row("-email", "ann") + " after" + row("-email", "ber"),
				"d " + key("-email") + " before" + row("-email", "ber"), "tombstone " + key("-email"),
				"c " + key("-new") + " after" + row("-new", "ber"),
				"d " + key("-new") + " before" + row("-new", "ber"), "tombstone " + key("-new"), // it has left the filter
			}
			schemas := &harness.RegistrySchemas{URL: p.Registry, ByID: map[int32]string{}}
			records := await(t, p.Kafka, schemas, p.Prefix+".public.people", len(want))
			got := lines(t, records)
			for i := range got { // old and new key of a changed key
				got[i], _, _ = strings.Cut(got[i], " headers{")
			}
			if !slices.Equal(got, want) {
				t.Errorf("records\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
			const name = `["null",{"type":"string","connect.parameters":{"truncateLength":"3","__debezium.source.column.type":"VARCHAR","__debezium.source.column.length":"40","__debezium.source.column.scale":"0","__debezium.source.column.name":"name"}}]`
			if have := rowSchema(t, records[0].ValueSchema, "name"); !sameJSON(name, string(have)) {
				t.Errorf("column name is %s, want %s", have, name)
			}
			checkShared(t, p, schemas)
			checkNothingLeaks(t, p, d)
		})
	}
}

// checkShared: two tables in one topic, told apart by the key.
func checkShared(t *testing.T, p *harness.Pipeline, schemas *harness.RegistrySchemas) {
	t.Helper()
	got := lines(t, await(t, p.Kafka, schemas, p.Prefix+".public.orders", 3))
	slices.Sort(got)
	want := []string{"r key{id=1 __dbz__physicalTableIdentifier=a} after{id=1 v=a}", "r key{id=1 __dbz__physicalTableIdentifier=b} after{id=1 v=b}",
		"u key{id=1 __dbz__physicalTableIdentifier=b} after{id=1 v=c}"}
	if !slices.Equal(got, want) {
		t.Errorf("records\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// checkNothingLeaks: what is masked or left out, and the salt, is in no byte of a topic, no schema, no log, no
// answer of REST and nothing that the commands print.
func checkNothingLeaks(t *testing.T, p *harness.Pipeline, d *harness.Daemon) {
	t.Helper()
	shown := map[string]string{
		"rdip check":  p.Command(t, harness.ExitDone, "check", p.ConfigFile()),
		"rdip status": p.Command(t, harness.ExitDone, "status", "--format", "json", "--url", d.REST(t)),
	}
	for _, path := range []string{"/connectors/shop", "/connectors/shop/config", "/connectors/shop/topics", "/connectors/shop/status", "/metrics"} {
		_, shown[path] = d.Get(t, path)
	}
	if !strings.Contains(shown["/connectors/shop/config"], "column.mask.hash.v2.SHA-256.with.salt.[redacted]") {
		t.Errorf("the configuration does not show that there is a mask: %s", shown["/connectors/shop/config"])
	}
	topics, err := p.Kafka.Topics()
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		if !strings.HasPrefix(topic, p.Prefix) {
			continue
		}
		records, err := p.Kafka.Read(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		shown["topic "+topic] = "records: "
		for _, r := range records {
			shown["topic "+topic] += string(r.Key) + string(r.Value)
			for _, h := range r.Headers {
				shown["topic "+topic] += string(h.Value)
			}
		}
	}
	if !strings.Contains(shown["topic "+p.Prefix], "ALTER notes SET DEFAULT '***', ALTER card") {
		t.Errorf("the schema changes do not show the statement without its constants: %s", shown["topic "+p.Prefix])
	}
	if code := d.Stop(t); code != harness.ExitDone {
		t.Errorf("exit code %d", code)
	}
	shown["the log"] = d.Out.String()
	mustNotShow(t, shown)
}

// What cannot be masked stops the start, by the name of the column, before anything is made at the source.
func TestAMaskThatCannotBeStopsTheStart(t *testing.T) {
	p := harness.ItemsPipeline(t, 18).Configured("connectors.shop.column.mask.with.4.chars", `public\.items\.id`)
	d := p.Start(t)
	if code := d.Wait(t, harness.Patience); code == harness.ExitDone || !strings.Contains(d.Out.String(), "public.items.id") || !strings.Contains(d.Out.String(), "no text") {
		t.Errorf("exit code %d:\n%s", code, d.Out.String())
	}
	if p.Slot(t, "slot_name") != "" {
		t.Error("a slot was made")
	}
	found := p.Command(t, harness.ExitConfiguration, "check", p.ConfigFile())
	if !strings.Contains(found, "public.items.id") {
		t.Errorf("the check says\n%s", found)
	}
}

// A salt is not shown where its key is refused either.
func TestASaltIsNotShownWhereItsKeyIsRefused(t *testing.T) {
	for _, key := range []string{"connectors.shop.column.mask.hash.MD6.with.salt." + canary, "column.mask.hash.MD5.with.salt." + canary} {
		p := harness.ItemsPipeline(t, 18).Configured(key, `.*note`)
		shown := p.Command(t, harness.ExitConfiguration, "check", p.File(t))
		mustNotShow(t, map[string]string{key[:20]: shown})
		if !strings.Contains(shown, "with.salt.[redacted]") {
			t.Errorf("the key is not named:\n%s", shown)
		}
	}
}

// K8: two tables that get one topic, though nobody asked for that, stop the start by their names, before anything is made
// at the source.
func TestTwoTablesOfOneTopicStopTheStartBeforeASlotIsMade(t *testing.T) {
	p := harness.ItemsPipeline(t, 18).Configured("connectors.shop.topic.naming", "${prefix}.${table}", "connectors.shop.table.include.list", `.*\.items`,
		"connectors.shop.publication.autocreate.mode", "filtered", "connectors.shop.publication.name", "both")
	p.Exec(t, "CREATE SCHEMA other", "CREATE TABLE other.items(id int PRIMARY KEY)")
	d := p.Start(t)
	if code := d.Wait(t, harness.Patience); code != harness.ExitConfiguration || !strings.Contains(d.Out.String(), "is that of table other.items too") {
		t.Errorf("exit code %d:\n%s", code, d.Out.String())
	}
	if p.Slot(t, "slot_name") != "" {
		t.Error("a slot was made")
	}
}
