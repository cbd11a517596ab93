package integration

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rdip/integration/harness"
	"rdip/integration/testenv/kafkaserver"
)

// decodedRecord is a record of any topic of a pipeline's: its headers, key and value as goavro reads them.
type decodedRecord struct {
	Topic      string
	Partition  int32
	Headers    map[string]string
	Key, Value map[string]any
}

// decodedTopic reads a topic with goavro; a topic that is not there has no records.
func decodedTopic(p *harness.Pipeline, t *testing.T, topic string) []decodedRecord {
	t.Helper()
	if _, _, ok, err := p.Kafka.Topic(topic); err != nil || !ok {
		return nil
	}
	raw, err := p.Kafka.Read(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	reader := harness.NewTopicReader(p.Registry)
	out := make([]decodedRecord, len(raw))
	for i, r := range raw {
		out[i] = decodedRecord{Topic: topic, Partition: r.Partition, Headers: headerTexts(&r), Key: natively(reader, t, r.Key), Value: natively(reader, t, r.Value)}
	}
	return out
}

func headerTexts(r *kafkaserver.Record) map[string]string {
	out := map[string]string{}
	for _, h := range r.Headers {
		out[string(h.Key)] = string(h.Value)
	}
	return out
}

// natively decodes framed Avro; nil for null.
func natively(r *harness.TopicReader, t *testing.T, framed []byte) map[string]any {
	t.Helper()
	if framed == nil {
		return nil
	}
	text := r.Schemas.Of(t, framed)
	c := r.Codecs[text]
	if c == nil {
		var err error
		if c, err = harness.Codec(text); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		r.Codecs[text] = c
	}
	v, rest, err := c.NativeFromBinary(framed[5:])
	if err != nil || len(rest) > 0 {
		t.Fatalf("%v, %d bytes behind the record", err, len(rest))
	}
	return v.(map[string]any)
}

// of is what a union holds; nil for null.
func of(v any) any {
	if m, ok := v.(map[string]any); ok && len(m) == 1 {
		for _, held := range m {
			return held
		}
	}
	return v
}

// numbered is the transaction block of an event.
type numbered struct {
	xid          string
	place        int64
	total, table int64
}

func blockOf(t *testing.T, v map[string]any) (numbered, bool) {
	t.Helper()
	b, ok := of(v["transaction"]).(map[string]any)
	if !ok {
		return numbered{}, false
	}
	xid, place, _ := strings.Cut(b["id"].(string), ":")
	n, err := strconv.ParseInt(place, 10, 64)
	if err != nil {
		t.Fatalf("id %v: %v", b["id"], err)
	}
	return numbered{xid: xid, place: n, total: b["total_order"].(int64), table: b["data_collection_order"].(int64)}, true
}

// P39: one daemon with every topic of its own, on the oldest and the newest server.
func TestEveryTopicOfItsOwnIsWritten(t *testing.T) {
	for _, version := range []int{14, 18} {
		t.Run(fmt.Sprint("PostgreSQL ", version), func(t *testing.T) {
			p := harness.ItemsPipeline(t, version).Configured(
				"connectors.shop.provide.transaction.metadata", "true",
				"connectors.shop.heartbeat.records.enabled", "true",
				"connectors.shop.message.prefix.exclude.list", "noise.*",
				"connectors.shop.ddl.capture", "true",
				"connectors.shop.topic.creation.default.partitions", "3")
			p.Exec(t, "CREATE TABLE other(id int PRIMARY KEY)")
			d := p.Streaming(t)
			p.Exec(t, "BEGIN; INSERT INTO items VALUES (1, 'x'); SELECT pg_logical_emit_message(true, 'audit', 'who'); INSERT INTO other SELECT generate_series(1, 20000); INSERT INTO items VALUES (2, 'y'); COMMIT",
				"SELECT pg_logical_emit_message(false, 'audit', 'outside')", "SELECT pg_logical_emit_message(true, 'noise.x', 'not wanted')",
				"CREATE VIEW seen AS SELECT * FROM items", "ALTER TABLE items ADD extra varchar(7) DEFAULT 'e'",
				"DO $$ BEGIN EXECUTE 'CREATE TABLE made(id int PRIMARY KEY, password text)'; END $$")
			p.Converge(t)
			harness.Eventually(t, "two heartbeat records", func() bool { return len(decodedTopic(p, t, "__debezium-heartbeat."+p.Prefix)) >= 2 })
			if code := d.Stop(t); code != 0 {
				t.Fatalf("exit code %d", code)
			}
			checkTransaction(p, t)
			checkMessages(p, t)
			checkHeartbeats(p, t)
			checkSchemaChanges(p, t)
		})
	}
}

// checkTransaction: the rows of the snapshot have no block, and those of the one transaction are numbered through.
func checkTransaction(p *harness.Pipeline, t *testing.T) {
	t.Helper()
	var orders []int64
	var xid string
	for _, topic := range []string{p.Prefix + ".public.items", p.Prefix + ".public.other", p.Prefix + ".message"} {
		for _, r := range decodedTopic(p, t, topic) {
			b, ok := blockOf(t, r.Value)
			source := r.Value["source"].(map[string]any)
			inTransaction := r.Value["op"] != "r" && of(source["txId"]) != nil
			if ok != inTransaction {
				t.Fatalf("%s: an event of op %v and transaction %v has a block: %t", topic, r.Value["op"], source["txId"], ok)
			}
			if ok {
				xid = b.xid
				orders = append(orders, b.total)
				if fmt.Sprint(of(source["txId"])) != b.xid || of(source["lsn"]) != b.place {
					t.Fatalf("block %+v of an event of %v at %v", b, source["txId"], source["lsn"])
				}
			}
		}
	}
	slices.Sort(orders)
	for i, n := range orders {
		if n != int64(i+1) {
			t.Fatalf("the %d. event of %d has total_order %d", i+1, len(orders), n)
		}
	}
	told := decodedTopic(p, t, p.Prefix+".transaction")
	if len(told) != 2 || told[0].Value["status"] != "BEGIN" || told[1].Value["status"] != "END" || told[0].Partition != told[1].Partition {
		t.Fatalf("%d records of transactions: %v", len(told), told)
	}
	for _, r := range told {
		if id := r.Value["id"].(string); !strings.HasPrefix(id, xid+":") || r.Key["id"] != id {
			t.Errorf("id %s, key %v, of transaction %s", id, r.Key, xid)
		}
	}
	if got, want := countsOf(told[1].Value), "20003 public.items=2,LOGICAL_DECODING_MESSAGE=1,public.other=20000"; got != want {
		t.Errorf("END has %s, want %s", got, want)
	}
}

// countsOf is an END's counts on one line.
func countsOf(v map[string]any) string {
	var out []string
	for _, item := range of(v["data_collections"]).([]any) {
		c := of(item).(map[string]any)
		out = append(out, fmt.Sprintf("%s=%d", c["data_collection"], c["event_count"]))
	}
	return fmt.Sprintf("%d %s", of(v["event_count"]), strings.Join(out, ","))
}

func checkMessages(p *harness.Pipeline, t *testing.T) {
	t.Helper()
	var got []string
	for _, r := range decodedTopic(p, t, p.Prefix+".message") {
		m := r.Value["message"].(map[string]any)
		source := r.Value["source"].(map[string]any)
		got = append(got, fmt.Sprintf("%v %v %s %s", of(r.Key["prefix"]), of(m["prefix"]), of(m["content"]), r.Value["op"]))
		if source["table"] != "" || of(source["lsn"]) == nil {
			t.Errorf("source %v", source)
		}
	}
	if want := []string{"audit audit who m", "audit audit outside m"}; !slices.Equal(got, want) {
		t.Errorf("messages %q, want %q", got, want)
	}
}

func checkHeartbeats(p *harness.Pipeline, t *testing.T) {
	t.Helper()
	last := int64(0)
	for _, r := range decodedTopic(p, t, "__debezium-heartbeat."+p.Prefix) {
		at := r.Value["ts_ms"].(int64)
		if r.Key["serverName"] != p.Prefix || at-last < 300 {
			t.Errorf("a heartbeat of %v at %d, %d ms after the one before it", r.Key["serverName"], at, at-last)
		}
		last = at
	}
}

func checkSchemaChanges(p *harness.Pipeline, t *testing.T) {
	t.Helper()
	var got []string
	for _, r := range decodedTopic(p, t, p.Prefix) {
		if r.Key["databaseName"] != p.Database || r.Headers["__rdip.ddl.session_user"] == "" {
			t.Errorf("key %v, headers %v", r.Key, r.Headers)
		}
		var tables []string
		for _, c := range r.Value["tableChanges"].([]any) {
			change := c.(map[string]any)
			tables = append(tables, fmt.Sprint(change["type"], " ", change["id"]))
		}
		got = append(got, fmt.Sprintf("%s: %v %v", r.Headers["__rdip.ddl.command"], of(r.Value["ddl"]), tables))
	}
	const withheld = "/* the statement is withheld: it may hold a secret, or is not itself a definition */"
	want := []string{
		"CREATE VIEW: CREATE VIEW seen AS SELECT * FROM items []",
		`ALTER TABLE: ALTER TABLE items ADD extra varchar(7) DEFAULT 'e' [ALTER "public"."items"]`,
		`CREATE TABLE: CREATE TABLE public.made, public.made_pkey ` + withheld + ` [CREATE "public"."made"]`}
	// rdip's own publication is made behind the event trigger and before the slot: it is not in the log
	if !slices.Equal(got, want) {
		t.Errorf("schema changes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
